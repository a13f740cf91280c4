"""One connection of a station, from the open socket to its end: boots, then says what there is to say, in order.

A version of OCPP (`v16`, `v201`) says it in its words, as a subclass.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from ocpp.exceptions import OCPPError

from mesh.runtime.logs import get_logger
from simulator.authorization import ACCEPTED, Remembered
from simulator.clocks import StationClock
from simulator.events import Status, StatusChanged
from simulator.memory import Memory, TransactionMessage
from simulator.notices import Notice
from simulator.station import AuthorizationNeeded, Restart, Station
from simulator.transaction_queue import Entry

log = get_logger(__name__)

RESPONSE_TIMEOUT_S = 30.0
FLUSH_S = 10.0  # how long a soft reset waits for the transaction messages to leave
_BOOT_RETRY_S = 30.0  # where the answer names no interval
_CONCURRENT = "ConcurrentTx"

Work = Callable[[], Awaitable[None]]


class SessionEndedError(Exception):
    """The station itself ends the connection, because it restarts."""


class StationSession(ABC):
    """The conversation over one socket. `run` returns when the station restarts, and raises when the socket closes.

    `charge_point` is the library's end of it.
    """

    def __init__(self, *, station: Station, memory: Memory, clock: StationClock, charge_point: Any) -> None:
        self._station = station
        self._memory = memory
        self._clock = clock
        self._library = charge_point
        self._reported: dict[int, tuple[Status, str | None]] = {}
        self._heartbeat_s = time.monotonic()  # when the latest was sent
        self._not_before_s = 0.0  # when the first transaction message may be sent again
        self._flush_until_s: float | None = None

    @abstractmethod
    def boot_call(self) -> Any:
        """BootNotification."""

    @abstractmethod
    def heartbeat_call(self) -> Any:
        """Heartbeat."""

    @abstractmethod
    def status_call(self, status: StatusChanged, at: datetime) -> Any | None:
        """StatusNotification; None where the version has none for this."""

    @abstractmethod
    def notice_call(self, notice: Notice, at: datetime) -> Any:
        """The report of an update, an upload, a security event or a certificate request."""

    @abstractmethod
    def transaction_call(self, entry: Entry[TransactionMessage]) -> Any:
        """A message about a transaction. One that is sent again is the same."""

    @abstractmethod
    def take_transaction_answer(self, event: TransactionMessage, answer: Any) -> None:
        """Takes the answer to a message about a transaction."""

    @abstractmethod
    async def ask(self, id_tag: str) -> Remembered | None:
        """Authorize; None where the central system failed to process it."""

    @abstractmethod
    def take_boot_trigger(self) -> bool:
        """Forgets what was asked for before the station is accepted; returns whether a boot was."""

    @abstractmethod
    def next_asked_for(self) -> Work | None:
        """The next message that the central system has asked for."""

    @abstractmethod
    def give_up(self, event: TransactionMessage) -> None:
        """Takes note of a transaction message that has failed too often."""

    def next_while_pending(self) -> Work | None:
        """The next message that may be sent before the station is accepted."""
        return None

    async def run(self) -> None:
        """Talks until the station restarts. Raises websockets' ConnectionClosed when the socket closes."""
        receiving = asyncio.create_task(self._library.start())
        talking = asyncio.create_task(self._talk())
        try:
            await asyncio.wait((receiving, talking), return_when=asyncio.FIRST_COMPLETED)
        finally:
            outcomes = [await _end(task) for task in (talking, receiving)]
        for outcome in outcomes:
            if isinstance(outcome, Exception) and not isinstance(outcome, SessionEndedError):
                raise outcome

    async def call(self, payload: Any, message_id: str | None = None) -> Any:
        """Sends a CALL and returns the payload of its answer, or None where the central system failed to process it."""
        self._station.maintenance.note(f"sends {type(payload).__name__}")
        try:
            return await self._library.call(payload, suppress=False, unique_id=message_id)
        except (OCPPError, TimeoutError) as error:
            log.warning("call failed", station_id=self._id, action=type(payload).__name__, error=repr(error))
            return None

    async def boot(self) -> Any:
        """Sends a BootNotification, and returns the answer."""
        answer = await self.call(self.boot_call())
        if answer is not None and answer.status == ACCEPTED:
            self._memory.accepted = True
            if answer.interval:
                self._station.configuration.set("HeartbeatInterval", str(answer.interval))
            log.info("accepted", station_id=self._id, heartbeat_interval_s=answer.interval)
        return answer

    async def heartbeat(self) -> None:
        """Sends a Heartbeat."""
        self._heartbeat_s = time.monotonic()
        await self.call(self.heartbeat_call())

    async def report_again(self, connector_id: int | None) -> None:
        """Reports the status of a connector, or of all, whether it is known or not."""
        for status in self._station.statuses():
            if connector_id in (None, status.connector_id):
                self._reported.pop(status.connector_id, None)
                await self._report(status)

    def remember(self, id_tag: str, answer: Remembered) -> str:
        """Keeps what the central system said of an id tag, and returns its status."""
        if answer.status != _CONCURRENT:
            self._station.tags.remember(id_tag, answer)
        return answer.status

    def measurands(self) -> list[str]:
        """Those that samples have."""
        return self._station.configuration.words("MeterValuesSampledData")

    def at(self, now_ms: int) -> datetime:
        """A moment of the station's life, by real time."""
        return self._clock.to_real(now_ms)

    async def _talk(self) -> None:
        if not self._memory.accepted:
            await self._boot_until_accepted()
        self._memory.statuses.clear()  # the present ones say it all
        for status in self._station.statuses():
            await self._report(status)
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
        if (asked_for := self.next_asked_for()) is not None:
            return asked_for
        if memory.notices:
            notice = memory.notices[0]
            return lambda: self._send_notice(notice)
        entry = memory.transactions.first()
        if entry is not None and time.monotonic() >= self._not_before_s:
            return lambda: self._send_transaction_message(entry)
        return self.heartbeat if self._heartbeat_due_s() <= time.monotonic() else None

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
            answer = await self.boot()
            if answer is not None and answer.status == ACCEPTED:
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
            if self.take_boot_trigger():
                return
            self._memory.changed.clear()
            if (work := self.next_while_pending()) is not None:
                await work()
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._memory.changed.wait(), left_s)

    async def _report(self, status: StatusChanged) -> None:
        if self._reported.get(status.connector_id) == (status.status, status.error_code):
            return
        payload = self.status_call(status, self.at(status.at_ms))
        if payload is None or await self.call(payload) is not None:
            self._reported[status.connector_id] = (status.status, status.error_code)

    async def _authorize(self, question: AuthorizationNeeded) -> None:
        allowed = self._station.tags.may_start_unasked(question.id_tag, self._station.moment(), online=True)
        parent = None
        if allowed is None:
            answer = await self.ask(question.id_tag)
            if answer is None:
                return
            allowed = self.remember(question.id_tag, answer) == ACCEPTED
            parent = answer.parent
        if allowed:
            self._station.authorized(
                question.connector_id, question.id_tag, parent, question.profile, question.remote_start_id
            )
        else:
            log.info("id tag refused", station_id=self._id, id_tag=question.id_tag)

    async def _send_notice(self, notice: Notice) -> None:
        """Said once; it stays the first until there is an answer of any kind."""
        await self.call(self.notice_call(notice, self.at(notice.at_ms)))
        if self._memory.notices and self._memory.notices[0] is notice:
            self._memory.notices.popleft()

    async def _send_transaction_message(self, entry: Entry[TransactionMessage]) -> None:
        """Sends the first transaction message; it stays the first until it is answered, or given up."""
        answer = await self.call(self.transaction_call(entry), message_id=entry.message_id)
        if answer is None:
            self._retry_later(entry)
            return
        self._memory.transactions.confirmed(entry)
        self.take_transaction_answer(entry.message, answer)

    def _retry_later(self, entry: Entry[TransactionMessage]) -> None:
        configuration = self._station.configuration
        wait_s = self._memory.transactions.failed(
            entry,
            attempts=configuration.number("TransactionMessageAttempts"),
            interval_s=configuration.number("TransactionMessageRetryInterval"),
        )
        if wait_s is None:
            log.error("transaction message given up", station_id=self._id, message=type(entry.message).__name__)
            self.give_up(entry.message)
            wait_s = 0.0
        self._not_before_s = time.monotonic() + wait_s

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
