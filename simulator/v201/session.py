"""The conversation of a 2.0.1 station."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from ocpp.v201 import call

from mesh.runtime.logs import get_logger
from simulator.authorization import ACCEPTED, Remembered
from simulator.clocks import StationClock
from simulator.events import MeterSampled, StatusChanged, StopReason, TransactionStarted, TransactionStopped
from simulator.memory import Memory, TransactionMessage
from simulator.notices import Notice
from simulator.session import RESPONSE_TIMEOUT_S, StationSession, Work
from simulator.station import Station
from simulator.transaction_queue import Entry
from simulator.v201 import messages
from simulator.v201.actions import Trigger
from simulator.v201.authorization_actions import to_remembered
from simulator.v201.charge_point import ChargePoint201
from simulator.v201.events import fault_event
from simulator.v201.holdings import Holdings
from station_kit.v201.messages import id_token_of

log = get_logger(__name__)


class Session201(StationSession):
    """See simulator.session."""

    def __init__(
        self, *, station: Station, memory: Memory, clock: StationClock, connection: Any, holdings: Holdings
    ) -> None:
        self._charge_point = ChargePoint201(
            station=station,
            memory=memory,
            holdings=holdings,
            connection=connection,
            response_timeout_s=RESPONSE_TIMEOUT_S,
        )
        super().__init__(station=station, memory=memory, clock=clock, charge_point=self._charge_point)
        self._holdings = holdings
        self._waited = memory.transactions.messages()  # since before the connection

    def boot_call(self) -> Any:
        """BootNotification."""
        return messages.boot(self._station.identity)

    def heartbeat_call(self) -> Any:
        """Heartbeat."""
        return call.Heartbeat()

    def status_call(self, status: StatusChanged, at: datetime) -> Any | None:
        """StatusNotification; a fault is an alarm too, which follows."""
        if (alarm := fault_event(status, at, self._holdings)) is not None:
            self._charge_point.outgoing.append(alarm)
        return messages.status(status, at)

    def notice_call(self, notice: Notice, at: datetime) -> Any:
        """The message of a notice."""
        return messages.notice(notice, at)

    def transaction_call(self, entry: Entry[TransactionMessage]) -> Any:
        """TransactionEvent; MeterValues for samples outside of transactions."""
        if entry.payload is None:
            entry.payload = self._new_call(entry.message)
        return entry.payload

    def take_transaction_answer(self, event: TransactionMessage, answer: Any) -> None:
        """The central system may refuse the id token."""
        info = getattr(answer, "id_token_info", None)
        if info is None or not isinstance(event, TransactionStarted | TransactionStopped) or event.id_tag is None:
            return
        status = self.remember(event.id_tag, to_remembered(info))
        if status == ACCEPTED or isinstance(event, TransactionStopped):
            return
        log.info("start refused", station_id=self._id, id_tag=event.id_tag, status=status)
        if self._station.configuration.switch("StopTransactionOnInvalidId"):
            self._station.stop_transaction(event.key, StopReason.DE_AUTHORIZED)

    def give_up(self, event: TransactionMessage) -> None:
        """The transaction has its name; its sequence numbers have a gap now."""

    async def ask(self, id_tag: str) -> Remembered | None:
        """Authorize."""
        token = id_token_of(id_tag)
        answer = await self.call(call.Authorize(id_token={"id_token": token["idToken"], "type": token["type"]}))
        return None if answer is None else to_remembered(answer.id_token_info)

    def take_boot_trigger(self) -> bool:
        """See simulator.session."""
        wanted = [trigger.wanted for trigger in self._charge_point.triggered]
        self._charge_point.triggered.clear()
        return "BootNotification" in wanted

    def next_while_pending(self) -> Work | None:
        """The next part of a report (B02.FR.02)."""
        return self._next_outgoing()

    def next_asked_for(self) -> Work | None:
        """The next message that was triggered, or that follows an answer."""
        if not self._charge_point.triggered:
            return self._next_outgoing()
        trigger = self._charge_point.triggered.popleft()
        return lambda: self._send_triggered(trigger)

    def _next_outgoing(self) -> Work | None:
        if not self._charge_point.outgoing:
            return None
        payload = self._charge_point.outgoing.popleft()

        async def send() -> None:
            await self.call(payload)

        return send

    def _new_call(self, event: TransactionMessage) -> Any:
        at = self.at(event.at_ms)
        if event.key is None:
            assert isinstance(event, MeterSampled)  # noqa: S101 - all others are of a transaction
            return messages.meter_values(event, at, self.measurands())
        return messages.transaction_event(
            event,
            at,
            name=self._memory.names.setdefault(event.key, str(uuid4())),
            seq_no=self._holdings.next_seq_no(event.key),
            offline=any(event is one for one in self._waited),
            measurands=self.measurands(),
        )

    async def _send_triggered(self, trigger: Trigger) -> None:
        match trigger.wanted:
            case "BootNotification":
                await self.boot()
            case "Heartbeat":
                await self.heartbeat()
            case "StatusNotification":
                await self.report_again(trigger.evse_id)
            case "MeterValues":
                for sample in self._station.sample(trigger.evse_id):
                    await self.call(messages.meter_values(sample, self.at(sample.at_ms), self.measurands()))
            case "TransactionEvent":
                running = [sample for sample in self._station.sample(trigger.evse_id) if sample.key is not None]
                self._memory.take(running)
            case "SignChargingStationCertificate":
                self._station.maintenance.request_certificate(self._station.identity.serial_number)
                self._memory.take(self._station.drain())
            case "FirmwareStatusNotification":
                await self.call(messages.firmware_status(self._station.maintenance))
            case _:
                await self.call(messages.log_status(self._station.maintenance))
