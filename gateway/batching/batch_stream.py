"""The calling end of streams of batches: a stream is kept from one batch to the next (mesh/grpc/batch_streams.py)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, from_rpc_error

Stream = grpc.aio.StreamStreamCall[Any, Any]

# Streams are opened anew after this time, so that calls are spread over the replicas that there are by then.
MAX_AGE_S = 60.0
# A service of the release before has no streams; it is asked again after this time.
UNIMPLEMENTED_FOR_S = 60.0
# INTERNAL is that of a write which gRPC began before it noticed the end.
_CODES_OF_LOST_CONNECTIONS = frozenset(
    {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.INTERNAL}
)


class _EndedError(Exception):
    """The service has ended the stream. It may or may not have taken the last batch."""


class BatchStream:
    """Sends serialized batches of one method over kept streams: one for each batch that is in flight at the same time.

    `open_stream()` begins a stream; `unary(request)` is the same method for a single batch, for a service that has no
    streams. Batches must be safe to repeat.
    """

    def __init__(
        self,
        *,
        open_stream: Callable[[], Stream],
        unary: Callable[[bytes], Awaitable[Any]],
        timeout_s: float,
        max_age_s: float = MAX_AGE_S,
    ) -> None:
        self._open_stream = open_stream
        self._unary = unary
        self._timeout_s = timeout_s
        self._max_age_s = max_age_s
        self._loop = asyncio.get_running_loop()
        self._idle: list[tuple[Stream, float]] = []
        self._unary_until_s = 0.0

    async def call(self, request: bytes) -> Any:
        """Sends a batch and returns its response. Raises MeshError."""
        now_s = self._loop.time()
        if now_s < self._unary_until_s:
            return await self._unary(request)
        if self._idle:
            stream, opened_s = self._idle.pop()
            if now_s - opened_s > self._max_age_s:
                stream.cancel()
            else:
                try:
                    return await self._send_on(stream, opened_s, request)
                except _EndedError:
                    pass  # while nothing was sent, the service stopped or the connection was lost
        try:
            return await self._send_on(self._open_stream(), now_s, request)
        except _EndedError as error:
            raise MeshError(grpc.StatusCode.UNAVAILABLE, Reason.UNKNOWN, "the service has ended the stream") from error
        except MeshError as error:
            if error.code is not grpc.StatusCode.UNIMPLEMENTED:
                raise
            self._unary_until_s = now_s + UNIMPLEMENTED_FOR_S
            return await self._unary(request)

    def close(self) -> None:
        """Ends the streams that are idle."""
        for stream, _opened_s in self._idle:
            stream.cancel()
        self._idle.clear()

    async def _send_on(self, stream: Stream, opened_s: float, request: bytes) -> Any:
        try:
            async with asyncio.timeout(self._timeout_s):
                await stream.write(request)
                response = await stream.read()
        except TimeoutError:
            stream.cancel()
            raise MeshError(
                grpc.StatusCode.DEADLINE_EXCEEDED, Reason.UNKNOWN, f"no response within {self._timeout_s:g} s"
            ) from None
        except asyncio.CancelledError:
            stream.cancel()
            raise
        except asyncio.InvalidStateError as error:  # it ended before this batch
            raise _EndedError from error
        except grpc.aio.AioRpcError as error:
            raise _to_error(error) from error
        if response is grpc.aio.EOF:
            raise _EndedError
        self._idle.append((stream, opened_s))
        return response


def _to_error(error: grpc.aio.AioRpcError) -> Exception:
    """The status of a batch has a reason; one by which a stream ends with its connection has none."""
    status = from_rpc_error(error)
    has_ended = status.reason == Reason.UNKNOWN and status.code in _CODES_OF_LOST_CONNECTIONS
    return _EndedError() if has_ended else status
