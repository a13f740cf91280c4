"""The conversation of a 1.6 station."""

from datetime import datetime
from typing import Any

from ocpp.v16 import call
from ocpp.v16.enums import MessageTrigger

from mesh.runtime.logs import get_logger
from simulator.authorization import ACCEPTED, Remembered
from simulator.clocks import StationClock
from simulator.events import StatusChanged, StopReason, TransactionStarted
from simulator.memory import Memory, TransactionMessage
from simulator.notices import Notice
from simulator.session import RESPONSE_TIMEOUT_S, StationSession, Work
from simulator.station import Station
from simulator.transaction_queue import Entry
from simulator.v16 import messages
from simulator.v16.actions import Trigger
from simulator.v16.charge_point import ChargePoint16
from simulator.v16.list_actions import to_remembered

log = get_logger(__name__)


class Session16(StationSession):
    """See simulator.session."""

    def __init__(self, *, station: Station, memory: Memory, clock: StationClock, connection: Any) -> None:
        self._charge_point = ChargePoint16(
            station=station, memory=memory, connection=connection, response_timeout_s=RESPONSE_TIMEOUT_S
        )
        super().__init__(station=station, memory=memory, clock=clock, charge_point=self._charge_point)

    def boot_call(self) -> Any:
        """BootNotification."""
        return messages.boot(self._station.identity)

    def heartbeat_call(self) -> Any:
        """Heartbeat."""
        return call.Heartbeat()

    def status_call(self, status: StatusChanged, at: datetime) -> Any | None:
        """StatusNotification."""
        return messages.status(status, at)

    def notice_call(self, notice: Notice, at: datetime) -> Any:
        """The message of a notice."""
        return messages.notice(notice, at)

    def transaction_call(self, entry: Entry[TransactionMessage]) -> Any:
        """StartTransaction, MeterValues or StopTransaction."""
        event = entry.message
        name = None if event.key is None else self._memory.names.get(event.key)
        return messages.transaction_message(event, self.at(event.at_ms), name, self.measurands())

    def take_transaction_answer(self, event: TransactionMessage, answer: Any) -> None:
        """The central system names the transaction, and may refuse its id tag."""
        if not isinstance(event, TransactionStarted):
            return
        self._memory.names[event.key] = str(answer.transaction_id)
        status = self.remember(event.id_tag, to_remembered(answer.id_tag_info))
        if status == ACCEPTED:
            return
        log.info("start refused", station_id=self._id, id_tag=event.id_tag, status=status)
        if self._station.configuration.switch("StopTransactionOnInvalidId"):
            self._station.stop_transaction(event.key, StopReason.DE_AUTHORIZED)

    def give_up(self, event: TransactionMessage) -> None:
        """A transaction whose start is given up has no name."""
        if isinstance(event, TransactionStarted):
            self._memory.names[event.key] = str(messages.NAMELESS)

    async def ask(self, id_tag: str) -> Remembered | None:
        """Authorize."""
        answer = await self.call(call.Authorize(id_tag=id_tag))
        return None if answer is None else to_remembered(answer.id_tag_info)

    def take_boot_trigger(self) -> bool:
        """See simulator.session."""
        wanted = [trigger.wanted for trigger in self._charge_point.triggered]
        self._charge_point.triggered.clear()
        return MessageTrigger.boot_notification in wanted

    def next_asked_for(self) -> Work | None:
        """The next message that was triggered."""
        if not self._charge_point.triggered:
            return None
        trigger = self._charge_point.triggered.pop(0)
        return lambda: self._send_triggered(trigger)

    async def _send_triggered(self, trigger: Trigger) -> None:
        match trigger.wanted:
            case MessageTrigger.boot_notification:
                await self.boot()
            case MessageTrigger.heartbeat:
                await self.heartbeat()
            case MessageTrigger.status_notification:
                await self.report_again(trigger.connector_id)
            case MessageTrigger.meter_values:
                await self._send_samples(trigger.connector_id)
            case MessageTrigger.sign_charge_point_certificate:
                self._station.maintenance.request_certificate(self._station.identity.serial_number)
                self._memory.take(self._station.drain())
            case _:
                await self.call(messages.state(trigger.wanted, self._station.maintenance, signed=trigger.signed))

    async def _send_samples(self, connector_id: int | None) -> None:
        """Samples that were asked for; they are not kept where they fail."""
        for sample in self._station.sample(connector_id):
            name = None if sample.key is None else self._memory.names.get(sample.key)
            transaction_id = None if name is None else int(name)
            await self.call(messages.meter_values(sample, self.at(sample.at_ms), transaction_id, self.measurands()))
