"""A station's WebSocket: `websockets` for the handshake and everything rare, a short way for whole text frames.

Nearly every frame of a station is one masked text frame without extensions. Taking those past the generator-based
parser, the message queue and the sending context of `websockets` halves the CPU of a message (docs/PERFORMANCE.md). All
else (control frames, fragments, compression, oversized frames, the closing handshake) goes through the library
unchanged; it is given whole frames only, so that its parser and ours never disagree about where a frame begins.
"""

from collections.abc import Callable
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.frames import DATA_OPCODES, CloseCode, Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.speedups import apply_mask

from gateway.session import SocketClosedError

# RFC 6455, 5.2: FIN and opcode 1; the mask bit.
_WHOLE_TEXT = 0x81
_MASKED = 0x80

# Messages taken from what one read brought, before the others have their turn: a flood of one station must not hold
# them up. (A read may bring thousands; libuv itself bounds how often it reads from one socket in a turn.)
TURN_MESSAGES = 32

Receiver = Callable[[bytes], None]


class StationSocket(ServerConnection):
    """One station's socket. `attach` names who takes its messages; until then they are kept, in their order."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._receiver: Receiver | None = None
        self._on_pong: Callable[[], None] = lambda: None
        self._early: list[bytes] = []
        self._fragments: list[bytes] = []
        self._rest = b""  # the beginning of a frame, or what arrived while paused
        self._came_early = False
        self._short_way = False
        self._held = False

    def attach(self, receiver: Receiver, on_pong: Callable[[], None]) -> None:
        """Gives every message from now on to `receiver`, first those that came early; tells `on_pong` of pongs."""
        self._receiver = receiver
        self._on_pong = on_pong
        # With an extension a frame's bytes are not its text. And where frames began to arrive before the handshake was
        # done, the library may be in the middle of one.
        self._short_way = not self.protocol.extensions and not self._came_early
        early, self._early = self._early, []
        for message in early:
            receiver(message)

    def hold(self) -> None:
        """Takes no more messages until `resume`: what is unread stays in the kernel's buffers."""
        if not self._held:
            self._held = True
            self.transport.pause_reading()

    def resume(self) -> None:
        """Takes messages again; what a lost connection left unread stays so: the station knows it was not answered."""
        if not self._held or self.connection_lost_waiter.done():
            return
        self._held = False
        self.data_received(b"")
        if not self._held:
            self.transport.resume_reading()

    def write(self, data: bytes) -> bool:
        """Sends a text message; false where the far end does not read, so that the caller must `drain` first.

        Raises SocketClosedError.
        """
        if self.protocol.state is not OPEN:
            raise SocketClosedError(self.final_code)
        length = len(data)
        if length < 126:
            header = bytes((_WHOLE_TEXT, length))
        elif length < 65_536:
            header = bytes((_WHOLE_TEXT, 126, length >> 8, length & 0xFF))
        else:
            header = bytes((_WHOLE_TEXT, 127)) + length.to_bytes(8, "big")
        self.transport.write(header + data)
        return not self.paused

    async def drain(self) -> None:
        """Returns once the far end reads again. Raises SocketClosedError."""
        try:
            await super().drain()
        except OSError:
            raise SocketClosedError(self.final_code) from None

    def abort(self) -> None:
        """Drops the connection without a word."""
        self.transport.abort()

    def ask_for_pong(self) -> None:
        """Sends a ping, and remembers nothing: many stations never answer one (quirk 4)."""
        if self.protocol.state is OPEN:
            self.protocol.send_ping(b"")
            self.send_data()

    @property
    def final_code(self) -> int:
        """The code that the connection was closed with; 1006 where there was none."""
        return self.close_code or 1006

    @property
    def broke_protocol(self) -> bool:
        """Whether we closed the socket because the far end sent what it may not (RFC 6455, 7.4.1: 1002)."""
        sent = self.protocol.close_sent
        return sent is not None and sent.code == CloseCode.PROTOCOL_ERROR

    # asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        """Takes whole text frames the short way, gives all else to the library frame by frame."""
        if not self._short_way:
            super().data_received(data)
            if self._receiver is None and self.request is not None and not data.endswith(b"\r\n\r\n"):
                self._came_early = True
            return
        if self._rest:
            data, self._rest = self._rest + data, b""
        receive = self._receiver
        assert receive is not None  # noqa: S101 - the short way is taken from `attach` on
        at, end, taken = 0, len(data), 0
        while not self._held and end - at >= 2:
            body, after = _extent(data, at, end)
            if after > end:
                if after - body > (self.protocol.max_message_size or after):
                    self._leave_short_way(data[at:])
                    return
                break
            if data[at] == _WHOLE_TEXT and data[at + 1] & _MASKED and self._takes_text(after - body):
                receive(apply_mask(data[body:after], data[body - 4 : body]))
            else:
                super().data_received(data[at:after])
            at = after
            taken += 1
            if taken == TURN_MESSAGES and at < end and not self._held:
                self.hold()
                self.loop.call_soon(self.resume)
        self._rest = data[at:]

    def process_event(self, event: Any) -> None:
        """Puts the library's frames together again, and lets it have everything else."""
        if isinstance(event, Request) or not isinstance(event, Frame) or event.opcode not in DATA_OPCODES:
            super().process_event(event)
            if isinstance(event, Frame) and event.opcode is Opcode.PONG:
                self._on_pong()
            return
        self._fragments.append(bytes(event.data))
        if event.fin:
            message, self._fragments = b"".join(self._fragments), []
            self._receive(message)

    def _receive(self, message: bytes) -> None:
        if self._receiver is None:
            self._early.append(message)
            return
        self._receiver(message)

    def _takes_text(self, length: int) -> bool:
        """Whether a whole text frame may come now: not within a fragmented message, a closing one, nor too long."""
        protocol = self.protocol
        return (
            protocol.state is OPEN and protocol.current_size is None and length <= (protocol.max_message_size or length)
        )

    def _leave_short_way(self, data: bytes) -> None:
        self._short_way = False
        super().data_received(data)


def _extent(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Where the body of the frame at `at` begins and where the frame ends; beyond `end` where it is not all there."""
    second = data[at + 1]
    length = second & 0x7F
    body = at + 2
    if length >= 126:
        size = 2 if length == 126 else 8
        if end < body + size:
            return end, end + 1
        length = int.from_bytes(data[body : body + size], "big")
        body += size
    if second & _MASKED:
        body += 4
    return body, body + length
