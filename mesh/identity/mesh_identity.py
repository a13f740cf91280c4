"""The identity of a process within the mesh: it proves its part in its own calls, and recognizes the parts that call.

For the time of an upgrade, the secret that all processes shared in earlier releases is sent and accepted too, where it
is set: it stands for every part. It goes with the next release.
"""

import hmac
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from mesh.identity.key_files import ClockS, PrivateKeyFile, PublicKeyFolder
from mesh.identity.mesh_tokens import MeshTokenMaker, MeshTokenVerifier
from mesh.runtime.logs import get_logger
from mesh.runtime.settings import MeshSettings
from mesh.runtime.startup_errors import SettingError

log = get_logger(__name__)

TOKEN_KEY = "csms-mesh-token"  # noqa: S105 - the name of metadata
SECRET_KEY = "csms-mesh-secret"  # noqa: S105
# The caller that is known by the shared secret alone.
ANY_PART = "*"

Metadata = tuple[tuple[str, str | bytes], ...]
Proofs = Callable[[], Metadata]
"""The metadata by which a call proves its part: another one every few minutes, so it is asked for before each call."""


class MeshIdentity:
    """Makes the proofs of this process, and checks those of its callers. Threads may share it."""

    def __init__(self, settings: MeshSettings, *, clock_s: ClockS = time.time) -> None:
        """Reads the keys. Raises SettingError where they are missing, open to others or do not belong together."""
        self.part = settings.part
        self._secret = settings.secret
        self._maker: MeshTokenMaker | None = None
        self._verifier: MeshTokenVerifier | None = None
        if settings.key_file is not None and settings.public_keys is not None:
            key_file = PrivateKeyFile(settings.key_file, clock_s=clock_s)
            public_keys = PublicKeyFolder(settings.public_keys, clock_s=clock_s)
            _check_pair(self.part, key_file, public_keys)
            self._maker = MeshTokenMaker(part=self.part, key_file=key_file, clock_s=clock_s)
            self._verifier = MeshTokenVerifier(part=self.part, public_keys=public_keys, clock_s=clock_s)

    def proofs(self, audience: str) -> Proofs:
        """The metadata for calls of the part `audience`."""
        return partial(self._proofs, audience)

    def part_of(self, metadata: Iterable[tuple[str, Any]] | None) -> str | None:
        """The part behind a call, by its metadata; ANY_PART by the secret alone; None without a valid proof."""
        secret = None
        for key, value in metadata or ():
            if key == TOKEN_KEY and self._verifier is not None:
                return self._verifier.part_of(str(value))
            if key == SECRET_KEY:
                secret = value
        if secret is None or self._secret is None:
            return None
        return ANY_PART if hmac.compare_digest(str(secret).encode(), self._secret.encode()) else None

    def warn_of_secret(self) -> None:
        """Logs that the shared secret is still in use, for the person who runs the mesh."""
        if self._secret is not None:
            log.warning("CSMS_MESH_SECRET is deprecated: it speaks for every part; give each process a key of its own")

    def _proofs(self, audience: str) -> Metadata:
        proofs: Metadata = () if self._maker is None else ((TOKEN_KEY, self._maker.token(audience)),)
        return proofs if self._secret is None else (*proofs, (SECRET_KEY, self._secret))


def _check_pair(part: str, key_file: PrivateKeyFile, public_keys: PublicKeyFolder) -> None:
    found = public_keys.keys.get(key_file.current.key_id)
    if found is None or found.part != part:
        whose = "none of them" if found is None else found.part
        raise SettingError(
            f"CSMS_MESH_KEY_FILE is not the key of {part}: by CSMS_MESH_PUBLIC_KEYS it belongs to {whose}"
        )
