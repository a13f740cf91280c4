"""The CALLs of one station that wait for their turn: one is served at a time, in the order they came."""

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec

from gateway.ocppj import Call

# CALLs that a station may send ahead of our answers, though the standard allows one; beyond it the socket is not read.
INBOX_SIZE = 16
INBOX_BYTES = 1024 * 1024
# CALLs that are served one right after the other, before other sockets have their turn, come to so many bytes.
TURN_BYTES = 8 * 1024


class Arrival(msgspec.Struct, frozen=True):
    """A CALL as it came."""

    call: Call
    data: bytes
    ordinal: int  # of its frame, on its connection
    time_us: int


class Inbox:
    """Serves CALLs in turn. `serve(arrival)` begins; whoever answers the CALL then says so with `answered`.

    That may be before `serve` returns, which must not raise. Where too much waits, the socket is told to `hold`.
    """

    def __init__(
        self, *, serve: Callable[[Arrival], None], hold: Callable[[], None], resume: Callable[[], None]
    ) -> None:
        self._serve = serve
        self._hold = hold
        self._resume = resume
        self._waiting: deque[Arrival] = deque()
        self._waiting_bytes = 0
        self._open: dict[str, bytes] = {}
        self._current: Arrival | None = None
        self._is_taking_turns = self._is_held = False
        self._emptied: asyncio.Future[None] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether there is no CALL that is not done with."""
        return self._current is None and not self._waiting and not self._open

    def open_data(self, message_id: str) -> bytes | None:
        """The frame of a CALL of this id that is not answered yet, if there is one."""
        return self._open.get(message_id)

    def add(self, arrival: Arrival) -> None:
        """Takes a CALL, and serves it now or in its turn."""
        self._open[arrival.call.message_id] = arrival.data
        if self._current is None and not self._is_taking_turns:  # then none waits either
            self._take_turns(arrival)
            return
        self._waiting.append(arrival)
        self._waiting_bytes += len(arrival.data)
        if self._is_full():
            self._is_held = True
            self._hold()

    def answered(self) -> None:
        """The CALL that was being served is done with: the next one's turn."""
        if self._current is not None:
            self._open.pop(self._current.call.message_id, None)
            self._current = None
        if self._is_taking_turns:
            return  # it was answered while being served, and the loop below goes on
        if self._waiting:
            self._take_turns(self._next())
        else:
            self._rest()

    async def finish(self, timeout_s: float) -> None:
        """Waits until every CALL that was read is done with, for at most `timeout_s` seconds."""
        if self._current is not None or self._waiting:
            if self._emptied is None:
                self._emptied = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._emptied], timeout=timeout_s)

    def _take_turns(self, arrival: Arrival | None) -> None:
        self._is_taking_turns = True
        bytes_left = TURN_BYTES
        while arrival is not None:
            bytes_left -= len(arrival.data)
            self._current = arrival
            self._serve(arrival)
            if not self._waiting:
                break
            if self._must_wait(bytes_left):
                asyncio.get_running_loop().call_soon(self._go_on)  # until then turns are being taken
                return
            arrival = self._next()
        self._is_taking_turns = False
        self._rest()

    def _rest(self) -> None:
        """Nothing more is to be served for the moment."""
        if self._current is None and self._emptied is not None:
            self._emptied.set_result(None)
            self._emptied = None
        if self._is_held and not self._is_full():
            self._is_held = False
            self._resume()

    def _must_wait(self, bytes_left: int) -> bool:
        """Whether the next CALL's turn is after that of other sockets."""
        return self._current is None and len(self._waiting[0].data) > bytes_left

    def _go_on(self) -> None:
        self._take_turns(self._next())

    def _next(self) -> Arrival | None:
        if self._current is not None or not self._waiting:
            return None
        arrival = self._waiting.popleft()
        self._waiting_bytes -= len(arrival.data)
        return arrival

    def _is_full(self) -> bool:
        return len(self._waiting) >= INBOX_SIZE or self._waiting_bytes >= INBOX_BYTES
