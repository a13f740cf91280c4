"""Authentication among processes of the mesh: a shared secret in each call's metadata."""

import hmac

import grpc

METADATA_KEY = "csms-mesh-secret"
# Health checks carry no secret, and reveal none.
_OPEN_PREFIX = "/grpc.health.v1.Health/"


class MeshSecret:
    """Decides who may call."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def admits(self, call: grpc.HandlerCallDetails) -> bool:
        """Whether a call carries the secret, or needs none."""
        for key, value in call.invocation_metadata:
            if key == METADATA_KEY and hmac.compare_digest(str(value).encode(), self._secret):
                return True
        return call.method.startswith(_OPEN_PREFIX)
