"""A station as these tests play it: each frame by hand, on the sockets and messages of the station kit."""

import asyncio
import json
import ssl
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from station_kit.frames import Call, CallResult, encode
from station_kit.sockets import basic_credential, open_socket, stop_pongs
from station_kit.versions import VERSIONS

PATIENCE_S = 60.0


class RawStation:
    """One socket to the gateway. Use as an async context manager."""

    def __init__(
        self,
        url: str,
        *,
        subprotocols: Sequence[str] = ("ocpp1.6",),
        headers: Mapping[str, str] | None = None,
        compression: str | None = None,
        tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
    ) -> None:
        self.url = url
        self._subprotocols = subprotocols
        self._headers = headers
        self._compression = compression
        self._tls = tls
        self._server_name = server_name
        self._count = 0
        self.socket: ClientConnection

    async def __aenter__(self) -> Self:
        """Connects."""
        self.socket = await open_socket(
            self.url,
            subprotocols=self._subprotocols,
            headers=self._headers,
            compression=self._compression,
            tls=self._tls,
            server_name=self._server_name,
            open_timeout_s=PATIENCE_S,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes."""
        await self.socket.close()

    async def send(self, text: str) -> None:
        """Sends text as it is."""
        await self.socket.send(text)

    def send_raw(self, data: bytes) -> None:
        """Puts bytes onto the connection, whatever frames they make."""
        self.socket.transport.write(data)

    def never_pong(self) -> None:
        """Answers no ping from now on."""
        stop_pongs(self.socket)

    async def receive(self) -> Any:
        """The next frame, parsed."""
        async with asyncio.timeout(PATIENCE_S):
            return json.loads(await self.socket.recv())

    async def call(self, action: str, payload: Any) -> Any:
        """Sends a CALL and returns the payload of its CALLRESULT; a CALLERROR fails the test."""
        self._count += 1
        message_id = f"{action}-{self._count}"
        await self.send(encode(Call(message_id=message_id, action=action, payload=payload)))
        answer = await self.receive()
        assert answer[:2] == [3, message_id], answer
        return answer[2]

    async def answer(self, payload: Any) -> Any:
        """Waits for a CALL of the gateway and answers it; returns [action, payload] of the CALL."""
        call = await self.receive()
        assert call[0] == 2, call
        await self.reply(call[1], payload)
        return call[2:]

    async def answer_next(self, answer: Callable[[str, Any], Any]) -> str:
        """The same without a limit of time, for a station that serves in the background; returns the action.

        `answer` makes the payload of the answer from action and payload.
        """
        kind, message_id, action, payload = json.loads(await self.socket.recv())
        assert kind == 2
        await self.reply(message_id, answer(action, payload))
        return str(action)

    async def reply(self, message_id: str, payload: Any) -> None:
        """Sends a CALLRESULT."""
        await self.send(encode(CallResult(message_id=message_id, payload=payload)))

    async def boot(self) -> Any:
        """Sends a BootNotification of the version that the socket speaks; without a sub-protocol it is 1.6."""
        version = VERSIONS[(self.socket.subprotocol or "ocpp1.6").lower()]
        return await self.call(*version.boot(vendor="Tests", model="Raw"))

    async def close_code(self) -> int:
        """Waits until the far end closes, and returns its code; 1006 where it gave none."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                while True:
                    await self.socket.recv()
            except ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd is not None else 1006


def basic(username: str, password: str, *, encoding: str = "utf-8") -> dict[str, str]:
    """The header of HTTP Basic; `encoding` is latin-1 where the password stands for bytes."""
    return basic_credential(username, password.encode(encoding))
