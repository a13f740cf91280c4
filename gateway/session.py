"""One station's connection: socket ↔ OCPP-J ↔ translators ↔ lanes.

Receiving never waits for a handler: CALLs go into an inbox that one worker empties in order, answers go to whoever
waits for them, so a handler may call the station it is serving (design 4.5). What needs no service is answered on the
spot.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from csms.common.v1 import origin_pb2
from csms.station.v1 import station_pb2

from gateway import ocppj
from gateway.inbound import INTERNAL_ERROR, Dialect, InboundCalls, RefusalError
from gateway.lanes import LaneUnavailableError, Way
from gateway.ocppj import Call, CallError, CallResult, Frame, Malformed, Payload
from gateway.outgoing import OutgoingCalls
from gateway.recorder import RECEIVED, SENT, Recorder
from gateway.schemas import Schemas
from gateway.translation import LaneName, Version
from gateway.triggers import invited
from gateway.values import set_time
from mesh.errors import MeshError
from mesh.logs import get_logger
from mesh.quirks import QuirkName
from mesh.times import SECOND_US, Clock

log = get_logger(__name__)

# CALLs that a station may send ahead of our answers, though the standard allows one; beyond it the socket is not read.
INBOX_SIZE = 16
INBOX_BYTES = 1024 * 1024
# A frame that comes this long after a ping that had no pong shows that the station answers none.
PONG_WITHIN_US = 10 * SECOND_US

SERVICE_UNAVAILABLE = 1013  # "try again later", RFC 6455 and its registry

UNRESPONSIVE = station_pb2.STATION_CONDITION_TYPE_UNRESPONSIVE
CLOCK_SKEW = station_pb2.STATION_CONDITION_TYPE_CLOCK_SKEW
Conditions = dict[station_pb2.StationConditionType.ValueType, int]
"""Sizes of what may be wrong with a station, as in csms.station.v1.ConditionReport."""


class Socket(Protocol):
    """The WebSocket, as far as a session needs it; it gives each message to `Session.receive`."""

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
        self._clock = clock
        self._count = count
        self._loop = asyncio.get_running_loop()
        self._ordinal = 0
        self._origin_prototype = origin_pb2.Origin(
            tenant_id=connection.tenant_id, station_id=connection.station_id, epoch=connection.epoch
        )
        accepted = connection.registration_status == station_pb2.REGISTRATION_STATUS_ACCEPTED
        self.inbound = InboundCalls(
            station_id=connection.station_id,
            dialect=(version, schemas),
            others=others,
            lanes=lanes,
            accepted=connection.booted and accepted,
            heartbeat_interval_s=connection.heartbeat_interval_s,
            clock=clock,
            count=count,
            note_quirk=self.note_quirk,
        )
        self._told: Conditions = {}
        self._greeted = False
        self._awaits_pong = self._is_mute = False
        self._inbox: deque[tuple[Call, origin_pb2.Origin, int]] = deque()
        self._inbox_bytes = 0
        self._open_calls: dict[str, bytes] = {}
        self._held = False
        self._worker: asyncio.Task[None] | None = None
        self._waiting: asyncio.Task[None] | None = None
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
        if self._worker is not None:
            await asyncio.wait([self._worker], timeout=timeout_s)

    async def call(self, action: str, payload: Payload, *, timeout_s: float) -> Any:
        """Sends the station a CALL and returns the payload of its answer. See OutgoingCalls.call."""
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
        present = {UNRESPONSIVE: self.outgoing.unanswered, CLOCK_SKEW: self.inbound.clock_watch.skew_s}
        return {kind: size for kind, size in present.items() if size is not None and size != self._told.get(kind)}

    def take_conditions(self) -> Conditions:
        """The same, told from now on."""
        news = self.conditions()
        self._told |= news
        return news

    # What comes in

    def receive(self, data: bytes) -> None:
        """Takes a message of the station. Never waits, never raises; a flood of CALLs makes the socket hold back."""
        try:
            self._on_frame(data)
        except Exception:
            log.exception("frame not understood", station_id=self.connection.station_id)
            self._count("refused", INTERNAL_ERROR)

    def _on_frame(self, data: bytes) -> None:
        now_us = self._clock()
        self.last_seen_us = self.last_alive_us = now_us
        self._ordinal += 1
        frame = ocppj.parse(data, self.version.label)
        if isinstance(frame, Call):
            self._log(now_us, data, ocppj.SEND if frame.unconfirmed else ocppj.CALL, frame, frame.action)
            self._on_call(frame, data, now_us)
        elif isinstance(frame, Malformed):
            self._log(now_us, data, 0, frame)
            self._on_malformed(frame)
        else:
            self._on_answer(frame, data, now_us)

    def _on_call(self, call: Call, data: bytes, now_us: int) -> None:
        if not self._greeted:
            self._greeted = True
            if call.action != "BootNotification":
                self.note_quirk(QuirkName.NO_BOOT_NOTIFICATION)
        if self._worker is None and self._answer_on_the_spot(call):
            return
        if (earlier := self._open_calls.get(call.message_id)) is not None:
            self.note_quirk(QuirkName.REPEATED_CALL if earlier == data else QuirkName.MESSAGE_ID_REUSED)
            if earlier == data:  # quirk 19: one call, one answer
                return
        self._open_calls[call.message_id] = data
        self._inbox.append((call, self._origin(now_us), len(data)))
        self._inbox_bytes += len(data)
        if self._is_full():
            self._held = True
            self._socket.hold()
        if self._worker is None:
            self._worker = self._loop.create_task(self._work())

    def _is_full(self) -> bool:
        return len(self._inbox) >= INBOX_SIZE or self._inbox_bytes >= INBOX_BYTES

    def _answer_on_the_spot(self, call: Call) -> bool:
        """Answers what needs no service (a heartbeat) without a task, where nothing waits before it."""
        if self.blocked_since_s is not None or call.unconfirmed or self._recorder.crowded:
            return False
        response = self.inbound.answer_on_the_spot(call)
        if response is None:
            return False
        data = ocppj.encode_result(call.message_id, response)
        self._answer_now(data, ocppj.CALL_RESULT, call.message_id, call.action)
        return True

    def _on_answer(self, frame: CallResult | CallError, data: bytes, now_us: int) -> None:
        action = self.outgoing.resolve(frame) or ""
        kind = ocppj.CALL_RESULT if isinstance(frame, CallResult) else ocppj.CALL_ERROR
        self._log(now_us, data, kind, frame, action)
        if not action:
            self._count("answer", "unexpected")

    def _on_malformed(self, frame: Malformed) -> None:
        self.note_quirk(QuirkName.MALFORMED_FRAME)
        message_id = frame.message_id
        if not frame.wants_answer and message_id is not None:
            self.outgoing.spoil(message_id, frame.description)
        if message_id is None and self.version.label != "1.6":
            message_id = ocppj.UNREADABLE_ID
        if frame.wants_answer and message_id is not None:
            error = ocppj.encode_error(message_id, frame.code, frame.description)
            self._answer_now(error, ocppj.CALL_ERROR, message_id, "")

    # What is done about it

    async def _work(self) -> None:
        try:
            while self._inbox:
                call, origin, size = self._inbox.popleft()
                self._inbox_bytes -= size
                try:
                    if self._recorder.crowded:
                        await self._recorder.room()
                    await self._serve(call, origin)
                finally:
                    self._open_calls.pop(call.message_id, None)
                    if self._held and not self._is_full():
                        self._held = False
                        self._socket.resume()
        finally:
            self._worker = None

    async def _serve(self, call: Call, origin: origin_pb2.Origin) -> None:
        """Handles one CALL and answers it; where our services are away for too long, closes the socket instead."""
        try:
            response = await self.inbound.handle(call, origin)
        except RefusalError as refusal:
            kind, data = ocppj.CALL_ERROR, ocppj.encode_error(call.message_id, refusal.code, refusal.description)
            self._count("refused", refusal.code)
        except LaneUnavailableError:
            # An offline station keeps its messages; one that gets errors throws them away (design 2).
            log.warning("service away for too long: closing", station_id=self.connection.station_id, action=call.action)
            await self.close(SERVICE_UNAVAILABLE, "service unavailable, try again later")
            return
        except Exception:
            log.exception("handler failed", station_id=self.connection.station_id, action=call.action)
            self._count("refused", INTERNAL_ERROR)
            kind = ocppj.CALL_ERROR
            data = ocppj.encode_error(call.message_id, INTERNAL_ERROR, "the message could not be processed")
        else:
            kind, data = ocppj.CALL_RESULT, ocppj.encode_result(call.message_id, response)
        if not call.unconfirmed:
            await self._answer(data, kind, call.message_id, call.action)

    # What goes out

    async def _answer(self, data: bytes, kind: int, message_id: str, action: str) -> None:
        # It is safe to lose an answer: the station asks again, and is recognized.
        with suppress(SocketClosedError):
            await self._send(data, kind, message_id, action)

    def _answer_now(self, data: bytes, kind: int, message_id: str, action: str) -> None:
        """Answers without waiting; a station that does not read is not read from either until it does."""
        with suppress(SocketClosedError):
            if not self._write(data, kind, message_id, action):
                self._socket.hold()
                self._waiting = self._loop.create_task(self._resume_once_read())

    async def _resume_once_read(self) -> None:
        with suppress(SocketClosedError):
            await self._drain()
            self._socket.resume()

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

    def _origin(self, now_us: int) -> origin_pb2.Origin:
        origin = origin_pb2.Origin()
        origin.CopyFrom(self._origin_prototype)  # cheaper than naming each field anew
        origin.ordinal = self._ordinal
        set_time(origin.receive_time, now_us)
        return origin

    def _log(self, now_us: int, data: bytes, kind: int, frame: Frame, action: str = "") -> None:
        self._recorder.add(RECEIVED, self._ordinal, now_us, data, kind, frame.message_id or "", action)
