"""A station as these tests play it: frames by hand, no OCPP library, and nothing of ours."""

import asyncio
import base64
import json
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.typing import Subprotocol

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
    ) -> None:
        self.url = url
        self._subprotocols = [Subprotocol(name) for name in subprotocols]
        self._headers = dict(headers or {})
        self._compression = compression
        self._count = 0
        self.socket: ClientConnection

    async def __aenter__(self) -> Self:
        """Connects."""
        self.socket = await connect(
            self.url,
            subprotocols=self._subprotocols or None,
            additional_headers=self._headers,
            compression=self._compression,
            ping_interval=None,
            open_timeout=PATIENCE_S,
            max_size=None,
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
        protocol = self.socket.protocol
        send_frame = protocol.send_frame

        def send_but_pongs(frame: Frame) -> None:
            if frame.opcode is not Opcode.PONG:
                send_frame(frame)

        protocol.send_frame = send_but_pongs  # type: ignore[method-assign]

    async def receive(self) -> Any:
        """The next frame, parsed."""
        async with asyncio.timeout(PATIENCE_S):
            return json.loads(await self.socket.recv())

    async def call(self, action: str, payload: Any) -> Any:
        """Sends a CALL and returns the payload of its CALLRESULT; a CALLERROR fails the test."""
        self._count += 1
        message_id = f"{action}-{self._count}"
        await self.send(json.dumps([2, message_id, action, payload]))
        answer = await self.receive()
        assert answer[:2] == [3, message_id], answer
        return answer[2]

    async def answer(self, payload: Any) -> Any:
        """Waits for a CALL of the gateway and answers it; returns [action, payload] of the CALL."""
        call = await self.receive()
        assert call[0] == 2, call
        await self.send(json.dumps([3, call[1], payload]))
        return call[2:]

    async def boot(self) -> Any:
        """Sends a BootNotification."""
        return await self.call("BootNotification", {"chargePointModel": "Raw", "chargePointVendor": "Tests"})

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
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode(encoding)).decode()}
