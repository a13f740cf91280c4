"""Streams of batches: a mesh method `Stream<Name>` is the unary method `<Name>`, for one batch after the other.

A unary call costs either side about twice as much CPU as a message on a stream that is open already (ADR 23), and most
calls between gateways and services are small batches. A servicer has the unary method, and `StreamName =
served_by_twin`: `MeshInterceptor` serves the one by the other.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc

from mesh.grpc.types import Context

STREAM = "Stream"


async def _served_by_twin(_servicer: object, _requests: object, _context: Context) -> None:
    raise NotImplementedError("a stream of batches is served by its unary twin: see MeshInterceptor")


served_by_twin: Any = _served_by_twin
"""Stands in a servicer for a stream of batches."""


def unary_twin(method: str) -> str:
    """The path of the unary method that `/package.Service/Stream<Name>` stands for."""
    service, _, name = method.rpartition("/")
    return f"{service}/{name.removeprefix(STREAM)}"


class BatchStreams:
    """The open streams of a server. Requests of one stream are served one at a time, in their order."""

    def __init__(self) -> None:
        self._idle: set[asyncio.Task[Any]] = set()
        self._is_stopping = False

    async def serve(self, behaviour: Any, context: Context, *, is_admitted: Callable[[], bool]) -> None:
        """Answers each request of a stream by `behaviour(request, context)`, until the caller ends it or `stop`.

        It ends too before a request for which `is_admitted()` does not hold any more: the caller's proof has expired,
        or its key was taken away. Nothing of that request is done; the caller opens another stream, with its present
        proof.
        """
        while not self._is_stopping:
            request = await self._next(context)
            if request is grpc.aio.EOF or not is_admitted():
                return
            await context.write(await behaviour(request, context))

    def stop(self) -> None:
        """Ends each stream: at once where it waits for a request, else after its answer. None would end by itself."""
        self._is_stopping = True
        for task in self._idle:
            task.cancel()

    async def _next(self, context: Context) -> Any:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - gRPC runs each handler as one
        self._idle.add(task)
        try:
            return await context.read()
        except asyncio.CancelledError:
            if not self._is_stopping:
                raise
            task.uncancel()
            return grpc.aio.EOF
        finally:
            self._idle.discard(task)
