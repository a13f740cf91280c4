"""Answers frames that are no OCPP messages (OCPP-J, section 4), within the station's budget for them."""

from collections.abc import Callable

from gateway.connection.frame_channel import FrameChannel
from gateway.connection.inbound_call_handler import CallHandler
from gateway.connection.inbound_call_queue import ReceivedCall
from gateway.connection.inbound_calls import InboundCalls
from gateway.connection.outbound_calls import OutgoingCalls
from gateway.connection.session_tasks import SessionTasks
from gateway.connection.station_budgets import StationBudgets
from gateway.connection.station_reports import StationReports
from gateway.ocpp import frames
from gateway.ocpp.frames import Malformed
from gateway.ocpp.versions import OcppVersion
from mesh.contract.quirk_names import QuirkName

POLICY_VIOLATION = 1008


class MalformedFrames:
    """Handles the malformed frames of one connection.

    A CALL about a transaction whose frame was truncated is served like others. A station with too many malformed frames
    is refused: its connection is closed, and no further frame of it is handled (`is_station_refused`).
    """

    def __init__(
        self,
        *,
        ocpp: OcppVersion,
        inbound: InboundCalls,
        calls: CallHandler,
        outgoing: OutgoingCalls,
        channel: FrameChannel,
        reports: StationReports,
        budgets: StationBudgets,
        tasks: SessionTasks,
        count: Callable[[str, str], None],
    ) -> None:
        self.is_station_refused = False
        self._ocpp = ocpp
        self._inbound = inbound
        self._calls = calls
        self._outgoing = outgoing
        self._channel = channel
        self._reports = reports
        self._budgets = budgets
        self._tasks = tasks
        self._count = count

    def take(self, frame: Malformed, data: bytes, ordinal: int, now_us: int) -> None:
        """Handles a malformed frame; answers it where OCPP-J requires an answer."""
        self._reports.note_quirk(QuirkName.MALFORMED_FRAME)
        if frame.truncated is not None and self._inbound.is_about_transactions(frame.truncated.action):
            self._calls.take(ReceivedCall(frame.truncated, data, ordinal, now_us))  # kept raw, and acknowledged
            return
        if not self._budgets.bear_malformed(len(data), now_us):
            self._refuse_station()
            return
        message_id = frame.message_id
        if not frame.wants_answer and message_id is not None:
            self._outgoing.fail_pending(message_id, frame.description)
        if message_id is None:
            message_id = self._ocpp.unreadable_id
        if frame.wants_answer and message_id is not None:
            error = frames.encode_error(message_id, frame.code, frame.description)
            if not self._channel.answer(error, frames.CALL_ERROR, message_id, ""):
                self._channel.pause_reading()
                self._tasks.start(self._resume_once_read())

    def _refuse_station(self) -> None:
        self._count("refused", "TooManyMalformedFrames")
        self.is_station_refused = True
        self._tasks.start(self._channel.close(POLICY_VIOLATION, "too many frames that are no OCPP messages"))

    async def _resume_once_read(self) -> None:
        if await self._channel.wait_until_read():
            self._channel.resume_reading()
