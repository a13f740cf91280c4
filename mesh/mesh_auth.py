"""How processes of the mesh prove themselves to each other: a shared secret in each call's metadata."""

import hmac

import grpc

from mesh.grpc_types import Context, Continuation, Handler

METADATA_KEY = "csms-mesh-secret"
# Health checks carry no secret, and tell none.
_OPEN_PREFIX = "/grpc.health.v1.Health/"


class MeshSecretInterceptor(grpc.aio.ServerInterceptor):
    """Refuses calls without the secret: UNAUTHENTICATED, before any servicer sees them."""

    def __init__(self, *, secret: str) -> None:
        self._secret = secret.encode()

        async def refuse(_request: object, context: Context) -> None:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "this port is for processes of the mesh only")

        self._refusal: Handler = grpc.unary_unary_rpc_method_handler(refuse)

    async def intercept_service(
        self,
        continuation: Continuation,
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Lets a call through, or puts the refusal in its place."""
        if handler_call_details.method.startswith(_OPEN_PREFIX):
            return await continuation(handler_call_details)
        for key, value in handler_call_details.invocation_metadata:
            if key == METADATA_KEY and hmac.compare_digest(str(value).encode(), self._secret):
                return await continuation(handler_call_details)
        return self._refusal
