"""One connection of a 1.6 station, from the open socket to its end: boots, then says what there is to say, in order."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from ocpp.exceptions import OCPPError
from ocpp.v16 import call
from ocpp.v16.enums import AuthorizationStatus, MessageTrigger, RegistrationStatus

from mesh.runtime.logs import get_logger
from simulator.clocks import StationClock
from simulator.events import Status, StatusChanged, StopReason, TransactionStarted
from simulator.memory import Memory, TransactionMessage
from simulator.notices import Notice
from simulator.station import AuthorizationNeeded, Restart, Station
from simulator.transaction_queue import Entry
from simulator.v16 import messages
from simulator.v16.actions import Trigger
from simulator.v16.charge_point import ChargePoint16
from simulator.v16.list_actions import to_remembered

log = get_logger(__name__)

RESPONSE_TIMEOUT_S = 30.0
FLUSH_S = 10.0  # how long a soft reset waits for the transaction messages to leave
_BOOT_RETRY_S = 30.0  # where the answer names no interval

Work = Callable[[], Awaitable[None]]


class SessionEndedError(Exception):
    """The station itself ends the connection, because it restarts."""


class Session16:
    """The conversation over one socket. `run` returns when the station restarts, and raises when the socket closes."""

    def __init__(self, *, station: Station, memory: Memory, clock: StationClock, connection: Any) -> None:
        self._station = station
        self._memory = memory
        self._clock = clock
        self._charge_point = ChargePoint16(
            station=station, memory=memory, connection=connection, response_timeout_s=RESPONSE_TIMEOUT_S
        )
        self._reported: dict[int, tuple[Status, str | None]] = {}
        self._heartbeat_s = time.monotonic()  # when the latest was sent
        self._not_before_s = 0.0  # when the first transaction message may be sent again
        self._flush_until_s: float | None = None

    async def run(self) -> None:
        """Talks until the station restarts. Raises websockets' ConnectionClosed when the socket closes."""
        receiving = asyncio.create_task(self._charge_point.start())
        talking = asyncio.create_task(self._talk())
        try:
            await asyncio.wait((receiving, talking), return_when=asyncio.FIRST_COMPLETED)
        finally:
            outcomes = [await _end(task) for task in (talking, receiving)]
        for outcome in outcomes:
            if isinstance(outcome, Exception) and not isinstance(outcome, SessionEndedError):
                raise outcome

    async def _talk(self) -> None:
        if not self._memory.accepted:
            await self._boot_until_accepted()
        self._memory.statuses.clear()  # the present ones say it all
        await self._report_all()
        while True:
            self._memory.changed.clear()
            work = self._next()
            if work is not None:
                await work()
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._memory.changed.wait(), self._idle_s())

    def _next(self) -> Work | None:
        """The next message to send: one at a time, as OCPP-J has it, those that a person waits for first."""
        memory = self._memory
        self._check_restart()
        if memory.questions:
            question = memory.questions.popleft()
            return lambda: self._authorize(question)
        if memory.statuses:
            status = memory.statuses.popleft()
            return lambda: self._report(status)
        if self._charge_point.triggered:
            trigger = self._charge_point.triggered.pop(0)
            return lambda: self._send_triggered(trigger)
        if memory.notices:
            notice = memory.notices[0]
            return lambda: self._send_notice(notice)
        entry = memory.transactions.first()
        if entry is not None and time.monotonic() >= self._not_before_s:
            return lambda: self._send_transaction_message(entry)
        return self._heartbeat if self._heartbeat_due_s() <= time.monotonic() else None

    def _check_restart(self) -> None:
        """Raises SessionEndedError once the station may go down."""
        if self._station.reconnect_wanted:
            raise SessionEndedError
        if self._station.restart_wanted is None:
            return
        self._memory.take(self._station.drain())
        now_s = time.monotonic()
        self._flush_until_s = self._flush_until_s or now_s + FLUSH_S
        waiting = self._memory.transactions or self._memory.notices
        flushed = not waiting or now_s > self._flush_until_s
        if self._station.restart_wanted is Restart.HARD or flushed:
            raise SessionEndedError

    def _idle_s(self) -> float:
        """How long there is nothing to do, unless something happens."""
        due_s = self._heartbeat_due_s()
        if self._memory.transactions:
            due_s = min(due_s, self._not_before_s)
        if self._flush_until_s is not None:
            due_s = min(due_s, self._flush_until_s)
        return max(0.0, min(due_s - time.monotonic(), 3600.0))

    def _heartbeat_due_s(self) -> float:
        interval_s = self._station.configuration.number("HeartbeatInterval")
        return self._heartbeat_s + interval_s if interval_s else float("inf")

    async def _boot_until_accepted(self) -> None:
        """BootNotification until it is accepted; Pending and Rejected wait as long as the answer says."""
        while True:
            self._check_restart()
            answer = await self._call(messages.boot(self._station.identity))
            if answer is not None and answer.status == RegistrationStatus.accepted:
                self._take_boot(answer)
                return
            wait_s = (answer.interval if answer is not None else 0) or _BOOT_RETRY_S
            if answer is not None:
                log.info("not accepted yet", station_id=self._id, status=answer.status, again_in_s=wait_s)
            await self._wait_for_boot(wait_s)

    async def _wait_for_boot(self, wait_s: float) -> None:
        """Until it is time to boot again, or the central system asks for it."""
        until_s = time.monotonic() + wait_s
        while (left_s := until_s - time.monotonic()) > 0:
            self._check_restart()
            wanted = [trigger.wanted for trigger in self._charge_point.triggered]
            self._charge_point.triggered.clear()
            if MessageTrigger.boot_notification in wanted:
                return
            self._memory.changed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._memory.changed.wait(), left_s)

    def _take_boot(self, answer: Any) -> None:
        self._memory.accepted = True
        if answer.interval:
            self._station.configuration.set("HeartbeatInterval", str(answer.interval))
        log.info("accepted", station_id=self._id, heartbeat_interval_s=answer.interval)

    async def _heartbeat(self) -> None:
        self._heartbeat_s = time.monotonic()
        await self._call(call.Heartbeat())

    async def _report_all(self) -> None:
        for status in self._station.statuses():
            await self._report(status)

    async def _report(self, status: StatusChanged) -> None:
        if self._reported.get(status.connector_id) == (status.status, status.error_code):
            return
        if await self._call(messages.status(status, self._clock.to_real(status.at_ms))) is not None:
            self._reported[status.connector_id] = (status.status, status.error_code)

    async def _authorize(self, question: AuthorizationNeeded) -> None:
        allowed = self._station.tags.may_start_unasked(question.id_tag, datetime.now(UTC), online=True)
        parent = None
        if allowed is None:
            answer = await self._call(call.Authorize(id_tag=question.id_tag))
            if answer is None:
                return
            allowed = self._remember(question.id_tag, answer.id_tag_info) == AuthorizationStatus.accepted
            parent = answer.id_tag_info.get("parent_id_tag")
        if allowed:
            self._station.authorized(question.connector_id, question.id_tag, parent, question.profile)
        else:
            log.info("id tag refused", station_id=self._id, id_tag=question.id_tag)

    async def _send_notice(self, notice: Notice) -> None:
        """Said once; it stays the first until there is an answer of any kind."""
        await self._call(messages.notice(notice, self._clock.to_real(notice.at_ms)))
        if self._memory.notices and self._memory.notices[0] is notice:
            self._memory.notices.popleft()

    async def _send_triggered(self, trigger: Trigger) -> None:
        connector_id = trigger.connector_id
        match trigger.wanted:
            case MessageTrigger.boot_notification:
                answer = await self._call(messages.boot(self._station.identity))
                if answer is not None and answer.status == RegistrationStatus.accepted:
                    self._take_boot(answer)
            case MessageTrigger.heartbeat:
                await self._heartbeat()
            case MessageTrigger.status_notification:
                for status in self._station.statuses():
                    if connector_id in (None, status.connector_id):
                        self._reported.pop(status.connector_id, None)
                        await self._report(status)
            case MessageTrigger.meter_values:
                await self._send_samples(connector_id)
            case MessageTrigger.sign_charge_point_certificate:
                self._station.maintenance.request_certificate(self._station.identity.serial_number)
                self._memory.take(self._station.drain())
            case _:
                await self._call(messages.state(trigger.wanted, self._station.maintenance, signed=trigger.signed))

    async def _send_samples(self, connector_id: int | None) -> None:
        """Samples that were asked for; they are not kept where they fail."""
        for sample in self._station.sample(connector_id):
            name = None if sample.key is None else self._memory.names.get(sample.key)
            transaction_id = None if name is None else int(name)
            at = self._clock.to_real(sample.at_ms)
            await self._call(messages.meter_values(sample, at, transaction_id, self._measurands()))

    async def _send_transaction_message(self, entry: Entry[TransactionMessage]) -> None:
        """Sends the first transaction message; it stays the first until it is answered, or given up."""
        event = entry.message
        name = None if event.key is None else self._memory.names.get(event.key)
        payload = messages.transaction_message(event, self._clock.to_real(event.at_ms), name, self._measurands())
        answer = await self._call(payload, message_id=entry.message_id)
        if answer is None:
            self._retry_later(entry)
            return
        self._memory.transactions.confirmed(entry)
        if isinstance(event, TransactionStarted):
            self._take_start(event, answer)

    def _retry_later(self, entry: Entry[TransactionMessage]) -> None:
        configuration = self._station.configuration
        wait_s = self._memory.transactions.failed(
            entry,
            attempts=configuration.number("TransactionMessageAttempts"),
            interval_s=configuration.number("TransactionMessageRetryInterval"),
        )
        if wait_s is None:
            log.error("transaction message given up", station_id=self._id, message=type(entry.message).__name__)
            if isinstance(entry.message, TransactionStarted):
                self._memory.names[entry.message.key] = str(messages.NAMELESS)
            wait_s = 0.0
        self._not_before_s = time.monotonic() + wait_s

    def _take_start(self, event: TransactionStarted, answer: Any) -> None:
        self._memory.names[event.key] = str(answer.transaction_id)
        status = self._remember(event.id_tag, answer.id_tag_info)
        if status == AuthorizationStatus.accepted:
            return
        log.info("start refused", station_id=self._id, id_tag=event.id_tag, status=status)
        if self._station.configuration.switch("StopTransactionOnInvalidId"):
            self._station.stop_transaction(event.key, StopReason.DE_AUTHORIZED)

    def _remember(self, id_tag: str, info: Any) -> str:
        """Keeps what the central system said of an id tag, and returns its status."""
        answer = to_remembered(info)
        if answer.status != AuthorizationStatus.concurrent_tx:
            self._station.tags.remember(id_tag, answer)
        return answer.status

    async def _call(self, payload: Any, message_id: str | None = None) -> Any:
        """Sends a CALL and returns the payload of its answer, or None where the central system failed to process it."""
        self._station.maintenance.note(f"sends {type(payload).__name__}")
        try:
            return await self._charge_point.call(payload, suppress=False, unique_id=message_id)
        except (OCPPError, TimeoutError) as error:
            log.warning("call failed", station_id=self._id, action=type(payload).__name__, error=repr(error))
            return None

    def _measurands(self) -> list[str]:
        return self._station.configuration.words("MeterValuesSampledData")

    @property
    def _id(self) -> str:
        return self._station.identity.station_id


async def _end(task: asyncio.Task[Any]) -> BaseException | None:
    """Cancels a task and returns what it failed of.

    Once is not always enough: Python 3.11's wait_for, which the library uses too, swallows a cancellation that comes
    together with its result (python/cpython#86296).
    """
    while not task.done():
        task.cancel()
        await asyncio.wait((task,), timeout=0.1)
    return None if task.cancelled() else task.exception()
