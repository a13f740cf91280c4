"""A central system for tests, on the `ocpp` library and a real socket: it records what stations say."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from ocpp.exceptions import InternalError
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call_result
from ocpp.v16.datatypes import IdTagInfo
from ocpp.v16.enums import Action
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.ports import held_port

TIME = "2026-01-31T12:00:00.000Z"


class Central:
    """Accepts every station and every tag, unless set otherwise; `heard` has all messages, in order."""

    def __init__(self, port: int) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.link: ChargePoint | None = None
        self.connections = 0
        self.credentials: list[str] = []  # of HTTP Basic, by connection
        self.boot_answers: list[tuple[str, int]] = []  # what to say first; then Accepted
        self.tag_status = "Accepted"
        self.tag_group: str | None = None  # the parent id tag of every tag
        self.fail_next: list[str] = []  # actions to answer with a CALLERROR, once for each time they stand here
        self.cut_at: str | None = None  # action at which the socket is cut instead of answering, once
        self.port = port
        self._changed = asyncio.Condition()
        self._server: Server | None = None
        self._last_id = 0

    async def listen(self) -> None:
        """Opens the port, for the first time or again after `shut`."""
        self._server = await serve(
            self._talk, "127.0.0.1", self.port, subprotocols=[Subprotocol("ocpp1.6")], compression=None
        )

    async def shut(self) -> None:
        """Closes the port and every socket."""
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def until(self, condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
        """Waits until the received messages fulfil a condition."""
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(condition), timeout_s)

    def actions(self) -> list[str]:
        """The actions heard, in order."""
        return [action for action, _ in self.heard]

    def of(self, action: str) -> list[dict[str, Any]]:
        """The payloads of an action, in order."""
        return [payload for heard, payload in self.heard if heard == action]

    async def command(self, payload: Any) -> Any:
        """Sends a command to the station and returns its answer."""
        assert self.link is not None
        return await self.link.call(payload, suppress=False)

    async def answer(self, action: str, payload: dict[str, Any], result: Any) -> Any:
        """Records a message and returns its answer, unless it is to fail."""
        if self.cut_at == action:
            self.cut_at = None
            assert self.link is not None
            await self.link._connection.close()
        async with self._changed:
            self.heard.append((action, payload))
            self._changed.notify_all()
        if action in self.fail_next:
            self.fail_next.remove(action)
            raise InternalError(description="told to")
        return result

    def tag_info(self) -> Any:
        """The answer for every tag."""
        return IdTagInfo(status=self.tag_status, parent_id_tag=self.tag_group)

    def next_id(self) -> int:
        """A number for a transaction."""
        self._last_id += 1
        return self._last_id

    async def _talk(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        async with self._changed:
            self.connections += 1
            self._changed.notify_all()
        encoded = connection.request.headers.get("Authorization", "").removeprefix("Basic ")
        self.credentials.append(base64.b64decode(encoded).decode())
        self.link = _Link(self, connection.request.path.rpartition("/")[2], connection)
        try:
            await self.link.start()
        except ConnectionClosed:
            return


class _Link(ChargePoint):  # type: ignore[misc]  # the library has no types
    def __init__(self, central: Central, station_id: str, connection: ServerConnection) -> None:
        super().__init__(station_id, connection, response_timeout=60)
        self._central = central

    @on(Action.boot_notification)  # type: ignore[untyped-decorator]
    async def on_boot(self, **payload: Any) -> Any:
        answers = self._central.boot_answers
        status, interval = answers.pop(0) if answers else ("Accepted", 300)
        result = call_result.BootNotification(current_time=TIME, interval=interval, status=status)
        return await self._central.answer("BootNotification", payload, result)

    @on(Action.heartbeat)  # type: ignore[untyped-decorator]
    async def on_heartbeat(self, **payload: Any) -> Any:
        return await self._central.answer("Heartbeat", payload, call_result.Heartbeat(current_time=TIME))

    @on(Action.status_notification)  # type: ignore[untyped-decorator]
    async def on_status(self, **payload: Any) -> Any:
        return await self._central.answer("StatusNotification", payload, call_result.StatusNotification())

    @on(Action.authorize)  # type: ignore[untyped-decorator]
    async def on_authorize(self, **payload: Any) -> Any:
        result = call_result.Authorize(id_tag_info=self._central.tag_info())
        return await self._central.answer("Authorize", payload, result)

    @on(Action.start_transaction)  # type: ignore[untyped-decorator]
    async def on_start(self, **payload: Any) -> Any:
        info = self._central.tag_info()
        result = call_result.StartTransaction(transaction_id=self._central.next_id(), id_tag_info=info)
        return await self._central.answer("StartTransaction", payload, result)

    @on(Action.meter_values)  # type: ignore[untyped-decorator]
    async def on_meter_values(self, **payload: Any) -> Any:
        return await self._central.answer("MeterValues", payload, call_result.MeterValues())

    @on(Action.stop_transaction)  # type: ignore[untyped-decorator]
    async def on_stop(self, **payload: Any) -> Any:
        return await self._central.answer("StopTransaction", payload, call_result.StopTransaction())

    @on(Action.firmware_status_notification)  # type: ignore[untyped-decorator]
    async def on_firmware(self, **payload: Any) -> Any:
        result = call_result.FirmwareStatusNotification()
        return await self._central.answer("FirmwareStatusNotification", payload, result)

    @on(Action.signed_firmware_status_notification)  # type: ignore[untyped-decorator]
    async def on_signed_firmware(self, **payload: Any) -> Any:
        result = call_result.SignedFirmwareStatusNotification()
        return await self._central.answer("SignedFirmwareStatusNotification", payload, result)

    @on(Action.diagnostics_status_notification)  # type: ignore[untyped-decorator]
    async def on_diagnostics(self, **payload: Any) -> Any:
        result = call_result.DiagnosticsStatusNotification()
        return await self._central.answer("DiagnosticsStatusNotification", payload, result)

    @on(Action.log_status_notification)  # type: ignore[untyped-decorator]
    async def on_log_status(self, **payload: Any) -> Any:
        return await self._central.answer("LogStatusNotification", payload, call_result.LogStatusNotification())

    @on(Action.security_event_notification)  # type: ignore[untyped-decorator]
    async def on_security_event(self, **payload: Any) -> Any:
        result = call_result.SecurityEventNotification()
        return await self._central.answer("SecurityEventNotification", payload, result)

    @on(Action.sign_certificate)  # type: ignore[untyped-decorator]
    async def on_sign_certificate(self, **payload: Any) -> Any:
        result = call_result.SignCertificate(status="Accepted")
        return await self._central.answer("SignCertificate", payload, result)


@asynccontextmanager
async def central_system() -> AsyncIterator[Central]:
    """A central system that listens."""
    with held_port() as port:
        central = Central(port)
        await central.listen()
        try:
            yield central
        finally:
            await central.shut()
