"""How an error leaves a mesh service: as a google.rpc.Status, with its reason."""

from typing import Any

import grpc

from mesh.aborts import abort
from mesh.grpc_types import Context, Continuation, Handler


class MeshEdge(grpc.aio.ServerInterceptor):
    """Turns what a mesh servicer raises into a google.rpc.Status. All mesh methods are unary."""

    async def intercept_service(
        self,
        continuation: Continuation,
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Wraps the handler of one call."""
        handler = await continuation(handler_call_details)
        if handler is None or handler_call_details.method.startswith("/grpc."):
            return handler
        behaviour: Any = handler.unary_unary
        method = handler_call_details.method

        async def serve(request: Any, context: Context) -> Any:
            try:
                return await behaviour(request, context)
            except Exception as error:
                await abort(context, method, error)

        return grpc.unary_unary_rpc_method_handler(serve, handler.request_deserializer, handler.response_serializer)
