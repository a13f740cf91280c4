"""The sending end of one connection: frames are numbered, logged and written; reading pauses where others are slow."""

import asyncio
from typing import Protocol

from gateway.connection.liveness import Liveness
from gateway.connection.session_tasks import SessionTasks
from gateway.message_log.message_log import SENT, MessageLog
from mesh.runtime.times import Clock


class Socket(Protocol):
    """The WebSocket, as far as a session needs it; it gives each message to `Session.receive`."""

    def check_lost(self) -> bool:
        """Drops a connection that the far end has closed while the socket was held; whether it is held."""

    def write(self, data: bytes) -> bool:
        """Sends a text message; false where the far end does not read, so that the caller must `drain` first.

        Raises SocketClosedError.
        """

    async def drain(self) -> None:
        """Returns once the far end reads again. Raises SocketClosedError."""

    def pause_reading(self) -> None:
        """Takes no more messages until `resume_reading`."""

    def resume_reading(self) -> None:
        """Takes messages again."""

    async def close(self, code: int, reason: str) -> None:
        """Closes the socket; returns once it is closed."""

    def abort(self) -> None:
        """Drops the connection without a word."""

    def ask_for_pong(self) -> None:
        """Sends a WebSocket ping."""


class SocketClosedError(Exception):
    """The socket is closed; `code` is the WebSocket close code, 1006 where there was none."""

    def __init__(self, code: int) -> None:
        super().__init__(f"socket closed with {code}")
        self.code = code


class FrameChannel:
    """Numbers the frames of one socket either way, and sends and logs those that go out."""

    __slots__ = ("_clock", "_liveness", "_loop", "_message_log", "_ordinal", "_pauses", "_socket", "_tasks", "sent_us")

    def __init__(
        self, *, socket: Socket, message_log: MessageLog, liveness: Liveness, tasks: SessionTasks, clock: Clock
    ) -> None:
        self._socket = socket
        self._message_log = message_log
        self._liveness = liveness
        self._tasks = tasks
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._ordinal = 0
        self._pauses = 0
        self.sent_us = 0  # when a frame was sent last; 0: none was

    def number(self) -> int:
        """The ordinal of a frame that was read."""
        self._ordinal += 1
        return self._ordinal

    def write(self, data: bytes, kind: int, message_id: str, action: str) -> bool:
        """Sends and logs a frame; false where the station does not read. Raises SocketClosedError."""
        self._ordinal += 1
        self.sent_us = now_us = self._clock()
        self._liveness.look_again()  # an answer may follow what is to be reported: a refused boot, a quirk
        self._message_log.add(SENT, self._ordinal, now_us, data, kind, message_id, action)
        return self._socket.write(data)

    async def send(self, data: bytes, kind: int, message_id: str, action: str) -> None:
        """The same; returns once the station reads. Raises SocketClosedError."""
        if not self.write(data, kind, message_id, action):
            await self.drain()

    def answer(self, data: bytes, kind: int, message_id: str, action: str) -> bool:
        """Sends and logs an answer; false where the station does not read. A failure ends the connection."""
        try:
            return self.write(data, kind, message_id, action)
        except SocketClosedError:
            return True  # losing an answer is safe: the station sends the message again, and it is recognized
        except Exception as error:
            self._tasks.break_off(error)
            return True

    async def wait_until_read(self) -> bool:
        """Waits until the station reads what it was sent; false where the socket is closed."""
        try:
            await self.drain()
        except SocketClosedError:
            return False
        return True

    async def drain(self) -> None:
        """Returns once the station reads what it was sent. Raises SocketClosedError."""
        self._liveness.on_blocked(self._loop.time())
        await self._socket.drain()
        self._liveness.on_unblocked()

    def pause_reading(self) -> None:
        """Takes no more frames until each such call is followed by `resume_reading`."""
        self._pauses += 1
        self._liveness.look_again()
        self._socket.pause_reading()

    def resume_reading(self) -> None:
        """Takes frames again, where no other call of `pause_reading` is left."""
        self._pauses -= 1
        if not self._pauses:
            self._socket.resume_reading()

    async def close(self, code: int, reason: str) -> None:
        """Closes the socket; a CALL that is being served continues, and its answer is lost."""
        await self._socket.close(code, reason)
