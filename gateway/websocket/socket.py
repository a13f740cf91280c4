"""A station's WebSocket: `websockets` for the handshake and everything rare, a short way for whole text frames.

Nearly every frame of a station is one masked text frame without extensions. Taking those past the generator-based
parser, the message queue and the sending context of `websockets` halves the CPU of a message (docs/PERFORMANCE.md). All
else (control frames, fragments, compression, oversized frames, the closing handshake) goes through the library
unchanged; it is given the head of the request, then whole frames only, so that its parser and ours never disagree about
where a frame begins.

Until a station is admitted nothing that it sends after its request is parsed: it is kept as it came, up to a bound.
"""

import asyncio
import re
import select
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Protocol

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import DATA_OPCODES, CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import CLOSING, OPEN, SEND_EOF
from websockets.speedups import apply_mask

from gateway.connection.frame_channel import SocketClosedError
from gateway.websocket.admitted_connection import AdmittedConnection
from gateway.websocket.client_frames import MASKED, WHOLE_TEXT, frame_extent

_HEAD_END = b"\r\n\r\n"
# A request line begins with its method; some bytes of it are enough to recognize it.
_METHOD_BYTES = 16
_OTHER_METHOD = re.compile(rb"(?!GET )[A-Z]+ ")

# What one socket may have done for it before the others have their turn: so many frames, and so many bytes of messages,
# counted as they are after decompression. A larger message has a turn of its own.
TURN_FRAMES = 32
TURN_BYTES = 8 * 1024
# What a hasty station may send before its handshake is answered: more stays in the kernel's buffers.
EARLY_BYTES = 64 * 1024
# A message in more parts than this is refused with 1009. The least that stations are known to cut messages into are
# parts of some hundred bytes.
MAX_FRAGMENTS = 8192

# Why a socket is not read from; it is read from again once none of these is left.
_BY_SESSION, _FOR_A_TURN, _UNREAD_ANSWERS, _TOO_EARLY = 1, 2, 4, 8

# Linux reports that the far end has closed even while nothing is read; elsewhere only a reset shows.
_GONE = getattr(select, "POLLRDHUP", 0) | select.POLLHUP | select.POLLERR


class Receiver(Protocol):
    """Receiver of a socket's messages: gateway.connection.session.Session."""

    def receive(self, data: bytes) -> None:
        """Takes a message. Must not raise."""

    def on_pong(self) -> None:
        """Takes note of a pong."""

    def on_write_paused(self, paused: bool, /) -> None:
        """Takes note that the far end does not read, or reads again."""


class StationSocket(AdmittedConnection):
    """One station's socket. `attach` sets the receiver of its messages."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._may_answer: Callable[[], bool] = lambda: True
        self._receiver: Receiver | None = None
        self._takes_lone_text = (
            False  # whether a frame of a turn's bytes, read by itself, needs the library for nothing
        )
        self._fragments: list[bytes] = []
        # The end of what was read of the request; then what came early; then the beginning of a frame, or what
        # arrived while the socket was held.
        self._rest = bytearray()
        self._beginning = b""  # of the request
        self._needed = 0  # bytes of `_rest` from which there is a whole frame in it; 0: not known
        self._inflated = 0  # bytes of the messages that the library made of the last frame
        self._reads_all = False  # whether the library has the rest of the connection, whatever comes
        self._discards = False
        self._pauses = 0
        self._ending: asyncio.TimerHandle | None = None

    # The handshake

    async def close_unadmitted(self, code: int, reason: str) -> None:
        """Closes a connection without a receiver: no more of it is parsed."""
        self._discards = True
        self._rest.clear()
        self._release(_TOO_EARLY)
        try:
            async with self.send_context():
                self.protocol.fail(code, reason)
        except ConnectionClosed:
            pass

    def attach(self, receiver: Receiver, *, may_answer: Callable[[], bool] = lambda: True) -> None:
        """Gives every message from now on to `receiver`, first those that came early.

        Nothing is sent once `may_answer()` is false.
        """
        self._receiver = receiver
        self._may_answer = may_answer
        # With an extension a frame's bytes are not its text.
        longest = self.protocol.max_message_size or TURN_BYTES
        self._takes_lone_text = not self.protocol.extensions and longest >= TURN_BYTES
        if self._pauses & _TOO_EARLY:
            self._release(_TOO_EARLY)
        else:
            self._take_rest()

    def _take_head(self, data: bytes) -> None:
        """Gives the library the head of the request, and keeps what follows it."""
        if len(self._beginning) < _METHOD_BYTES:
            self._beginning += data[:_METHOD_BYTES]
        seen = len(self._rest)
        head = bytes(self._rest) + data
        end = head.find(_HEAD_END)
        if end < 0:
            self._rest = bytearray(head[-len(_HEAD_END) + 1 :])
            self._give_head(data)
            return
        end += len(_HEAD_END)
        self._rest.clear()
        self._give_head(data[: end - seen])
        self._take_early(head[end:])

    def _give_head(self, data: bytes) -> None:
        protocol = self.protocol
        protocol.receive_data(data)
        if protocol.handshake_exc is not None and protocol.writes == [SEND_EOF]:
            # The library ends the connection without an answer, which a proxy reports as an unavailable service.
            protocol.writes.insert(0, _bad_request(self, self._beginning).serialize())
        super().data_received(b"")

    def _take_early(self, data: bytes) -> None:
        if self._discards or self.protocol.eof_sent:
            return
        self._rest += data
        if len(self._rest) > EARLY_BYTES:
            self._pause_for(_TOO_EARLY)

    # Reading and not reading

    def pause_reading(self) -> None:
        """Takes no more messages until `resume_reading`: what is unread stays in the kernel's buffers."""
        self._pause_for(_BY_SESSION)

    def resume_reading(self) -> None:
        """Resumes reading, from the next iteration of the event loop on.

        Messages that a lost connection left unread stay unread: the station has no answer to them.
        """
        self._release(_BY_SESSION)

    def check_lost(self) -> bool:
        """Drops a connection that the far end has closed while it was not read from, which nothing else would show.

        Returns whether it is not read from.
        """
        if not self._pauses or self.is_lost or self.transport.is_closing():
            return False
        poll = select.poll()
        poll.register(self.transport.get_extra_info("socket").fileno(), _GONE)
        if poll.poll(0):
            self.transport.abort()
        return True

    def _pause_for(self, reason: int) -> None:
        if not self._pauses and not self.is_lost and not self.transport.is_closing():
            self.transport.pause_reading()
        self._pauses |= reason

    def _release(self, reason: int) -> None:
        if not self._pauses & reason:
            return
        self._pauses &= ~reason
        if not self._may_read():
            return
        if self._rest and self._receiver is not None:
            self._pauses = _FOR_A_TURN
            self.loop.call_soon(self._next_turn)
        else:
            self.transport.resume_reading()

    def _next_turn(self) -> None:
        if self.is_lost:
            return
        self._pauses &= ~_FOR_A_TURN
        if self._pauses:
            return  # a turn follows once these are released
        self._take_rest()
        if self._may_read():
            self.transport.resume_reading()

    def _may_read(self) -> bool:
        return not self._pauses and not self.is_lost and not self.transport.is_closing()

    # Writing

    def write(self, data: bytes) -> bool:
        """Sends a text message; false where the far end does not read, so that the caller must `drain` first.

        Raises SocketClosedError.
        """
        if self.protocol.state is not OPEN:
            raise SocketClosedError(self.final_code)
        if not self._may_answer():
            # The station is another gateway's by now, for all that is known here: this answer might contradict it.
            self.transport.abort()
            raise SocketClosedError(1006)
        length = len(data)
        if length < 126:
            header = bytes((WHOLE_TEXT, length))
        elif length < 65_536:
            header = bytes((WHOLE_TEXT, 126, length >> 8, length & 0xFF))
        else:
            header = bytes((WHOLE_TEXT, 127)) + length.to_bytes(8, "big")
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
        """Whether the gateway closed the socket because the far end violated the protocol (RFC 6455, 7.4.1: 1002)."""
        sent = self.protocol.close_sent
        return sent is not None and sent.code == CloseCode.PROTOCOL_ERROR

    # asyncio.Protocol

    def connection_lost(self, exc: Exception | None) -> None:
        """Drops the data that was read and not taken."""
        super().connection_lost(exc)
        if self._ending is not None:
            self._ending.cancel()
        self._rest.clear()
        self._fragments.clear()
        # The library's objects refer to each other in cycles, which the garbage collector seldom looks for
        # (mesh.runtime.process.freeze_startup_objects): without the cycles a refused connection is freed at once.
        protocol = self.protocol
        protocol.parser.close()
        protocol.handshake_exc = None
        protocol.__dict__.pop("select_subprotocol", None)

    def pause_writing(self) -> None:
        """Stops reading while the far end does not read, since answers and pongs would pile up."""
        super().pause_writing()
        self._pause_for(_UNREAD_ANSWERS)
        if self._receiver is not None:
            self._receiver.on_write_paused(True)

    def resume_writing(self) -> None:
        """The far end reads again."""
        super().resume_writing()
        if self._receiver is not None:
            self._receiver.on_write_paused(False)
        self._release(_UNREAD_ANSWERS)

    def data_received(self, data: bytes) -> None:
        """Takes whole text frames the short way, gives all else to the library frame by frame."""
        if self._reads_all:
            super().data_received(data)
        elif (receiver := self._receiver) is not None:
            if self._rest or self._pauses:
                self._rest += data
                if len(self._rest) >= self._needed and not self._pauses:
                    self._take_rest()
            elif (body := self._lone_text(data)) > 0:
                receiver.receive(apply_mask(data[body:], data[body - 4 : body]))
            elif (at := self._take_frames(data)) < len(data):
                self._rest += data[at:]
        elif self.request is not None:
            self._take_early(data)
        elif self.protocol.eof_sent:
            super().data_received(data)  # which discards it
        else:
            self._take_head(data)

    def _lone_text(self, data: bytes) -> int:
        """Where the text begins, if the bytes are one whole text frame of no more than a turn; else 0.

        Nearly all that is read is such a frame, which `_take_frames` would take too, at twice the price.
        """
        size = len(data)
        if not self._takes_lone_text or not 2 <= size <= TURN_BYTES or data[0] != WHOLE_TEXT or data[1] < MASKED:
            return 0
        body, after = frame_extent(data, 0, size)
        return body if after == size and self._takes_text() else 0

    def _take_rest(self) -> None:
        del self._rest[: self._take_frames(self._rest)]

    def _take_frames(self, data: bytes | bytearray) -> int:
        """Takes whole frames, as many as a turn allows; returns where the first that was not taken begins."""
        receiver, protocol = self._receiver, self.protocol
        assert receiver is not None  # noqa: S101 - called from `attach` on
        at, end, frames_left, bytes_left = 0, len(data), TURN_FRAMES, TURN_BYTES
        longest = protocol.max_message_size or end
        self._needed = 0
        while not self._pauses and end - at >= 2:
            body, after = frame_extent(data, at, end)
            length = after - body
            if length > longest:
                return self._leave_to_library(data, at)
            if after > end:
                self._needed = after - at
                break
            if not frames_left or (length > bytes_left and frames_left < TURN_FRAMES):
                self._end_turn()
                break
            # With an extension a frame's bytes are not its text.
            if data[at] == WHOLE_TEXT and data[at + 1] & MASKED and not protocol.extensions and self._takes_text():
                receiver.receive(apply_mask(data[body:after], data[body - 4 : body]))
            else:
                length = max(length, self._give_frame(data[at:after]))
            at = after
            frames_left -= 1
            bytes_left -= length
        return at

    def _end_turn(self) -> None:
        self._pause_for(_FOR_A_TURN)
        self.loop.call_soon(self._next_turn)

    def _give_frame(self, data: bytes | bytearray) -> int:
        """Gives the library one frame; returns how many bytes of messages it made of it."""
        self._inflated = 0
        super().data_received(bytes(data))
        if self.protocol.state is CLOSING and self._ending is None:
            # The library waits for the far end to close; one that does not is not waited for any longer.
            self._ending = self.loop.call_later(self.close_timeout or 0, self.transport.abort)
        return self._inflated

    def process_event(self, event: Any) -> None:
        """Puts the library's frames together again, and lets it have everything else."""
        if isinstance(event, Request) or not isinstance(event, Frame) or event.opcode not in DATA_OPCODES:
            super().process_event(event)
            if isinstance(event, Frame) and event.opcode is Opcode.PONG and self._receiver is not None:
                self._receiver.on_pong()
            return
        if self.protocol.state is not OPEN:
            return  # after our close: it cannot be answered, and the station sends it again
        self._fragments.append(bytes(event.data))
        if event.fin:
            message, self._fragments = b"".join(self._fragments), []
            self._inflated += len(message)
            if self._receiver is not None:
                self._receiver.receive(message)
        elif len(self._fragments) > MAX_FRAGMENTS:
            self._fragments.clear()
            self.protocol.fail(CloseCode.MESSAGE_TOO_BIG, f"a message in more than {MAX_FRAGMENTS} parts")
            self.send_data()

    def _takes_text(self) -> bool:
        """Whether a whole text frame may come now: not within a fragmented message, nor while closing."""
        return self.protocol.state is OPEN and self.protocol.current_size is None

    def _leave_to_library(self, data: bytes | bytearray, at: int) -> int:
        """Lets the library refuse a frame that is too long as soon as its length is known."""
        self._reads_all = True
        self._give_frame(data[at:])
        return len(data)


def _bad_request(socket: ServerConnection, beginning: bytes) -> Response:
    if _OTHER_METHOD.match(beginning):
        response = socket.protocol.reject(HTTPStatus.METHOD_NOT_ALLOWED, "a charge point connects with GET\n")
        response.headers["Allow"] = "GET"
        return response
    return socket.protocol.reject(HTTPStatus.BAD_REQUEST, "not a request that opens a WebSocket\n")
