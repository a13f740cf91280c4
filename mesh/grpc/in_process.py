"""Calls between parts of the mesh that run in one process: unary calls of gRPC without a connection.

A call has all that one over the network has: the proof of its caller, checked by the server's own interceptor; a
deadline; cancellation; an error with its status. Requests and responses are serialized, so that neither side has an
object of the other. Threads, sockets and HTTP/2 are left out, which are most of the price of a small call
(docs/PERFORMANCE.md, "Layouts").

Servers and channels find each other through `InProcessServers`, which is there where several parts share a process.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import Any, NamedTuple, NoReturn, cast

import grpc

from mesh.grpc.types import Context, Handler
from mesh.identity.mesh_identity import Metadata, Proofs

_servers: ContextVar["InProcessServers | None"] = ContextVar("in_process_servers", default=None)


class CallDetails(NamedTuple):
    """A call, as an interceptor sees it (grpc.HandlerCallDetails)."""

    method: str
    invocation_metadata: Metadata


class InProcessServers:
    """The mesh servers of the parts in this process, by the addresses (host:port) at which others reach them."""

    def __init__(self, addresses: Iterable[str]) -> None:
        """`addresses` are those of all parts that will be started here; any other is called over the network."""
        self._servers: dict[str, InProcessServer | None] = dict.fromkeys(addresses)
        self._changed = asyncio.Event()

    @classmethod
    def of_process(cls) -> "InProcessServers | None":
        """The servers of this process; None where it has one part alone."""
        return _servers.get()

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Has the servers and channels that are made in this context find each other here."""
        token = _servers.set(self)
        try:
            yield
        finally:
            _servers.reset(token)

    def has(self, address: str) -> bool:
        """Whether the part at this address runs in this process."""
        return address in self._servers

    def find(self, address: str) -> "InProcessServer | None":
        """The server at an address, while it serves."""
        return self._servers.get(address)

    async def wait_for(self, address: str) -> None:
        """Returns once the server at an address serves."""
        while self.find(address) is None:
            await self._changed.wait()

    def set(self, address: str, server: "InProcessServer | None") -> None:
        """Takes note that a server serves at an address, or none does any more."""
        self._servers[address] = server
        self._changed.set()
        self._changed = asyncio.Event()


class InProcessServer:
    """The methods of one mesh server for callers in the same process.

    It has the two functions by which generated code adds a servicer to a grpc.aio.Server.
    """

    def __init__(self, *, address: str, servers: InProcessServers, interceptor: grpc.aio.ServerInterceptor) -> None:
        self._address = address
        self._servers = servers
        self._interceptor = interceptor
        self._handlers: list[grpc.GenericRpcHandler] = []
        self._calls: set[asyncio.Task[bytes]] = set()
        self._context = copy_context()

    def add_generic_rpc_handlers(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Adds the methods of a servicer."""
        self._handlers.extend(handlers)

    def add_registered_method_handlers(self, service: str, handlers: object) -> None:
        """The same methods once more, for a search that gRPC does by itself."""

    def start(self) -> None:
        """Serves calls from now on, in a copy of the present context each."""
        self._context = copy_context()
        self._servers.set(self._address, self)

    async def stop(self, grace_s: float) -> None:
        """Accepts no new calls, gives the present ones `grace_s` seconds to end, and cancels those that have not."""
        self._servers.set(self._address, None)
        if self._calls and grace_s > 0:
            await asyncio.wait(self._calls, timeout=grace_s)
        for call in self._calls:
            call.cancel()

    async def call(self, details: CallDetails, request: bytes, timeout_s: float | None) -> bytes:
        """Serves a call. Raises grpc.aio.AioRpcError."""
        deadline_s = None if timeout_s is None else asyncio.get_running_loop().time() + timeout_s
        work = self._serve(details, request, _CallContext(details.invocation_metadata, deadline_s))
        # In the server's context: the caller's own has its credential, and the fields of its log.
        task = asyncio.get_running_loop().create_task(work, context=self._context.copy())
        self._calls.add(task)
        task.add_done_callback(self._ended)
        try:
            await asyncio.wait((task,), timeout=timeout_s)
        finally:
            if not task.done():  # the caller does not wait for its end
                task.cancel()
        if not task.done():
            raise _error(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
        if task.cancelled():
            raise _error(grpc.StatusCode.UNAVAILABLE, f"{self._address} has stopped")
        return task.result()

    def _ended(self, task: "asyncio.Task[bytes]") -> None:
        self._calls.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved: the caller may have gone

    async def _serve(self, details: CallDetails, request: bytes, context: "_CallContext") -> bytes:
        try:
            # The interceptor asks for no more than gRPC's own details have.
            handler = await self._interceptor.intercept_service(self._find, cast("Any", details))
            if handler is None:
                raise _error(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")
            # A refusal of the interceptor is made for streams (mesh/grpc/mesh_interceptor.py).
            behaviour: Any = handler.unary_unary or handler.stream_stream
            parse: Any = handler.request_deserializer or bytes
            response = await behaviour(parse(request), cast("Context", context))
        except grpc.aio.AbortError:
            raise context.to_error() from None
        serialize: Any = handler.response_serializer
        return cast("bytes", serialize(response))

    async def _find(self, details: grpc.HandlerCallDetails) -> Handler | None:
        found = (one.service(details) for one in self._handlers)
        return next((handler for handler in found if handler is not None), None)


class InProcessChannel:
    """A channel to a part in the same process, for the stubs of unary methods.

    A call to a part that has not started yet, or has stopped, fails with UNAVAILABLE at once.
    """

    def __init__(self, *, address: str, servers: InProcessServers, proofs: Proofs) -> None:
        self._address = address
        self._servers = servers
        self._proofs = proofs

    def unary_unary(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes],
        response_deserializer: Callable[[bytes], Any],
        **_options: object,
    ) -> Callable[..., Awaitable[Any]]:
        """See grpc.aio.Channel. The calls are awaited, and have nothing else of a grpc.aio.Call."""

        async def call(request: Any, *, timeout: float | None = None, metadata: Metadata = ()) -> Any:  # noqa: ASYNC109
            server = self._servers.find(self._address)
            if server is None:
                raise _error(grpc.StatusCode.UNAVAILABLE, f"{self._address} does not serve")
            details = CallDetails(method, (*metadata, *self._proofs()))
            return response_deserializer(await server.call(details, request_serializer(request), timeout))

        return call

    def stream_stream(self, method: str, *_arguments: object, **_options: object) -> Callable[..., NoReturn]:
        """Streams are not served here: a kept stream spares nothing where there is no connection."""

        def refuse(*_arguments: object, **_options: object) -> NoReturn:
            raise _error(grpc.StatusCode.UNIMPLEMENTED, f"{method}: no streams within a process")

        return refuse

    unary_stream = stream_unary = stream_stream

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """READY while the part serves."""
        serves = self._servers.find(self._address) is not None
        return grpc.ChannelConnectivity.READY if serves else grpc.ChannelConnectivity.IDLE

    async def channel_ready(self) -> None:
        """Returns once the part serves."""
        await self._servers.wait_for(self._address)

    async def close(self, grace: float | None = None) -> None:
        """Nothing is open."""


def is_in_process(channel: object) -> bool:
    """Whether a channel leads to a part in the same process."""
    return isinstance(channel, InProcessChannel)


class _CallContext:
    """The context of a call, with those methods of grpc.aio.ServicerContext that methods of the mesh use."""

    def __init__(self, metadata: Metadata, deadline_s: float | None) -> None:
        self._metadata = metadata
        self._deadline_s = deadline_s
        self._status: grpc.Status | None = None

    def invocation_metadata(self) -> Metadata:
        """The metadata of the call."""
        return self._metadata

    def time_remaining(self) -> float | None:
        """Seconds to the deadline; None where there is none."""
        if self._deadline_s is None:
            return None
        return max(0.0, self._deadline_s - asyncio.get_running_loop().time())

    async def read(self) -> Any:
        """The next request of a stream: there is none."""
        return grpc.aio.EOF

    async def abort_with_status(self, status: grpc.Status) -> NoReturn:
        """Ends the call with an error."""
        self._status = status
        raise grpc.aio.AbortError

    def to_error(self) -> grpc.aio.AioRpcError:
        """The error that the call was ended with, as its caller has it."""
        assert self._status is not None  # noqa: S101 - abort_with_status has set it
        return _error(self._status.code, self._status.details, self._status.trailing_metadata)


def _error(code: grpc.StatusCode, details: str, trailing: Any = ()) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(*(trailing or ())), details=details)
