"""The edge of a mesh server: who may call, and how an error leaves it, as a google.rpc.Status with its reason."""

from typing import Any

import grpc

from mesh.grpc.aborts import abort
from mesh.grpc.types import Context, Continuation, Handler
from mesh.identity.mesh_secret import MeshSecret


class MeshInterceptor(grpc.aio.ServerInterceptor):
    """Refuses calls without the secret before they reach a servicer, and converts errors of servicers to a status.

    All mesh methods are unary. The handler that wraps a method's own is made once, since it runs for every batch.
    """

    def __init__(self, *, secret: str) -> None:
        self._secret = MeshSecret(secret)
        self._handlers: dict[str, Handler] = {}

        async def refuse(_request: object, context: Context) -> None:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "this port is for processes of the mesh only")

        self._refusal: Handler = grpc.unary_unary_rpc_method_handler(refuse)

    async def intercept_service(
        self,
        continuation: Continuation,
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Returns the handler of one call; None if there is no such method."""
        if not self._secret.admits(handler_call_details):
            return self._refusal
        method = handler_call_details.method
        known = self._handlers.get(method)
        if known is not None:
            return known
        handler = await continuation(handler_call_details)
        if handler is None or method.startswith("/grpc."):
            return handler
        guarded = self._handlers[method] = _guarded(method, handler)
        return guarded


def _guarded(method: str, handler: Handler) -> Handler:
    behaviour: Any = handler.unary_unary

    async def serve(request: Any, context: Context) -> Any:
        try:
            return await behaviour(request, context)
        except Exception as error:
            await abort(context, method, error)

    return grpc.unary_unary_rpc_method_handler(serve, handler.request_deserializer, handler.response_serializer)
