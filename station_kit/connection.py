"""A conversation over one WebSocket: CALLs of the station with their answers, and answers to the CALLs of the CSMS."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from station_kit.frames import Call, CallError, CallResult, MalformedFrameError, decode, encode
from station_kit.pending_calls import PendingCalls, UnmatchedAnswerError
from station_kit.sockets import open_socket

Answer = CallResult | CallError
Answerer = Callable[[Call], Answer]
"""The answer of a station to a CALL of the CSMS."""

_CLOSE_TIMEOUT_S = 2.0


class ConnectionEndedError(Exception):
    """There is no connection any more, or none came about. The text says how it ended."""


def accept(call: Call) -> CallResult:
    """Accepts every command, as far as its answer is no more than a status."""
    return CallResult(message_id=call.message_id, payload={"status": "Accepted"})


class StationConnection:
    """The conversation over one open socket. Used within `open_connection`.

    `ended` is set when it is over, and `reason` says how; `fault` has the frame that the CSMS should not have sent.
    """

    def __init__(self, socket: ClientConnection, *, answerer: Answerer) -> None:
        self.ended = asyncio.Event()
        self.reason = ""
        self.fault = ""
        self._socket = socket
        self._answerer = answerer
        self._pending: PendingCalls[asyncio.Future[Answer]] = PendingCalls()

    async def call(self, call: Call, *, timeout_s: float) -> Answer:
        """Sends a CALL and returns its answer.

        Raises ConnectionEndedError; after `timeout_s` seconds without an answer the connection is given up as well.
        """
        if self.ended.is_set():
            raise ConnectionEndedError(self.reason)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._pending.add(call.message_id, future)
        try:
            async with asyncio.timeout(timeout_s):
                await self._socket.send(encode(call))
                return await future
        except ConnectionClosed as closed:
            self.end(_reason(closed))
            raise ConnectionEndedError(self.reason) from closed
        except TimeoutError:
            self.abort("no answer in time")
            raise ConnectionEndedError(self.reason) from None
        finally:
            self._pending.discard(call.message_id)

    def end(self, reason: str) -> None:
        """Ends the conversation: whoever waits for an answer is notified, and the first reason stays."""
        if not self.ended.is_set():
            self.reason = reason
            self.ended.set()
        for future in self._pending.take_all():
            if not future.done():
                future.set_exception(ConnectionEndedError(self.reason))
                future.exception()  # it may be that nobody waits

    def abort(self, reason: str) -> None:
        """Drops the connection, as a station does whose network is gone."""
        self.end(reason)
        self._socket.transport.abort()

    async def receive(self) -> None:
        """Takes frames until the socket closes; after the end they are answers to CALLs that were given up."""
        try:
            while True:
                text = await self._socket.recv()
                if not self.ended.is_set():
                    await self._take(text)
        except ConnectionClosed as closed:
            self.end(_reason(closed))
        except (MalformedFrameError, UnmatchedAnswerError) as error:
            self.fault = str(error)
            self.abort(self.fault)

    async def _take(self, text: str | bytes) -> None:
        match decode(text):
            case Call() as call:
                await self._socket.send(encode(self._answerer(call)))
            case answer:
                future = self._pending.take(answer)
                if not future.done():
                    future.set_result(answer)


@asynccontextmanager
async def open_connection(
    url: str,
    *,
    subprotocol: str,
    open_timeout_s: float,
    headers: Mapping[str, str] | None = None,
    answerer: Answerer = accept,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[StationConnection]:
    """An open connection, closed properly at the end; `tls` is for a URL of wss://.

    Raises ConnectionEndedError where it cannot be had.
    """
    try:
        socket = await open_socket(
            url,
            subprotocols=[subprotocol],
            headers=headers,
            open_timeout_s=open_timeout_s,
            close_timeout_s=_CLOSE_TIMEOUT_S,
            tls=tls,
        )
    except InvalidStatus as error:
        raise ConnectionEndedError(f"the handshake was refused with {error.response.status_code}") from error
    except (OSError, TimeoutError, WebSocketException) as error:
        raise ConnectionEndedError(f"no connection: {type(error).__name__}") from error
    connection = StationConnection(socket, answerer=answerer)
    receiving = asyncio.create_task(connection.receive())
    try:
        yield connection
    finally:
        connection.end("closed by the station")
        try:
            await socket.close()
            await receiving
        finally:
            receiving.cancel()


def _reason(closed: ConnectionClosed) -> str:
    return f"closed with {closed.rcvd.code}" if closed.rcvd is not None else "lost"
