"""The proof by which gateways and services recognize Envoy, and believe the address of a caller that it names.

It is derived from a secret that is good for nothing else: it admits to no port of the mesh.
"""

import hashlib
import hmac
from pathlib import Path

from mesh.identity.key_files import read_secret_file
from mesh.runtime.settings import LEAST_SECRET, Environment
from mesh.runtime.startup_errors import SettingError

ADDRESS_HEADER = "X-Envoy-External-Address"
PROOF_HEADER = "X-CSMS-Front-Door"
# The host name by which an operator called the front door, which overwrites what the caller sends under this name.
HOST_HEADER = "X-CSMS-Host"
# The encryption of a connection to the front door: "TLSv1.3 TLS_AES_128_GCM_SHA256", or one of the two words below.
TLS_HEADER = "X-CSMS-TLS"
NO_TLS, TLS_IN_FRONT = "none", "in-front"
# The certificate that a station showed there; Envoy replaces what the caller sends under this name.
CERTIFICATE_HEADER = "X-Forwarded-Client-Cert"
_SETTING = "CSMS_FRONT_DOOR_SECRET_FILE"


def proof_of(secret: str) -> str:
    """The value of PROOF_HEADER for this secret; it does not reveal the secret."""
    return hmac.digest(secret.encode(), b"front door", hashlib.sha256).hex()


def read_front_door_secrets(env: Environment) -> tuple[str, ...]:
    """The secrets by which Envoy may prove itself; Envoy itself uses the first one. Raises SettingError.

    That of CSMS_FRONT_DOOR_SECRET_FILE; and CSMS_MESH_SECRET while that is set, from which the proof was derived in
    earlier releases.
    """
    file, former = env.optional(_SETTING), env.optional("CSMS_MESH_SECRET")
    return (*(() if file is None else (_read(Path(file)),)), *(() if former is None else (former,)))


def _read(path: Path) -> str:
    try:
        secret = read_secret_file(path, _SETTING).decode().strip()
    except UnicodeDecodeError as error:
        raise SettingError(f"{_SETTING}: {path} is no text") from error
    if len(secret) < LEAST_SECRET:
        raise SettingError(f"{_SETTING}: the secret in {path} has fewer than {LEAST_SECRET} characters")
    return secret
