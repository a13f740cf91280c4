"""Accepts connections of stations: a few in each turn of the event loop, and fewer while the system is behind.

See docs/DESIGN.md, "Order of admission". A whole fleet may connect in the same second (quirk 25). The event loop's own
server accepts all that wait at once, and then has all their handshakes to do before any frame of the stations that are
connected. Here they stay in the kernel's queue, first come, first served, which has a bound; beyond it the kernel does
not answer, and the station's own TCP tries again.

No connection holds a place that others wait for: a stranger that connects and says nothing keeps no station out.
"""

import asyncio
import errno
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mesh.runtime.logs import get_logger

log = get_logger(__name__)

# While services or event loop are behind, one connection is accepted in each of these periods all the same: a system
# that is always busy lets its stations come back, if slowly.
BEHIND_S = 0.1
# After the process or the system has run out of descriptors or memory.
EXHAUSTED_S = 1.0
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How many connections are accepted in one turn of the event loop, and when fewer are.

    That is while the services are behind, or while turns take longer than `longest_turn_s`.
    """

    per_turn: int
    longest_turn_s: float
    is_behind: Callable[[], bool]


class Entrance:
    """The listening sockets of one port; it has the part of `asyncio.Server` that `websockets` needs.

    `options` are those of the event loop's `connect_accepted_socket`. `loop` is the running one.
    """

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        *,
        factory: Callable[[], asyncio.Protocol],
        pace: Pace,
        loop: asyncio.AbstractEventLoop,
        **options: Any,
    ) -> None:
        self._listening = list(sockets)
        self._factory = factory
        self._pace = pace
        self._options = options
        self._loop = loop
        self._connecting: set[asyncio.Task[None]] = set()
        self._due: dict[socket.socket, asyncio.Handle] = {}
        for one in self._listening:
            self._wait(one)

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """The sockets that listen; none once it is closed."""
        return tuple(self._listening)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that it serves in."""
        return self._loop

    def is_serving(self) -> bool:
        """Whether connections are accepted."""
        return bool(self._listening)

    def close(self) -> None:
        """Accepts no more connections; those that were accepted stay."""
        for handle in self._due.values():
            handle.cancel()
        self._due.clear()
        while self._listening:
            one = self._listening.pop()
            self._loop.remove_reader(one)
            one.close()

    async def wait_closed(self) -> None:
        """Waits for the TLS handshakes under way; each has its own time limit."""
        if self._connecting:
            await asyncio.wait(self._connecting)

    def _wait(self, listening: socket.socket) -> None:
        """Waits for the next connection."""
        self._due.pop(listening, None)
        self._loop.add_reader(listening, self._begin, listening)

    def _begin(self, listening: socket.socket) -> None:
        """A connection waits: from now on each turn accepts some, until none is left."""
        self._loop.remove_reader(listening)
        self._accept(listening, self._pace.per_turn)

    def _accept(self, listening: socket.socket, most: int) -> None:
        """Accepts what this turn may have, and continues in the next one."""
        count = 0
        try:
            while count < most:
                accepted, _address = listening.accept()
                count += 1
                self._connect(accepted)
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            if not count:  # no other one waits, or it has left already
                self._wait(listening)
                return
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            log.warning("connections are not accepted for a moment", reason=error.strerror)
            self._due[listening] = self._loop.call_later(EXHAUSTED_S, self._accept, listening, most)
            return
        self._due[listening] = self._loop.call_soon(self._next_turn, listening, self._loop.time())

    def _next_turn(self, listening: socket.socket, begun_s: float) -> None:
        """The turn that began then has ended: every socket that had something to read was served."""
        turn_s = self._loop.time() - begun_s
        if turn_s > self._pace.longest_turn_s or self._pace.is_behind():
            self._due[listening] = self._loop.call_later(BEHIND_S, self._accept, listening, 1)
        else:
            self._accept(listening, self._pace.per_turn)

    def _connect(self, accepted: socket.socket) -> None:
        accepted.setblocking(False)
        # No frame waits until the one before it is confirmed. uvloop sees to that by itself; asyncio does not where it
        # is given the socket.
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = self._loop.create_task(self._serve(accepted))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _serve(self, accepted: socket.socket) -> None:
        """Hands a connection over to its protocol, after the TLS handshake where there is one."""
        # A far end that left needs no word, and failed TLS handshakes are noted elsewhere (tls/failures.py). The socket
        # is the transport's from the beginning, and closed by it.
        with suppress(OSError):
            await self._loop.connect_accepted_socket(self._factory, accepted, **self._options)


async def listen(host: str, port: int, *, backlog: int, shared_port: bool) -> list[socket.socket]:
    """Sockets that listen at each address of a host; with `shared_port` other processes may, too. Raises OSError."""
    addresses = await asyncio.get_running_loop().getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    sockets: list[socket.socket] = []
    try:
        for family, _type, _protocol, _name, address in dict.fromkeys(addresses):
            one = socket.create_server(address, family=family, backlog=backlog, reuse_port=shared_port)
            one.setblocking(False)
            sockets.append(one)
    except OSError:
        for one in sockets:
            one.close()
        raise
    return sockets
