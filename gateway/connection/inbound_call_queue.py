"""The queue of CALLs of one station: one is served at a time, in the order of arrival."""

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec

from gateway.ocpp.frames import Call

# CALLs that a station may send before it is answered, though the standard allows one; beyond it the socket is not read.
MAX_WAITING_CALLS = 16
MAX_WAITING_BYTES = 1024 * 1024
# Most bytes of CALLs that are served one right after the other, before other sockets are served.
TURN_BYTES = 8 * 1024


class ReceivedCall(msgspec.Struct, frozen=True):
    """A CALL as it came."""

    call: Call
    data: bytes
    ordinal: int  # of its frame, on its connection
    time_us: int


class InboundCallQueue:
    """Serves CALLs in order. `serve(received)` begins; the caller calls `answered` once the CALL has its answer.

    That may be before `serve` returns, which must not raise. Where too many CALLs wait, `pause_reading` is called.
    """

    def __init__(
        self,
        *,
        serve: Callable[[ReceivedCall], None],
        pause_reading: Callable[[], None],
        resume_reading: Callable[[], None],
    ) -> None:
        self._serve = serve
        self._pause_reading = pause_reading
        self._resume_reading = resume_reading
        self._waiting: deque[ReceivedCall] = deque()
        self._waiting_bytes = 0
        self._open: dict[str, bytes] = {}
        self._current: ReceivedCall | None = None
        self._is_taking_turns = self._is_paused = False
        self._emptied: asyncio.Future[None] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether no CALL waits or is being served."""
        return self._current is None and not self._waiting and not self._open

    def open_data(self, message_id: str) -> bytes | None:
        """The frame of a CALL of this id that is not answered yet, if there is one."""
        return self._open.get(message_id)

    def add(self, received: ReceivedCall) -> None:
        """Adds a CALL, and serves it now or when those before it are answered."""
        self._open[received.call.message_id] = received.data
        if self._current is None and not self._is_taking_turns:  # then none waits either
            self._take_turns(received)
            return
        self._waiting.append(received)
        self._waiting_bytes += len(received.data)
        if self._is_full():
            self._is_paused = True
            self._pause_reading()

    def answered(self) -> None:
        """Ends the CALL that is being served, and serves the next one."""
        if self._current is not None:
            self._open.pop(self._current.call.message_id, None)
            self._current = None
        if self._is_taking_turns:
            return  # it was answered while being served, and the loop below continues
        if self._waiting:
            self._take_turns(self._next())
        else:
            self._rest()

    async def finish(self, timeout_s: float) -> None:
        """Waits until every CALL that was read is answered, for at most `timeout_s` seconds."""
        if self._current is not None or self._waiting:
            if self._emptied is None:
                self._emptied = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._emptied], timeout=timeout_s)

    def _take_turns(self, received: ReceivedCall | None) -> None:
        self._is_taking_turns = True
        bytes_left = TURN_BYTES
        while received is not None:
            bytes_left -= len(received.data)
            self._current = received
            self._serve(received)
            if not self._waiting:
                break
            if self._must_wait(bytes_left):
                asyncio.get_running_loop().call_soon(self._go_on)  # until then other sockets are served
                return
            received = self._next()
        self._is_taking_turns = False
        self._rest()

    def _rest(self) -> None:
        """Nothing more is to be served for the moment."""
        if self._current is None and self._emptied is not None:
            self._emptied.set_result(None)
            self._emptied = None
        if self._is_paused and not self._is_full():
            self._is_paused = False
            self._resume_reading()

    def _must_wait(self, bytes_left: int) -> bool:
        """Whether the next CALL is served only after other sockets."""
        return self._current is None and len(self._waiting[0].data) > bytes_left

    def _go_on(self) -> None:
        self._take_turns(self._next())

    def _next(self) -> ReceivedCall | None:
        if self._current is not None or not self._waiting:
            return None
        received = self._waiting.popleft()
        self._waiting_bytes -= len(received.data)
        return received

    def _is_full(self) -> bool:
        return len(self._waiting) >= MAX_WAITING_CALLS or self._waiting_bytes >= MAX_WAITING_BYTES
