"""Dispatches the frames of one socket: each is numbered, parsed and logged, and passed to its handler.

A CALL goes to `CallHandler.take`, whose module lists the further steps; an answer of the station goes to
`OutgoingCalls.resolve`, for the call that waits for it; any other frame goes to `MalformedFrames.take`. Receiving never
waits for a handler, so a handler may call the station that it serves (docs/DESIGN.md, "Independent queues").
"""

from collections.abc import Callable

from gateway.connection.call_handler import CallHandler
from gateway.connection.frame_channel import FrameChannel
from gateway.connection.inbound_queue import ReceivedCall
from gateway.connection.large_frames import LARGE_BYTES, run_in_thread
from gateway.connection.liveness import Liveness
from gateway.connection.malformed_frames import MalformedFrames
from gateway.connection.outgoing import OutgoingCalls
from gateway.connection.refusal import INTERNAL_ERROR
from gateway.connection.session_tasks import SessionTasks
from gateway.connection.station_reports import StationReports
from gateway.message_log.message_log import RECEIVED, MessageLog, to_loggable
from gateway.ocpp import frames
from gateway.ocpp.frames import Call, CallError, CallResult, Frame, Malformed, Mended
from gateway.ocpp.versions import OcppVersion
from mesh.runtime.logs import get_logger
from mesh.runtime.times import Clock

log = get_logger(__name__)


class FrameDispatcher:
    """The receiving end of one connection."""

    def __init__(
        self,
        *,
        station_id: str,
        ocpp: OcppVersion,
        channel: FrameChannel,
        message_log: MessageLog,
        liveness: Liveness,
        reports: StationReports,
        calls: CallHandler,
        outgoing: OutgoingCalls,
        malformed: MalformedFrames,
        tasks: SessionTasks,
        clock: Clock,
        count: Callable[[str, str], None],
    ) -> None:
        self._station_id = station_id
        self._ocpp = ocpp
        self._channel = channel
        self._message_log = message_log
        self._liveness = liveness
        self._reports = reports
        self._calls = calls
        self._outgoing = outgoing
        self._malformed = malformed
        self._tasks = tasks
        self._clock = clock
        self._count = count

    def receive(self, data: bytes) -> None:
        """Takes a message of the station. Never waits, never raises; a flood of CALLs makes the socket hold back."""
        if self._malformed.is_station_refused:
            return
        now_us = self._clock()
        self._liveness.on_frame(now_us)
        ordinal = self._channel.number()
        if len(data) > LARGE_BYTES:
            self._channel.pause_reading()  # what follows stays behind it
            self._tasks.start(self._receive_large(data, ordinal, now_us))
            return
        try:
            self._dispatch(frames.parse(data, self._ocpp), data, ordinal, now_us)
        except Exception as error:
            self._on_failure(error)

    async def _receive_large(self, data: bytes, ordinal: int, now_us: int) -> None:
        try:
            frame = await run_in_thread(frames.parse, data, self._ocpp)
            loggable = await run_in_thread(to_loggable, data)
            self._dispatch(frame, data, ordinal, now_us, loggable)
        except Exception as error:
            self._on_failure(error)
        finally:
            self._channel.resume_reading()

    def _on_failure(self, error: Exception) -> None:
        log.error("frame not understood", station_id=self._station_id, exc_info=error)
        self._count("refused", INTERNAL_ERROR)

    def _dispatch(self, frame: Frame, data: bytes, ordinal: int, now_us: int, loggable: bytes | None = None) -> None:
        add_to_log = self._message_log.add
        if isinstance(frame, Call):
            kind = frames.SEND if frame.unconfirmed else frames.CALL
            add_to_log(RECEIVED, ordinal, now_us, data, kind, frame.message_id or "", frame.action, loggable)
            self._calls.take(ReceivedCall(frame, data, ordinal, now_us))
        elif isinstance(frame, Malformed):
            add_to_log(RECEIVED, ordinal, now_us, data, 0, frame.message_id or "", "", loggable)
            self._malformed.take(frame, data, ordinal, now_us)
        elif isinstance(frame, Mended):
            for quirk in frame.quirks:
                self._reports.note_quirk(quirk)
            self._dispatch(frame.frame, data, ordinal, now_us, loggable)
        else:
            action = self._outgoing.resolve(frame, data) or ""
            add_to_log(RECEIVED, ordinal, now_us, data, _kind_of(frame), frame.message_id or "", action, loggable)
            if not action:
                self._count("answer", "unexpected")


def _kind_of(frame: CallResult | CallError) -> int:
    return frames.CALL_RESULT if isinstance(frame, CallResult) else frames.CALL_ERROR
