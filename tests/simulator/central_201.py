"""A central system of OCPP 2.0.1 for tests, on the `ocpp` library and a real socket: it records what stations say."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from ocpp.routing import on
from ocpp.v201 import ChargePoint, call_result
from ocpp.v201.enums import Action
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.ports import held_port

TIME = "2026-01-31T12:00:00.000Z"
# Messages that are answered with nothing.
SILENT = (
    Action.firmware_status_notification,
    Action.log_status_notification,
    Action.meter_values,
    Action.notify_customer_information,
    Action.notify_display_messages,
    Action.notify_event,
    Action.notify_monitoring_report,
    Action.notify_report,
    Action.report_charging_profiles,
    Action.security_event_notification,
    Action.status_notification,
)


class Central201:
    """Accepts every station and every token, unless set otherwise; `heard` has all messages, in order."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.link: ChargePoint | None = None
        self.boot_answers: list[tuple[str, int]] = []  # what to say first; then Accepted
        self.token_status = "Accepted"
        self._changed = asyncio.Condition()
        self._server: Server | None = None

    async def listen(self) -> None:
        """Opens the port, for the first time or again after `shut`."""
        subprotocols = [Subprotocol("ocpp2.0.1")]
        self._server = await serve(self._talk, "127.0.0.1", self.port, subprotocols=subprotocols, compression=None)

    async def shut(self) -> None:
        """Closes the port and every socket."""
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def until(self, condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
        """Waits until the received messages fulfil a condition."""
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(condition), timeout_s)

    def of(self, action: str) -> list[dict[str, Any]]:
        """The payloads of an action, in order."""
        return [payload for heard, payload in self.heard if heard == action]

    async def ask(self, call: Any) -> Any:
        """Sends a command; returns the station's answer."""
        assert self.link is not None
        return await self.link.call(call, suppress=False)

    async def hear(self, action: str, payload: dict[str, Any]) -> None:
        """Takes note of a message."""
        async with self._changed:
            self.heard.append((action, payload))
            self._changed.notify_all()

    async def _talk(self, connection: ServerConnection) -> None:
        self.link = _Link(self, connection)
        try:
            await self.link.start()
        except ConnectionClosed:
            return


class _Link(ChargePoint):  # type: ignore[misc]  # the library has no types
    def __init__(self, central: Central201, connection: ServerConnection) -> None:
        self._central = central
        super().__init__("station", connection)
        for action in SILENT:
            self.route_map[action.value] = {"_on_action": self._silent(action), "_skip_schema_validation": False}

    def _silent(self, action: Action) -> Any:
        async def answer(**payload: Any) -> Any:
            await self._central.hear(action.value, payload)
            return getattr(call_result, action.value)()

        return answer

    @on(Action.boot_notification)  # type: ignore[untyped-decorator]
    async def on_boot(self, **payload: Any) -> Any:
        await self._central.hear("BootNotification", payload)
        answers = self._central.boot_answers
        status, interval = answers.pop(0) if answers else ("Accepted", 300)
        return call_result.BootNotification(current_time=TIME, interval=interval, status=status)

    @on(Action.heartbeat)  # type: ignore[untyped-decorator]
    async def on_heartbeat(self, **payload: Any) -> Any:
        await self._central.hear("Heartbeat", payload)
        return call_result.Heartbeat(current_time=TIME)

    @on(Action.authorize)  # type: ignore[untyped-decorator]
    async def on_authorize(self, **payload: Any) -> Any:
        await self._central.hear("Authorize", payload)
        return call_result.Authorize(id_token_info={"status": self._central.token_status})

    @on(Action.sign_certificate)  # type: ignore[untyped-decorator]
    async def on_sign_certificate(self, **payload: Any) -> Any:
        await self._central.hear("SignCertificate", payload)
        return call_result.SignCertificate(status="Accepted")

    @on(Action.transaction_event)  # type: ignore[untyped-decorator]
    async def on_transaction_event(self, **payload: Any) -> Any:
        await self._central.hear("TransactionEvent", payload)
        info = {"status": self._central.token_status} if "id_token" in payload else None
        return call_result.TransactionEvent(id_token_info=info)


@asynccontextmanager
async def central_system_201() -> AsyncIterator[Central201]:
    """One that listens on a port of its own."""
    with held_port() as port:
        central = Central201(port)
        await central.listen()
        try:
            yield central
        finally:
            await central.shut()
