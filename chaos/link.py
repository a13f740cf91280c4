"""A station's socket: one CALL at a time, in the raw (RFC 6455, OCPP-J 1.6 chapter 4)."""

import asyncio
import json
from typing import Any, cast

from benchmarks.frames import CLOSE, PING, PONG, TEXT, FrameError, decode, encode, handshake, handshake_end

CONNECT_S = 5.0
# A gateway waits for station_svc for ten seconds before it answers 503; Envoy beside it does not hurry it.
HANDSHAKE_S = 20.0


class LinkLostError(Exception):
    """There is no connection any more, or none came about. The text says how it ended."""


class Link(asyncio.Protocol):
    """One connection. Commands of the central system are answered with status Accepted, whatever they are."""

    def __init__(self, *, opening: bytes) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.ended = asyncio.Event()
        self.reason = ""
        self.fault = ""  # what the mesh should not have sent
        self.commands = 0  # that were answered
        self._opening = opening
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._waiting: tuple[str, asyncio.Future[list[Any]]] | None = None

    @classmethod
    async def open(cls, *, host: str, port: int, path: str, subprotocol: str) -> "Link":
        """Connects. Raises LinkLostError."""
        opening = handshake(host, port, path, subprotocol)
        connecting = asyncio.get_running_loop().create_connection(lambda: cls(opening=opening), host, port)
        try:
            # Not wait_for: before Python 3.12 it forgets a cancellation that comes together with the result.
            async with asyncio.timeout(CONNECT_S):
                _, link = await connecting
        except (OSError, TimeoutError) as error:
            raise LinkLostError(f"no connection: {type(error).__name__}") from error
        try:
            async with asyncio.timeout(HANDSHAKE_S):
                await link.opened
        except TimeoutError:
            link.abort("the handshake was not answered")
            raise LinkLostError(link.reason) from None
        return link

    async def call(self, message_id: str, action: str, payload: Any, *, timeout_s: float) -> list[Any]:
        """Sends a CALL and returns the frame that answers it, CALLRESULT or CALLERROR.

        Raises LinkLostError; after `timeout_s` seconds without an answer the connection is given up as well.
        """
        if self.ended.is_set():
            raise LinkLostError(self.reason)
        future: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._waiting = (message_id, future)
        self._write(encode(json.dumps([2, message_id, action, payload], separators=(",", ":")).encode()))
        try:
            async with asyncio.timeout(timeout_s):
                return await future
        except TimeoutError:
            self.abort("no answer in time")
            raise LinkLostError(self.reason) from None
        finally:
            self._waiting = None

    def close(self) -> None:
        """Closes the socket properly."""
        self._write(encode(b"\x03\xe8", CLOSE))
        self._end("closed by the station")
        if self._transport is not None:
            self._transport.close()

    def abort(self, reason: str) -> None:
        """Drops the connection, as a station does whose network is gone."""
        self._end(reason)
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sends the handshake."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._opening)

    def data_received(self, data: bytes) -> None:
        """Takes the handshake's answer first, then frames."""
        self._buffer += data
        try:
            if not self.opened.done():
                self._take_handshake()
            if self.opened.done():
                self._take_frames()
        except (FrameError, ValueError, IndexError) as error:
            self.abort(str(error))

    def connection_lost(self, exc: Exception | None) -> None:
        """Notifies the waiter."""
        self._end(f"lost: {type(exc).__name__}" if exc else "ended without a word")

    def _take_handshake(self) -> None:
        end = handshake_end(self._buffer)
        if end is not None:
            del self._buffer[:end]
            self.opened.set_result(None)

    def _take_frames(self) -> None:
        start = 0
        while not self.ended.is_set() and (frame := decode(self._buffer, start)) is not None:
            opcode, begin, start = frame
            payload = bytes(self._buffer[begin:start])
            if opcode == TEXT:
                self._take_text(payload)
            elif opcode == PING:
                self._write(encode(payload, PONG))
            elif opcode == CLOSE:
                self._end(f"closed with {int.from_bytes(payload[:2], 'big')}")
                self._write(encode(payload[:2], CLOSE))
                if self._transport is not None:
                    self._transport.close()
        del self._buffer[:start]

    def _take_text(self, text: bytes) -> None:
        frame = json.loads(text)
        if frame[0] == 2:
            self.commands += 1
            self._write(encode(json.dumps([3, frame[1], {"status": "Accepted"}]).encode()))
        elif self._waiting is not None and frame[1] == self._waiting[0] and not self._waiting[1].done():
            self._waiting[1].set_result(frame)
        else:
            self.fault = f"an answer to nothing: {text[:200].decode(errors='replace')}"
            raise FrameError(self.fault)

    def _write(self, frame: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame)

    def _end(self, reason: str) -> None:
        if not self.ended.is_set():
            self.reason = reason
            self.ended.set()
        for future in (self.opened, self._waiting[1] if self._waiting else None):
            if future is not None and not future.done():
                future.set_exception(LinkLostError(self.reason))
                future.exception()  # it may be that nobody waits
