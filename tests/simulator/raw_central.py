"""A central system of raw frames, for stations that misbehave: it judges nothing, and keeps what was on the wire."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

TIME = "2026-01-31T12:00:00.000Z"
_ID = re.compile(r'^\[2,\s*"([^"]+)"')


class RawConnection:
    """One socket of a station, with all its frames."""

    def __init__(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        self.socket = socket
        self.path = socket.request.path
        self.headers = socket.request.headers
        self.frames: list[str] = []

    @property
    def is_open(self) -> bool:
        """Whether neither side has begun to close it."""
        return self.socket.state.name == "OPEN"


class RawCentral:
    """Answers every CALL as a station likes it."""

    def __init__(self) -> None:
        self.connections: list[RawConnection] = []
        self.boot_time = TIME
        self.port = 0
        self._answers: dict[str, asyncio.Future[Any]] = {}
        self._changed = asyncio.Condition()
        self._server: Server | None = None
        self._transactions = 0

    async def listen(self) -> None:
        """Opens the port."""
        subprotocols = [Subprotocol("ocpp1.6"), Subprotocol("ocpp2.0.1")]
        self._server = await serve(
            self._talk, "127.0.0.1", 0, subprotocols=subprotocols, select_subprotocol=_first, compression=None
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def shut(self) -> None:
        """Closes the port and every socket."""
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def until(self, condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
        """Waits until the received messages fulfil a condition."""
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(condition), timeout_s)

    def calls(self, action: str | None = None) -> list[tuple[str, str, dict[str, Any]]]:
        """The CALLs that were JSON, over all connections: id, action and payload."""
        found = []
        for text in self.texts():
            try:
                frame = json.loads(text)
            except ValueError:
                continue
            if frame[0] == 2 and action in (None, frame[2]):
                found.append((frame[1], frame[2], frame[3]))
        return found

    def payloads(self, action: str) -> list[dict[str, Any]]:
        """The payloads of an action, in order."""
        return [payload for _, _, payload in self.calls(action)]

    def texts(self) -> list[str]:
        """Every frame as it was."""
        return [text for connection in self.connections for text in connection.frames]

    async def command(self, action: str, payload: dict[str, Any], timeout_s: float = 60.0) -> Any:
        """Sends a CALL over the latest connection and returns the payload of its answer. Raises TimeoutError."""
        message_id = f"command-{len(self._answers)}"
        self._answers[message_id] = asyncio.get_running_loop().create_future()
        await self.connections[-1].socket.send(json.dumps([2, message_id, action, payload]))
        return await asyncio.wait_for(self._answers[message_id], timeout_s)

    async def _talk(self, socket: ServerConnection) -> None:
        connection = RawConnection(socket)
        async with self._changed:
            self.connections.append(connection)
            self._changed.notify_all()
        try:
            async for text in socket:
                assert isinstance(text, str)
                async with self._changed:
                    connection.frames.append(text)
                    self._changed.notify_all()
                await self._answer(socket, text)
        except ConnectionClosed:
            return
        finally:
            async with self._changed:
                self._changed.notify_all()

    async def _answer(self, socket: ServerConnection, text: str) -> None:
        try:
            frame = json.loads(text)
        except ValueError:
            found = _ID.match(text)
            assert found is not None
            await socket.send(json.dumps([4, found[1], "FormationViolation", "no JSON", {}]))
            return
        if frame[0] == 2:
            await socket.send(json.dumps([3, frame[1], self._result(frame[2])]))
        else:
            self._answers[frame[1]].set_result(frame[2])

    def _result(self, action: str) -> dict[str, Any]:
        accepted = {"idTagInfo": {"status": "Accepted"}}
        match action:
            case "BootNotification":
                return {"currentTime": self.boot_time, "interval": 300, "status": "Accepted"}
            case "Heartbeat":
                return {"currentTime": TIME}
            case "StartTransaction":
                self._transactions += 1
                return {"transactionId": self._transactions, **accepted}
            case "Authorize":
                return accepted
            case _:
                return {}


def _first(_: ServerConnection, offered: Any) -> Subprotocol | None:
    return offered[0] if offered else None


@asynccontextmanager
async def raw_central() -> AsyncIterator[RawCentral]:
    """A central system that listens."""
    central = RawCentral()
    await central.listen()
    try:
        yield central
    finally:
        await central.shut()
