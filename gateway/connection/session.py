"""One station's connection: socket ↔ OCPP-J ↔ translators ↔ batchers.

Receiving never waits for a handler: CALLs go into a queue and are served in their order, answers go to the calls that
wait for them, so a handler may call the station it is serving (docs/DESIGN.md, "Independent queues").

Serving a CALL is a chain of plain calls, from the frame to the batchers and from their results to the answer: a task
for each message would cost as much as all that is done in it (docs/PERFORMANCE.md). Only rare waits have one.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from csms.station.v1 import station_pb2

from gateway.batching.ingest_batcher import ItemSink
from gateway.connection import ingest_plan
from gateway.connection.budgets import StationBudgets
from gateway.connection.frame_channel import FrameChannel, Socket, SocketClosedError
from gateway.connection.inbound import INTERNAL_ERROR, InboundCalls, RefusalError
from gateway.connection.inbound_queue import InboundCallQueue, ReceivedCall
from gateway.connection.ingest_plan import IngestPlan
from gateway.connection.large_frames import LARGE_BYTES, run_in_thread
from gateway.connection.liveness import Liveness
from gateway.connection.outgoing import Answer, OutgoingCalls
from gateway.connection.station_reports import BOOT_REFUSED, CLOCK_SKEW, UNRESPONSIVE, PresentConditions, StationReports
from gateway.message_log.message_log import RECEIVED, MessageLog, to_loggable
from gateway.ocpp import frames
from gateway.ocpp.frames import Call, CallError, CallResult, Frame, Malformed, Payload
from gateway.ocpp.schemas import Schemas
from gateway.ocpp.served_version import ServedVersion
from gateway.ocpp.translation import IngestRpc, Results, Routes
from gateway.ocpp.triggers import triggered_actions
from mesh.contract.quirk_names import QuirkName
from mesh.runtime.errors import MeshError
from mesh.runtime.logs import get_logger
from mesh.runtime.reasons import Reason
from mesh.runtime.times import Clock

log = get_logger(__name__)

SERVICE_UNAVAILABLE = 1013  # "try again later", RFC 6455 and its registry
POLICY_VIOLATION = 1008


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
        routes: Routes,
        schemas: Schemas,
        sinks: Mapping[IngestRpc, ItemSink],
        message_log: MessageLog,
        budgets: StationBudgets,
        clock: Clock,
        count: Callable[[str, str], None],
        others: Sequence[ServedVersion] = (),
    ) -> None:
        self.connection = connection
        self.routes = routes
        self.schemas = schemas
        self.liveness = Liveness(clock())
        self.reports = StationReports(count=count, quirks=connection.quirks)
        self.outgoing = OutgoingCalls(prefix=f"{connection.epoch:x}", send=self._send_call)
        self._socket = socket
        self._channel = FrameChannel(socket=socket, message_log=message_log, liveness=self.liveness, clock=clock)
        self._sinks = sinks
        self._message_log = message_log
        self._budgets = budgets
        self._clock = clock
        self._count = count
        self._loop = asyncio.get_running_loop()
        accepted = connection.registration_status == station_pb2.REGISTRATION_STATUS_ACCEPTED
        self.inbound = InboundCalls(
            tenant_id=connection.tenant_id,
            station_id=connection.station_id,
            epoch=connection.epoch,
            served=ServedVersion(routes, schemas),
            others=others,
            accepted=connection.booted and accepted,
            heartbeat_interval_s=connection.heartbeat_interval_s,
            clock=clock,
            count=count,
            note_quirk=self.reports.note_quirk_from_anywhere,
            allow_transfer=budgets.allow_transfer,
        )
        self._greeted = self._is_refused = False
        self._inbound_queue = InboundCallQueue(
            serve=self._serve, pause_reading=self._channel.pause_reading, resume_reading=self._channel.resume_reading
        )
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def heartbeat_interval_s(self) -> int:
        """Seconds between the station's heartbeats, by the last answer to its boot."""
        return self.inbound.heartbeat_interval_s

    def closed(self) -> None:
        """The socket is closed: calls that wait for an answer of the station fail."""
        self.outgoing.close()

    async def close(self, code: int, reason: str) -> None:
        """Closes the connection; a CALL being handled is still handled, its answer goes nowhere."""
        await self._socket.close(code, reason)

    def abort(self) -> None:
        """Drops the connection without a word: the far end is gone, or does not read."""
        self._socket.abort()

    def ping(self) -> None:
        """Asks for a sign of life at the WebSocket level."""
        self.liveness.on_ping(self._clock())
        self._socket.ask_for_pong()

    def check_lost(self) -> None:
        """Notices that the far end has closed a connection that is not read from for the moment."""
        self._socket.check_lost()

    def on_write_paused(self, paused: bool, /) -> None:
        """The far end does not read what it is sent, or reads it again."""
        if paused:
            self.liveness.on_blocked(self._loop.time())
        else:
            self.liveness.on_unblocked()

    def on_pong(self) -> None:
        """The station answered a ping."""
        self.liveness.on_pong(self._clock())

    def check_pong(self) -> None:
        """Counts, once a connection, a station that sends messages but answers no ping (quirk 4)."""
        if self.liveness.became_mute():
            self.reports.note_quirk(QuirkName.NO_PONG)

    async def finish(self, timeout_s: float) -> None:
        """Waits until the CALLs that were read are answered, for at most `timeout_s` seconds."""
        await self._inbound_queue.finish(timeout_s)

    async def call(self, action: str, payload: Payload, *, timeout_s: float) -> Answer:
        """Sends the station a CALL and returns its answer. See OutgoingCalls.call."""
        self.inbound.allow_triggered(triggered_actions(action, payload))
        try:
            return await self.outgoing.call(action, payload, timeout_s=timeout_s)
        except MeshError as error:
            if error.reason is Reason.CALL_TIMEOUT:
                self.reports.note_quirk(QuirkName.CALL_UNANSWERED)
            raise

    def take_quirks(self) -> dict[str, int]:
        """The faults met since the last call, and the frames that found no place in the log."""
        dropped, self._message_log.dropped = self._message_log.dropped, 0
        if dropped:
            self.reports.quirks[QuirkName.FRAMES_NOT_LOGGED] += dropped
        return self.reports.take_quirks()

    def conditions(self) -> PresentConditions:
        """The conditions of the station."""
        return {
            UNRESPONSIVE: self.outgoing.unanswered,
            CLOCK_SKEW: self.inbound.clock_watch.skew_s,
            BOOT_REFUSED: self.inbound.boot_watch.refused,
        }

    # Receiving

    def receive(self, data: bytes) -> None:
        """Takes a message of the station. Never waits, never raises; a flood of CALLs makes the socket hold back."""
        if self._is_refused:
            return
        now_us = self._clock()
        self.liveness.on_frame(now_us)
        ordinal = self._channel.number()
        if len(data) > LARGE_BYTES:
            self._channel.pause_reading()  # what follows stays behind it
            self._later(self._receive_large(data, ordinal, now_us))
            return
        try:
            self._on_frame(frames.parse(data, self.routes.ocpp), data, ordinal, now_us)
        except Exception as error:
            self._fail_frame(error)

    async def _receive_large(self, data: bytes, ordinal: int, now_us: int) -> None:
        try:
            frame = await run_in_thread(frames.parse, data, self.routes.ocpp)
            loggable = await run_in_thread(to_loggable, data)
            self._on_frame(frame, data, ordinal, now_us, loggable)
        except Exception as error:
            self._fail_frame(error)
        finally:
            self._channel.resume_reading()

    def _fail_frame(self, error: Exception) -> None:
        log.error("frame not understood", station_id=self.connection.station_id, exc_info=error)
        self._count("refused", INTERNAL_ERROR)

    def _on_frame(self, frame: Frame, data: bytes, ordinal: int, now_us: int, loggable: bytes | None = None) -> None:
        if isinstance(frame, Call):
            kind, action = frames.SEND if frame.unconfirmed else frames.CALL, frame.action
        elif isinstance(frame, Malformed):
            kind, action = 0, ""
        elif isinstance(frame, frames.Mended):
            for quirk in frame.quirks:
                self.reports.note_quirk(quirk)
            self._on_frame(frame.frame, data, ordinal, now_us, loggable)
            return
        else:
            kind, action = _kind_of(frame), self.outgoing.resolve(frame, data) or ""
        self._message_log.add(RECEIVED, ordinal, now_us, data, kind, frame.message_id or "", action, loggable)
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
                self.reports.note_quirk(QuirkName.NO_BOOT_NOTIFICATION)
        if (earlier := self._inbound_queue.open_data(call.message_id)) is not None:
            self.reports.note_quirk(QuirkName.REPEATED_CALL if earlier == data else QuirkName.MESSAGE_ID_REUSED)
            if earlier == data:  # quirk 19: one call, one answer
                return
        self._inbound_queue.add(ReceivedCall(call, data, ordinal, now_us))

    def _on_malformed(self, frame: Malformed, data: bytes, ordinal: int, now_us: int) -> None:
        self.reports.note_quirk(QuirkName.MALFORMED_FRAME)
        if frame.truncated is not None and self.inbound.is_about_transactions(frame.truncated.action):
            self._on_call(frame.truncated, data, ordinal, now_us)  # kept raw, and acknowledged
            return
        if not self._budgets.bear_malformed(len(data), now_us):
            self._count("refused", "TooManyMalformedFrames")
            self._is_refused = True
            self._later(self.close(POLICY_VIOLATION, "too many frames that are no OCPP messages"))
            return
        message_id = frame.message_id
        if not frame.wants_answer and message_id is not None:
            self.outgoing.fail_pending(message_id, frame.description)
        if message_id is None:
            message_id = self.routes.ocpp.unreadable_id
        if frame.wants_answer and message_id is not None:
            error = frames.encode_error(message_id, frame.code, frame.description)
            if not self._answer(error, frames.CALL_ERROR, message_id, ""):
                self._channel.pause_reading()
                self._later(self._resume_once_read())

    # Handling. The queue calls `_serve`, and all else follows from it. A failure here ends this connection and no
    # other: batchers call it with results, and have results of other stations to deliver.

    def _serve(self, received: ReceivedCall) -> None:
        if self._message_log.backlogged:
            self._later(self._begin_once_logged(received))
        else:
            self._begin(received)

    async def _begin_once_logged(self, received: ReceivedCall) -> None:
        await self._message_log.wait_for_capacity()
        self._begin(received)

    def _begin(self, received: ReceivedCall) -> None:
        if len(received.data) > LARGE_BYTES:
            self._later(self._begin_large(received))
            return
        try:
            plan = self.inbound.begin(received.call, received.ordinal, received.time_us, received.data)
        except Exception as error:
            self._refuse(received.call, error)
        else:
            self._ask(received.call, plan)

    async def _begin_large(self, received: ReceivedCall) -> None:
        try:
            plan = await run_in_thread(
                self.inbound.begin, received.call, received.ordinal, received.time_us, received.data
            )
        except Exception as error:
            self._refuse(received.call, error)
        else:
            self._ask(received.call, plan)

    def _ask(self, call: Call, plan: IngestPlan) -> None:
        try:
            if plan.items:
                # The station waits since now, and all that is sent for one CALL has its budget.
                begun_s = self._loop.time()
                ingest_plan.submit(plan, self._sinks, partial(self._conclude, call, plan, begun_s), now_s=begun_s)
                return
        except Exception as error:
            self._refuse(call, error)
        else:
            self._conclude(call, plan, 0.0, {})

    def _conclude(self, call: Call, plan: IngestPlan, begun_s: float, results: Results | None) -> None:
        """Answers from what the services said; where they are unavailable for too long, closes the socket instead."""
        try:
            if results is None:
                self._later(self._give_up(call))
            elif plan.follow_up is not None and (further := plan.follow_up(results)) is not None:
                ingest_plan.submit(further, self._sinks, partial(self._conclude, call, further, begun_s), now_s=begun_s)
            else:
                self._answer_from(call, plan, results)
        except Exception as error:
            self._break_off(error)

    def _answer_from(self, call: Call, plan: IngestPlan, results: Results) -> None:
        if len(results) < len(plan.items):
            missing = [str(name) for name in plan.items if name not in results]
            log.warning("answered without", lanes=missing, station_id=self.connection.station_id)
        try:
            data = frames.encode_result(call.message_id, plan.answer(results))
        except Exception as error:
            self._refuse(call, error)
        else:
            self._reply(call, data, frames.CALL_RESULT)

    def _refuse(self, call: Call, error: Exception) -> None:
        if isinstance(error, RefusalError):
            code, description = error.code, error.description
        else:
            log.error("handler failed", station_id=self.connection.station_id, action=call.action, exc_info=error)
            code, description = INTERNAL_ERROR, "the message could not be processed"
        self._count("refused", code)
        if call.action == "BootNotification":
            self.inbound.boot_watch.refuse(code, description)
        self._reply(call, frames.encode_error(call.message_id, code, description), frames.CALL_ERROR)

    async def _give_up(self, call: Call) -> None:
        # An offline station keeps its messages; one that gets errors throws them away: see
        # docs/DESIGN.md, "When a service is unavailable".
        log.warning("service away for too long: closing", station_id=self.connection.station_id, action=call.action)
        try:
            await self.close(SERVICE_UNAVAILABLE, "service unavailable, try again later")
        finally:
            self._inbound_queue.answered()

    def _reply(self, call: Call, data: bytes, kind: int) -> None:
        if call.unconfirmed or self._answer(data, kind, call.message_id, call.action):
            self._inbound_queue.answered()
        else:
            self._later(self._go_on_once_read())

    # Sending

    def _answer(self, data: bytes, kind: int, message_id: str, action: str) -> bool:
        """Sends an answer; false where the station does not read."""
        try:
            return self._channel.write(data, kind, message_id, action)
        except SocketClosedError:
            return True  # it is safe to lose an answer: the station asks again, and is recognized
        except Exception as error:
            self._break_off(error)
            return True

    async def _go_on_once_read(self) -> None:
        try:
            with suppress(SocketClosedError):
                await self._channel.drain()
        finally:
            self._inbound_queue.answered()

    async def _resume_once_read(self) -> None:
        with suppress(SocketClosedError):
            await self._channel.drain()
            self._channel.resume_reading()

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
            await self._channel.send(data, frames.CALL, message_id, action)
        except SocketClosedError:
            self.outgoing.close()


def _kind_of(frame: CallResult | CallError) -> int:
    return frames.CALL_RESULT if isinstance(frame, CallResult) else frames.CALL_ERROR
