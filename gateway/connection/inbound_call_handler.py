"""Serves the CALLs of one station, one at a time: from the queue to the services, and back to the answer.

The path of a CALL, each step a method that the one before it calls:

1. `FrameDispatcher.receive` (`frame_dispatcher.py`) has parsed its frame and calls `CallHandler.take`.
2. `InboundCallQueue.add` (`inbound_call_queue.py`) queues the CALL; `_serve` follows once those before it are done.
3. `_plan`: `InboundCalls.plan` (`inbound_calls.py`) checks and translates it; a plan has the items for each service.
4. `_send_items`: `ingest_plan.submit` gives each item to the batcher of its RPC; those of a late message at its turn
(`late_turns.py`).
5. `_on_results` is called by the batchers, once, with all results. Where the route has follow-up items, steps
4 and 5 are repeated.
6. `_answer`: `CallAnswers.to_payload` (`inbound_call_answers.py`) makes the CALLRESULT's payload from plan and results.
7. `_reply`: `FrameChannel.answer` (`frame_channel.py`) writes the frame, and `InboundCallQueue.answered` begins with
step 2 of the next CALL.

`_refuse` leads from steps 3, 4 and 6 to step 7 with a CALLERROR; `_give_up` closes the socket instead of an answer.

These are plain calls, from a frame to the batchers and from their results to the answer: a task for each message would
cost as much as the handling itself (docs/PERFORMANCE.md). Only rare waits have one, in `SessionTasks`.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial

from gateway.batching.sinks import ItemSink
from gateway.connection import ingest_plan
from gateway.connection.frame_channel import FrameChannel
from gateway.connection.inbound_call_answers import CallAnswers
from gateway.connection.inbound_call_plans import CallPlan
from gateway.connection.inbound_call_queue import InboundCallQueue, ReceivedCall
from gateway.connection.inbound_calls import InboundCalls
from gateway.connection.large_frames import LARGE_BYTES, run_in_thread
from gateway.connection.late_turns import LateTurns
from gateway.connection.outbound_calls import OutgoingCalls
from gateway.connection.refusal import INTERNAL_ERROR, RefusalError
from gateway.connection.registration import Registration
from gateway.connection.session_tasks import SessionTasks
from gateway.connection.station_reports import StationReports
from gateway.message_log.message_log import MessageLog
from gateway.ocpp import frames
from gateway.ocpp.frames import Call
from gateway.ocpp.translation import IngestRpc, Results
from mesh.contract.quirk_names import QuirkName
from mesh.runtime.logs import get_logger

log = get_logger(__name__)

SERVICE_UNAVAILABLE = 1013  # "try again later", RFC 6455 and its registry


class CallHandler:
    """Serves CALLs; see the steps above.

    A failure ends this connection and no other: batchers call `_on_results`, and have results of other stations to
    deliver.
    """

    def __init__(
        self,
        *,
        station_id: str,
        registration: Registration,
        inbound: InboundCalls,
        answers: CallAnswers,
        sinks: Mapping[IngestRpc, ItemSink],
        channel: FrameChannel,
        message_log: MessageLog,
        reports: StationReports,
        outgoing: OutgoingCalls,
        late: LateTurns,
        tasks: SessionTasks,
        count: Callable[[str, str], None],
    ) -> None:
        self.queue = InboundCallQueue(
            serve=self._serve, pause_reading=channel.pause_reading, resume_reading=channel.resume_reading
        )
        self._station_id = station_id
        self._registration = registration
        self._inbound = inbound
        self._answers = answers
        self._sinks = sinks
        self._channel = channel
        self._message_log = message_log
        self._reports = reports
        self._outgoing = outgoing
        self._late = late
        self._has_turn = False  # of the late messages
        self._tasks = tasks
        self._count = count
        self._loop = asyncio.get_running_loop()
        self._has_called = False

    def take(self, received: ReceivedCall) -> None:
        """Queues a CALL, and serves it now or after those before it; one that is in service is not served again."""
        call = received.call
        if not self._has_called:
            self._on_first_call(call)
        earlier = self.queue.open_data(call.message_id)
        if earlier is not None:
            is_repeated = earlier == received.data
            self._reports.note_quirk(QuirkName.REPEATED_CALL if is_repeated else QuirkName.MESSAGE_ID_REUSED)
            if is_repeated:  # quirk 19: one call, one answer
                return
        self.queue.add(received)

    def _on_first_call(self, call: Call) -> None:
        self._has_called = True
        # A station that was accepted may continue without a boot: 1.6 section 4.2 requires one after a (re)boot only.
        if call.action != "BootNotification" and not self._registration.accepted:
            self._reports.note_quirk(QuirkName.NO_BOOT_NOTIFICATION)

    def _serve(self, received: ReceivedCall) -> None:
        if received.call.action == "BootNotification":
            self._outgoing.begin_boot()
        if self._message_log.backlogged:
            self._tasks.start(self._plan_once_logged(received))
        else:
            self._plan(received)

    async def _plan_once_logged(self, received: ReceivedCall) -> None:
        await self._message_log.wait_for_capacity()
        self._plan(received)

    def _plan(self, received: ReceivedCall) -> None:
        if len(received.data) > LARGE_BYTES:
            self._tasks.start(self._plan_in_thread(received))
            return
        try:
            plan = self._inbound.plan(received.call, received.ordinal, received.time_us, received.data)
        except Exception as error:
            self._refuse(received.call, error)
        else:
            self._send_items(received.call, plan)

    async def _plan_in_thread(self, received: ReceivedCall) -> None:
        try:
            plan = await run_in_thread(
                self._inbound.plan, received.call, received.ordinal, received.time_us, received.data
            )
        except Exception as error:
            self._refuse(received.call, error)
        else:
            self._send_items(received.call, plan)

    def _send_items(self, call: Call, plan: CallPlan) -> None:
        if plan.is_late:
            self._late.take(partial(self._send_late_items, call, plan))
        else:
            self._send_items_now(call, plan)

    def _send_late_items(self, call: Call, plan: CallPlan) -> None:
        self._has_turn = True
        self._send_items_now(call, plan)

    def _end_turn(self) -> None:
        if self._has_turn:
            self._has_turn = False
            self._late.give_back()

    def _send_items_now(self, call: Call, plan: CallPlan) -> None:
        try:
            if plan.items:
                # The station waits since now, and all that is sent for one CALL has its budget.
                begun_s = self._loop.time()
                ingest_plan.submit(plan, self._sinks, partial(self._on_results, call, plan, begun_s), now_s=begun_s)
                return
        except Exception as error:
            self._refuse(call, error)
        else:
            self._on_results(call, plan, 0.0, {})

    def _on_results(self, call: Call, plan: CallPlan, begun_s: float, results: Results | None) -> None:
        """`results` has a result for each item of the plan; None where a service was unavailable for too long."""
        try:
            if results is None:
                self._tasks.start(self._give_up(call))
            elif plan.has_follow_up and (further := self._inbound.follow_up(plan, results)) is not None:
                on_results = partial(self._on_results, call, further, begun_s)
                ingest_plan.submit(further, self._sinks, on_results, now_s=begun_s)
            else:
                self._answer(call, plan, results)
        except Exception as error:
            self._end_turn()
            self._tasks.break_off(error)

    def _answer(self, call: Call, plan: CallPlan, results: Results) -> None:
        if len(results) < len(plan.items):
            missing = [str(name) for name in plan.items if name not in results]
            log.warning("answered without", lanes=missing, station_id=self._station_id)
        try:
            data = frames.encode_result(call.message_id, self._answers.to_payload(plan, results))
        except Exception as error:
            self._refuse(call, error)
        else:
            self._reply(call, data, frames.CALL_RESULT)

    def _refuse(self, call: Call, error: Exception) -> None:
        if isinstance(error, RefusalError):
            code, description = error.code, error.description
        else:
            log.error("handler failed", station_id=self._station_id, action=call.action, exc_info=error)
            code, description = INTERNAL_ERROR, "the message could not be processed"
        self._count("refused", code)
        if call.action == "BootNotification":
            self._registration.boot_watch.refuse(code, description)
        self._reply(call, frames.encode_error(call.message_id, code, description), frames.CALL_ERROR)

    async def _give_up(self, call: Call) -> None:
        # An offline station keeps its messages; one that gets errors drops them: see
        # docs/DESIGN.md, "When a service is unavailable".
        log.warning("service unavailable for too long: closing", station_id=self._station_id, action=call.action)
        self._end_turn()
        try:
            await self._channel.close(SERVICE_UNAVAILABLE, "service unavailable, try again later")
        finally:
            self.queue.answered()

    def _reply(self, call: Call, data: bytes, kind: int) -> None:
        self._end_turn()
        is_read = call.unconfirmed or self._channel.answer(data, kind, call.message_id, call.action)
        if call.action == "BootNotification":
            self._outgoing.end_boot()
        if is_read:
            self.queue.answered()
        else:
            self._tasks.start(self._go_on_once_read())

    async def _go_on_once_read(self) -> None:
        try:
            await self._channel.wait_until_read()
        finally:
            self.queue.answered()
