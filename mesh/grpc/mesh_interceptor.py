"""The edge of a mesh server: who may call, and how an error leaves it, as a google.rpc.Status with its reason."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import grpc

from mesh.grpc.aborts import abort
from mesh.grpc.batch_streams import BatchStreams, unary_twin
from mesh.grpc.types import Context, Continuation, Handler
from mesh.identity.mesh_identity import ANY_PART, MeshIdentity
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError

# Health checks carry no proof, and reveal nothing.
_OPEN_PREFIX = "/grpc.health.v1.Health/"
# Seconds that a call which is refused has for its request to arrive.
REQUEST_WITHIN_S = 5.0
_NOBODY: frozenset[str] = frozenset()


class MeshInterceptor(grpc.aio.ServerInterceptor):
    """Refuses calls of other parts than a method is for, and converts errors of servicers to a status.

    `callers` are the parts that may call each method, from the contract. All mesh methods are unary, or stand for a
    unary one (batch_streams.py). The handler that wraps a method's own is made once, since it runs for every batch.
    """

    def __init__(self, *, identity: MeshIdentity, callers: Mapping[str, frozenset[str]], streams: BatchStreams) -> None:
        self._identity = identity
        self._callers = {method: parts | {ANY_PART} for method, parts in callers.items()}
        self._streams = streams
        self._handlers: dict[str, Handler] = {}
        self._without_proof = _refusal(
            MeshError(
                grpc.StatusCode.UNAUTHENTICATED,
                Reason.INVALID_MESH_TOKEN,
                "this port is for processes of the mesh only, and the call proves none",
            )
        )

    async def intercept_service(
        self,
        continuation: Continuation,
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Returns the handler of one call; None if there is no such method."""
        method = handler_call_details.method
        if method.startswith(_OPEN_PREFIX):
            return await continuation(handler_call_details)
        part = self._identity.part_of(handler_call_details.invocation_metadata)
        if part is None:
            return self._without_proof
        if part not in self._callers.get(method, _NOBODY):
            return self._denial(method, part)
        known = self._handlers.get(method)
        if known is not None:
            return known
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        if handler.stream_stream is not None:
            # gRPC takes details of its own class only, which the stubs do not describe.
            details: Any = type(handler_call_details)
            twin = await continuation(details(unary_twin(method), handler_call_details.invocation_metadata))
            guarded = self._streaming(method, twin)
        else:
            guarded = _guarded(method, handler)
        self._handlers[method] = guarded
        return guarded

    def _denial(self, method: str, part: str) -> Handler | None:
        if method not in self._callers:
            return None  # no method of the contract: UNIMPLEMENTED
        return _refusal(
            MeshError(
                grpc.StatusCode.PERMISSION_DENIED,
                Reason.CALLER_NOT_ALLOWED,
                f"{part} may not call {method[1:]}: its `callers` in the contract are others",
            )
        )

    def _streaming(self, method: str, twin: Handler | None) -> Handler:
        assert twin is not None, f"{method} has no unary twin"  # noqa: S101 - tests/mesh holds the contract to that
        behaviour: Any = twin.unary_unary
        callers = self._callers[method]

        async def serve(_requests: Any, context: Context) -> None:
            proof = context.invocation_metadata()

            def is_admitted() -> bool:
                return self._identity.part_of(proof) in callers

            try:
                await self._streams.serve(behaviour, context, is_admitted=is_admitted)
            except Exception as error:
                await abort(context, method, error)

        return grpc.stream_stream_rpc_method_handler(serve, twin.request_deserializer, twin.response_serializer)


def _refusal(error: MeshError) -> Handler:
    """Answers a call with an error, whatever its request is."""

    async def refuse(_requests: object, context: Context) -> None:
        # A caller that still writes its request when its call ends has an error of its own library, not this one.
        with suppress(TimeoutError):
            async with asyncio.timeout(REQUEST_WITHIN_S):
                await context.read()
        await abort(context, "", error)

    # Of a stream, which does not wait for a request without end; it serves a unary call too.
    return grpc.stream_stream_rpc_method_handler(refuse)


def _guarded(method: str, handler: Handler) -> Handler:
    behaviour: Any = handler.unary_unary

    async def serve(request: Any, context: Context) -> Any:
        try:
            return await behaviour(request, context)
        except Exception as error:
            await abort(context, method, error)

    return grpc.unary_unary_rpc_method_handler(serve, handler.request_deserializer, handler.response_serializer)
