"""Dispatches the frames of one socket: each is numbered, parsed and logged, and passed to its handler.

A CALL goes to `CallHandler.take`, whose module lists the further steps; an answer of the station goes to
`OutgoingCalls.resolve`, for the call that waits for it; any other frame goes to `MalformedFrames.take`. Receiving never
waits for a handler, so a handler may call the station that it serves (docs/DESIGN.md, "Independent queues").
"""

from collections.abc import Callable

from gateway.connection.frame_channel import FrameChannel
from gateway.connection.frame_linger import FrameLinger
from gateway.connection.inbound_call_handler import CallHandler
from gateway.connection.inbound_call_queue import ReceivedCall
from gateway.connection.large_frames import LARGE_BYTES, run_in_thread
from gateway.connection.liveness import Liveness
from gateway.connection.malformed_frames import MalformedFrames
from gateway.connection.outbound_calls import OutgoingCalls
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

# How every CALL begins; one with blanks before its number does not wait.
_CALL = b"[2"
# A frame that comes so soon after one that the station was sent had waited for it. A station that sends so many of them
# in a row has more to send.
_PROMPT_US = 50_000
_MANY_IN_A_ROW = 4


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
        linger: FrameLinger,
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
        self._linger = linger
        self._clock = clock
        self._count = count
        self._in_a_row = 0
        self._is_held = False  # whether a frame waits

    def receive(self, data: bytes) -> None:
        """Takes a message of the station. Never waits, never raises; a flood of CALLs makes the socket hold back."""
        if self._malformed.is_station_refused:
            return
        now_us = self._clock()
        self._liveness.on_frame(now_us)
        ordinal = self._channel.number()
        if self._is_held:
            self._linger.flush()
        if len(data) > LARGE_BYTES:
            self._channel.pause_reading()  # what follows stays behind it
            self._tasks.start(self._receive_large(data, ordinal, now_us))
        elif self._may_wait(data, now_us) and self._linger.should_wait(now_us):
            self._is_held = True
            self._linger.add(self._take, data, ordinal, now_us)
        else:
            self._take(data, ordinal, now_us)

    def flush(self) -> None:
        """Takes a frame that waits, at once."""
        if self._is_held:
            self._linger.flush()

    def _may_wait(self, data: bytes, now_us: int) -> bool:
        self._in_a_row = self._in_a_row + 1 if now_us - self._channel.sent_us < _PROMPT_US else 0
        return self._in_a_row < _MANY_IN_A_ROW and data.startswith(_CALL) and self._calls.queue.is_idle

    def _take(self, data: bytes, ordinal: int, now_us: int) -> None:
        self._is_held = False
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
