"""The proof by which gateways recognize Envoy, derived from the mesh's secret, which Envoy does not have."""

import hashlib
import hmac

ADDRESS_HEADER = "X-Envoy-External-Address"
PROOF_HEADER = "X-CSMS-Front-Door"
# The host name by which an operator called the front door, which overwrites what the caller sends under this name.
HOST_HEADER = "X-CSMS-Host"


def proof_of(mesh_secret: str) -> str:
    """The value of PROOF_HEADER in a mesh with this secret; it does not reveal the secret."""
    return hmac.digest(mesh_secret.encode(), b"front door", hashlib.sha256).hex()
