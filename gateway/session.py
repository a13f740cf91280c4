"""One station's connection: socket ↔ OCPP-J ↔ translators ↔ lanes.

Receiving never waits for a handler: CALLs go into an inbox and are served in their order, answers go to whoever waits
for them, so a handler may call the station it is serving (docs/DESIGN.md, "Independent queues").

Serving a CALL is a chain of plain calls, from the frame to the lanes and from their results to the answer: a task for
each message would cost as much as all that is done in it (docs/PERFORMANCE.md). What has to wait for
something rare is left to one.
"""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from csms.station.v1 import station_pb2

from gateway import exchange, ocppj
from gateway.aside import LARGE_BYTES, aside
from gateway.budgets import StationBudgets
from gateway.exchange import Exchange
from gateway.inbound import INTERNAL_ERROR, Dialect, InboundCalls, RefusalError
from gateway.inbox import Arrival, Inbox
from gateway.lanes import Way
from gateway.ocppj import Call, CallError, CallResult, Frame, Malformed, Payload
from gateway.outgoing import Answer, OutgoingCalls
from gateway.recorder import RECEIVED, SENT, Recorder, to_loggable
from gateway.schemas import Schemas
from gateway.translation import LaneName, Results, Version
from gateway.triggers import invited
from mesh.errors import MeshError
from mesh.logs import get_logger
from mesh.quirks import QuirkName
from mesh.times import SECOND_US, Clock

log = get_logger(__name__)

# A frame that comes this long after a ping that had no pong shows that the station answers none.
PONG_WITHIN_US = 10 * SECOND_US

SERVICE_UNAVAILABLE = 1013  # "try again later", RFC 6455 and its registry
POLICY_VIOLATION = 1008

UNRESPONSIVE = station_pb2.STATION_CONDITION_TYPE_UNRESPONSIVE
CLOCK_SKEW = station_pb2.STATION_CONDITION_TYPE_CLOCK_SKEW
BOOT_REFUSED = station_pb2.STATION_CONDITION_TYPE_BOOT_REFUSED
Conditions = dict[station_pb2.StationConditionType.ValueType, int]
"""Sizes of what may be wrong with a station, as in csms.station.v1.ConditionReport."""


class Socket(Protocol):
    """The WebSocket, as far as a session needs it; it gives each message to `Session.receive`."""

    def check_lost(self) -> None:
        """Drops a connection that the far end has closed while the socket was held."""

    def write(self, data: bytes) -> bool:
        """Sends a text message; false where the far end does not read, so that the caller must `drain` first.

        Raises SocketClosedError.
        """

    async def drain(self) -> None:
        """Returns once the far end reads again. Raises SocketClosedError."""

    def hold(self) -> None:
        """Takes no more messages until `resume`."""

    def resume(self) -> None:
        """Takes messages again."""

    async def close(self, code: int, reason: str) -> None:
        """Closes the socket; returns once it is closed."""

    def abort(self) -> None:
        """Drops the connection without a word."""

    def ask_for_pong(self) -> None:
        """Sends a WebSocket ping."""


class SocketClosedError(Exception):
    """The socket is closed; `code` is the WebSocket close code, 1006 where there was none."""

    def __init__(self, code: int) -> None:
        super().__init__(f"socket closed with {code}")
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Connection:
    """Which station is at the other end, and how it came in."""

    station_id: str
    tenant_id: str
    epoch: int
    registration_status: station_pb2.RegistrationStatus.ValueType
    booted: bool
    heartbeat_interval_s: int
    quirks: Sequence[str] = ()  # what was odd about how it came in


class Session:
    """One connection from its opening to its close.

    The socket's messages come in through `receive`, its end through `closed`; `call` sends the station a command.
    """

    def __init__(
        self,
        *,
        socket: Socket,
        connection: Connection,
        version: Version,
        schemas: Schemas,
        lanes: Mapping[LaneName, Way],
        recorder: Recorder,
        budgets: StationBudgets,
        clock: Clock,
        count: Callable[[str, str], None],
        others: Sequence[Dialect] = (),
    ) -> None:
        self.connection = connection
        self.version = version
        self.schemas = schemas
        self.last_seen_us = self.last_alive_us = self.pinged_us = clock()
        self.quirks: Counter[str] = Counter()
        self.blocked_since_s: float | None = None
        self.outgoing = OutgoingCalls(prefix=f"{connection.epoch:x}", send=self._send_call)
        self._socket = socket
        self._lanes = lanes
        self._recorder = recorder
        self._budgets = budgets
        self._clock = clock
        self._count = count
        self._loop = asyncio.get_running_loop()
        self._ordinal = 0
        accepted = connection.registration_status == station_pb2.REGISTRATION_STATUS_ACCEPTED
        self.inbound = InboundCalls(
            tenant_id=connection.tenant_id,
            station_id=connection.station_id,
            epoch=connection.epoch,
            dialect=(version, schemas),
            others=others,
            accepted=connection.booted and accepted,
            heartbeat_interval_s=connection.heartbeat_interval_s,
            clock=clock,
            count=count,
            note_quirk=self._note_quirk_from_anywhere,
            allow_transfer=budgets.allow_transfer,
        )
        self._thread = threading.get_ident()
        self._holds = 0
        self._told: Conditions = {}
        self._greeted = self._is_turned_away = False
        self._awaits_pong = self._is_mute = False
        self._inbox = Inbox(serve=self._serve, hold=self._hold, resume=self._resume)
        self._tasks: set[asyncio.Task[None]] = set()
        for quirk in connection.quirks:
            self.note_quirk(quirk)

    @property
    def heartbeat_interval_s(self) -> int:
        """Seconds between the station's heartbeats, as it was told."""
        return self.inbound.heartbeat_interval_s

    def closed(self) -> None:
        """The socket is closed: whoever waits for an answer of the station is told."""
        self.outgoing.close()

    async def close(self, code: int, reason: str) -> None:
        """Closes the connection; a CALL being handled is still handled, its answer goes nowhere."""
        await self._socket.close(code, reason)

    def abort(self) -> None:
        """Drops the connection without a word: the far end is gone, or does not read."""
        self._socket.abort()

    def ping(self) -> None:
        """Asks for a sign of life at the WebSocket level."""
        self.pinged_us = self._clock()
        self._awaits_pong = True
        self._socket.ask_for_pong()

    def check_lost(self) -> None:
        """Notices that the far end has closed a connection that is not read from for the moment."""
        self._socket.check_lost()

    def on_write_paused(self, paused: bool, /) -> None:
        """The far end does not read what it is sent, or reads it again."""
        if not paused:
            self.blocked_since_s = None
        elif self.blocked_since_s is None:
            self.blocked_since_s = self._loop.time()

    def on_pong(self) -> None:
        """The station answered a ping."""
        self.last_alive_us = self._clock()
        self._awaits_pong = False

    def check_pong(self) -> None:
        """Counts, once a connection, a station that sends messages but answers no ping (quirk 4)."""
        if self._awaits_pong and not self._is_mute and self.last_seen_us - self.pinged_us > PONG_WITHIN_US:
            self._is_mute = True
            self.note_quirk(QuirkName.NO_PONG)

    async def finish(self, timeout_s: float) -> None:
        """Waits until the CALLs that were read are answered, for at most `timeout_s` seconds."""
        await self._inbox.finish(timeout_s)

    async def call(self, action: str, payload: Payload, *, timeout_s: float) -> Answer:
        """Sends the station a CALL and returns its answer. See OutgoingCalls.call."""
        self.inbound.invite(invited(action, payload))
        try:
            return await self.outgoing.call(action, payload, timeout_s=timeout_s)
        except MeshError as error:
            if error.reason == "CALL_TIMEOUT":
                self.note_quirk(QuirkName.CALL_UNANSWERED)
            raise

    def note_quirk(self, name: str) -> None:
        """Counts a known fault of the station's software."""
        self.quirks[name] += 1
        self._count("quirk", name)

    def _note_quirk_from_anywhere(self, name: str) -> None:
        if threading.get_ident() == self._thread:
            self.note_quirk(name)
        else:
            self._loop.call_soon_threadsafe(self.note_quirk, name)

    def take_quirks(self) -> dict[str, int]:
        """The faults met since the last call, and the frames that found no place in the log."""
        left_out, self._recorder.left_out = self._recorder.left_out, 0
        if left_out:
            self.quirks[QuirkName.FRAMES_NOT_LOGGED] += left_out
        quirks = dict(self.quirks)
        self.quirks.clear()
        return quirks

    def conditions(self) -> Conditions:
        """What has become of what may be wrong with the station, where that was not told yet."""
        present = {
            UNRESPONSIVE: self.outgoing.unanswered,
            CLOCK_SKEW: self.inbound.clock_watch.skew_s,
            BOOT_REFUSED: self.inbound.boot_watch.refused,
        }
        return {kind: size for kind, size in present.items() if size is not None and size != self._told.get(kind)}

    def take_conditions(self) -> Conditions:
        """The same, told from now on; of refused boots, how many there are more."""
        news = self.conditions()
        refused = news.get(BOOT_REFUSED)
        before = self._told.get(BOOT_REFUSED, 0)
        self._told |= news
        return news | {BOOT_REFUSED: refused - before} if refused else news

    # What comes in

    def receive(self, data: bytes) -> None:
        """Takes a message of the station. Never waits, never raises; a flood of CALLs makes the socket hold back."""
        if self._is_turned_away:
            return
        now_us = self._clock()
        self.last_seen_us = self.last_alive_us = now_us
        self._ordinal += 1
        if len(data) > LARGE_BYTES:
            self._hold()  # what follows stays behind it
            self._later(self._receive_large(data, self._ordinal, now_us))
            return
        try:
            self._on_frame(ocppj.parse(data, self.version.label), data, self._ordinal, now_us)
        except Exception as error:
            self._fail_frame(error)

    async def _receive_large(self, data: bytes, ordinal: int, now_us: int) -> None:
        try:
            frame = await aside(ocppj.parse, data, self.version.label)
            loggable = await aside(to_loggable, data)
            self._on_frame(frame, data, ordinal, now_us, loggable)
        except Exception as error:
            self._fail_frame(error)
        finally:
            self._resume()

    def _fail_frame(self, error: Exception) -> None:
        log.error("frame not understood", station_id=self.connection.station_id, exc_info=error)
        self._count("refused", INTERNAL_ERROR)

    def _on_frame(self, frame: Frame, data: bytes, ordinal: int, now_us: int, loggable: bytes | None = None) -> None:
        if isinstance(frame, Call):
            kind, action = ocppj.SEND if frame.unconfirmed else ocppj.CALL, frame.action
        elif isinstance(frame, Malformed):
            kind, action = 0, ""
        elif isinstance(frame, ocppj.Mended):
            for quirk in frame.quirks:
                self.note_quirk(quirk)
            self._on_frame(frame.frame, data, ordinal, now_us, loggable)
            return
        else:
            kind, action = _kind_of(frame), self.outgoing.resolve(frame, data) or ""
        self._recorder.add(RECEIVED, ordinal, now_us, data, kind, frame.message_id or "", action, loggable)
        if isinstance(frame, Call):
            self._on_call(frame, data, ordinal, now_us)
        elif isinstance(frame, Malformed):
            self._on_malformed(frame, data, ordinal, now_us)
        elif not action:
            self._count("answer", "unexpected")

    def _on_call(self, call: Call, data: bytes, ordinal: int, now_us: int) -> None:
        if not self._greeted:
            self._greeted = True
            # A station that was accepted may go on without a boot: 1.6 section 4.2 wants one after a (re)boot only.
            if call.action != "BootNotification" and not self.inbound.accepted:
                self.note_quirk(QuirkName.NO_BOOT_NOTIFICATION)
        if (earlier := self._inbox.open_data(call.message_id)) is not None:
            self.note_quirk(QuirkName.REPEATED_CALL if earlier == data else QuirkName.MESSAGE_ID_REUSED)
            if earlier == data:  # quirk 19: one call, one answer
                return
        self._inbox.add(Arrival(call, data, ordinal, now_us))

    def _on_malformed(self, frame: Malformed, data: bytes, ordinal: int, now_us: int) -> None:
        self.note_quirk(QuirkName.MALFORMED_FRAME)
        if frame.truncated is not None and self.inbound.is_about_transactions(frame.truncated.action):
            self._on_call(frame.truncated, data, ordinal, now_us)  # kept raw, and acknowledged
            return
        if not self._budgets.bear_malformed(len(data), now_us):
            self._count("refused", "TooManyMalformedFrames")
            self._is_turned_away = True
            self._later(self.close(POLICY_VIOLATION, "too many frames that are no OCPP messages"))
            return
        message_id = frame.message_id
        if not frame.wants_answer and message_id is not None:
            self.outgoing.spoil(message_id, frame.description)
        if message_id is None and self.version.label != "1.6":
            message_id = ocppj.UNREADABLE_ID
        if frame.wants_answer and message_id is not None:
            error = ocppj.encode_error(message_id, frame.code, frame.description)
            if not self._answer(error, ocppj.CALL_ERROR, message_id, ""):
                self._hold()
                self._later(self._resume_once_read())

    # What is done about it. The inbox calls `_serve`, and all else follows from it. What cannot be gone on with ends
    # this connection, and nobody else's: the lanes that tell of results have other stations to tell.

    def _serve(self, arrival: Arrival) -> None:
        if self._recorder.crowded:
            self._later(self._begin_once_logged(arrival))
        else:
            self._begin(arrival)

    async def _begin_once_logged(self, arrival: Arrival) -> None:
        await self._recorder.room()
        self._begin(arrival)

    def _begin(self, arrival: Arrival) -> None:
        if len(arrival.data) > LARGE_BYTES:
            self._later(self._begin_large(arrival))
            return
        try:
            asked = self.inbound.begin(arrival.call, arrival.ordinal, arrival.time_us, arrival.data)
        except Exception as error:
            self._refuse(arrival.call, error)
        else:
            self._ask(arrival.call, asked)

    async def _begin_large(self, arrival: Arrival) -> None:
        try:
            asked = await aside(self.inbound.begin, arrival.call, arrival.ordinal, arrival.time_us, arrival.data)
        except Exception as error:
            self._refuse(arrival.call, error)
        else:
            self._ask(arrival.call, asked)

    def _ask(self, call: Call, asked: Exchange) -> None:
        try:
            if asked.items:
                # The station waits since now, and all that is sent for one CALL has its budget.
                begun_s = self._loop.time()
                exchange.submit(asked, self._lanes, partial(self._conclude, call, asked, begun_s), now_s=begun_s)
                return
        except Exception as error:
            self._refuse(call, error)
        else:
            self._conclude(call, asked, 0.0, {})

    def _conclude(self, call: Call, asked: Exchange, begun_s: float, results: Results | None) -> None:
        """Answers from what the services said; where they are away for too long, closes the socket instead."""
        try:
            if results is None:
                self._later(self._give_up(call))
            elif asked.follow_up is not None and (further := asked.follow_up(results)) is not None:
                exchange.submit(further, self._lanes, partial(self._conclude, call, further, begun_s), now_s=begun_s)
            else:
                self._answer_from(call, asked, results)
        except Exception as error:
            self._break_off(error)

    def _answer_from(self, call: Call, asked: Exchange, results: Results) -> None:
        if len(results) < len(asked.items):
            missing = [str(name) for name in asked.items if name not in results]
            log.warning("answered without", lanes=missing, station_id=self.connection.station_id)
        try:
            data = ocppj.encode_result(call.message_id, asked.answer(results))
        except Exception as error:
            self._refuse(call, error)
        else:
            self._reply(call, data, ocppj.CALL_RESULT)

    def _refuse(self, call: Call, error: Exception) -> None:
        if isinstance(error, RefusalError):
            code, description = error.code, error.description
        else:
            log.error("handler failed", station_id=self.connection.station_id, action=call.action, exc_info=error)
            code, description = INTERNAL_ERROR, "the message could not be processed"
        self._count("refused", code)
        if call.action == "BootNotification":
            self.inbound.boot_watch.refuse(code, description)
        self._reply(call, ocppj.encode_error(call.message_id, code, description), ocppj.CALL_ERROR)

    async def _give_up(self, call: Call) -> None:
        # An offline station keeps its messages; one that gets errors throws them away: see
        # docs/DESIGN.md, "When a service is unavailable".
        log.warning("service away for too long: closing", station_id=self.connection.station_id, action=call.action)
        try:
            await self.close(SERVICE_UNAVAILABLE, "service unavailable, try again later")
        finally:
            self._inbox.answered()

    def _reply(self, call: Call, data: bytes, kind: int) -> None:
        if call.unconfirmed or self._answer(data, kind, call.message_id, call.action):
            self._inbox.answered()
        else:
            self._later(self._go_on_once_read())

    # What goes out

    def _answer(self, data: bytes, kind: int, message_id: str, action: str) -> bool:
        """Sends an answer; false where the station does not read."""
        try:
            return self._write(data, kind, message_id, action)
        except SocketClosedError:
            return True  # it is safe to lose an answer: the station asks again, and is recognized
        except Exception as error:
            self._break_off(error)
            return True

    async def _go_on_once_read(self) -> None:
        try:
            with suppress(SocketClosedError):
                await self._drain()
        finally:
            self._inbox.answered()

    async def _resume_once_read(self) -> None:
        with suppress(SocketClosedError):
            await self._drain()
            self._resume()

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._break_off(error)

    def _break_off(self, error: BaseException) -> None:
        """Ends a connection that may never answer again: the station comes back, and asks again."""
        log.error("connection broken off", station_id=self.connection.station_id, exc_info=error)
        self.abort()

    async def _send_call(self, data: bytes, message_id: str, action: str) -> None:
        try:
            await self._send(data, ocppj.CALL, message_id, action)
        except SocketClosedError:
            self.outgoing.close()

    async def _send(self, data: bytes, kind: int, message_id: str, action: str) -> None:
        if not self._write(data, kind, message_id, action):
            await self._drain()

    async def _drain(self) -> None:
        if self.blocked_since_s is None:
            self.blocked_since_s = self._loop.time()
        await self._socket.drain()
        self.blocked_since_s = None

    def _write(self, data: bytes, kind: int, message_id: str, action: str) -> bool:
        self._ordinal += 1
        self._recorder.add(SENT, self._ordinal, self._clock(), data, kind, message_id, action)
        return self._socket.write(data)

    # Small things

    def _hold(self) -> None:
        self._holds += 1
        self._socket.hold()

    def _resume(self) -> None:
        self._holds -= 1
        if not self._holds:
            self._socket.resume()


def _kind_of(frame: CallResult | CallError) -> int:
    return ocppj.CALL_RESULT if isinstance(frame, CallResult) else ocppj.CALL_ERROR
