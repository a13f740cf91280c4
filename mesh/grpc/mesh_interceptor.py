"""The edge of a mesh server: who may call, and how an error leaves it, as a google.rpc.Status with its reason."""

from typing import Any

import grpc

from mesh.grpc.aborts import abort
from mesh.grpc.batch_streams import BatchStreams, unary_twin
from mesh.grpc.types import Context, Continuation, Handler
from mesh.identity.mesh_secret import MeshSecret


class MeshInterceptor(grpc.aio.ServerInterceptor):
    """Refuses calls without the secret before they reach a servicer, and converts errors of servicers to a status.

    All mesh methods are unary, or stand for a unary one (batch_streams.py). The handler that wraps a method's own is
    made once, since it runs for every batch.
    """

    def __init__(self, *, secret: str, streams: BatchStreams) -> None:
        self._secret = MeshSecret(secret)
        self._streams = streams
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
        if handler.stream_stream is not None:
            # gRPC takes details of its own class only, which the stubs do not describe.
            details: Any = type(handler_call_details)
            twin = await continuation(details(unary_twin(method), handler_call_details.invocation_metadata))
            guarded = self._streaming(method, twin)
        else:
            guarded = _guarded(method, handler)
        self._handlers[method] = guarded
        return guarded

    def _streaming(self, method: str, twin: Handler | None) -> Handler:
        assert twin is not None, f"{method} has no unary twin"  # noqa: S101 - tests/mesh holds the contract to that
        behaviour: Any = twin.unary_unary

        async def serve(_requests: Any, context: Context) -> None:
            try:
                await self._streams.serve(behaviour, context)
            except Exception as error:
                await abort(context, method, error)

        return grpc.stream_stream_rpc_method_handler(serve, twin.request_deserializer, twin.response_serializer)


def _guarded(method: str, handler: Handler) -> Handler:
    behaviour: Any = handler.unary_unary

    async def serve(request: Any, context: Context) -> Any:
        try:
            return await behaviour(request, context)
        except Exception as error:
            await abort(context, method, error)

    return grpc.unary_unary_rpc_method_handler(serve, handler.request_deserializer, handler.response_serializer)
