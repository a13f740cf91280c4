"""One station's connection: socket ↔ OCPP-J ↔ translators ↔ lanes.

Receiving never waits for a handler: CALLs go into an inbox that one worker empties in order, answers go to whoever
waits for them, so a handler may call the station it is serving (design 4.5). What needs no service is answered on the
spot.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from csms.common.v1 import origin_pb2
from csms.station.v1 import station_ingest_service_pb2, station_pb2

from gateway import ocppj
from gateway.lanes import Lane, LaneUnavailableError
from gateway.ocppj import Call, CallError, CallResult, Frame, Malformed, Payload
from gateway.outgoing import OutgoingCalls
from gateway.recorder import RECEIVED, SENT, Recorder
from gateway.schemas import SchemaFault, Schemas
from gateway.translation import Inbound, Items, LaneName, Results, UnacceptableError, Version
from gateway.values import set_time
from mesh.logs import get_logger
from mesh.times import Clock

log = get_logger(__name__)

# How long a station waits for an answer before it gives up, by its usual settings; lanes try for as long.
STATION_BUDGET_S = 20.0
# What is only asked beside a message (is this token still good?) is not waited for as long.
OPTIONAL_BUDGET_S = 5.0
# CALLs that a station may send ahead of our answers, though the standard allows one; beyond it the socket is not read.
INBOX_SIZE = 16

SERVICE_UNAVAILABLE = 1013  # "try again later", RFC 6455 and its registry
INTERNAL_ERROR = "InternalError"


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
        lanes: Mapping[LaneName, Lane[Any, Any]],
        recorder: Recorder,
        clock: Clock,
        count: Callable[[str, str], None],
    ) -> None:
        self.connection = connection
        self.version = version
        self.schemas = schemas
        self.last_seen_us = self.last_alive_us = self.pinged_us = clock()
        self.heartbeat_interval_s = connection.heartbeat_interval_s
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
        self._accepted = (
            connection.booted and connection.registration_status == station_pb2.REGISTRATION_STATUS_ACCEPTED
        )
        self._invited: set[str] = set()
        self._inbox: deque[tuple[Call, origin_pb2.Origin]] = deque()
        self._open_calls: dict[str, bytes] = {}
        self._held = False
        self._worker: asyncio.Task[None] | None = None
        self._waiting: asyncio.Task[None] | None = None

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
        self._socket.ask_for_pong()

    def on_pong(self) -> None:
        """The station answered a ping."""
        self.last_alive_us = self._clock()

    async def finish(self, timeout_s: float) -> None:
        """Waits until the CALLs that were read are answered, for at most `timeout_s` seconds."""
        if self._worker is not None:
            await asyncio.wait([self._worker], timeout=timeout_s)

    async def call(self, action: str, payload: Payload, *, timeout_s: float) -> Any:
        """Sends the station a CALL and returns the payload of its answer. See OutgoingCalls.call."""
        if action == "TriggerMessage":
            # What a pending station was asked for it may send (OCPP 2.0.1, B02.FR.06).
            self._invited.add(str(payload.get("requestedMessage")))
        return await self.outgoing.call(action, payload, timeout_s=timeout_s)

    def note_quirk(self, name: str) -> None:
        """Counts a known fault of the station's software."""
        self.quirks[name] += 1
        self._count("quirk", name)

    def take_quirks(self) -> dict[str, int]:
        """The faults met since the last call, and the frames that found no place in the log."""
        left_out, self._recorder.left_out = self._recorder.left_out, 0
        if left_out:
            self.quirks["frames_not_logged"] += left_out
        quirks = dict(self.quirks)
        self.quirks.clear()
        return quirks

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
        if self._worker is None and self._answer_on_the_spot(call):
            return
        if self._open_calls.get(call.message_id) == data:
            self.note_quirk("repeated_call")  # quirk 19: one call, one answer
            return
        self._open_calls[call.message_id] = data
        self._inbox.append((call, self._origin(now_us)))
        if len(self._inbox) >= INBOX_SIZE:
            self._held = True
            self._socket.hold()
        if self._worker is None:
            self._worker = self._loop.create_task(self._work())

    def _answer_on_the_spot(self, call: Call) -> bool:
        """Answers what needs no service (a heartbeat) without a task, where nothing waits before it."""
        route = self.version.inbound.get(call.action)
        if (
            route is None
            or route.to_items is not None
            or not self._accepted
            or self.blocked_since_s is not None
            or call.unconfirmed
        ):
            return False
        accepted = self.schemas.accept(call.action, call.payload)
        if isinstance(accepted, SchemaFault) or accepted.quirks:
            return False
        response = route.to_response(accepted.payload, {}, self._clock())
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
        self.note_quirk("malformed_frame")
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
                call, origin = self._inbox.popleft()
                try:
                    await self._serve(call, origin)
                finally:
                    self._open_calls.pop(call.message_id, None)
                    if self._held and len(self._inbox) < INBOX_SIZE:
                        self._held = False
                        self._socket.resume()
        finally:
            self._worker = None

    async def _serve(self, call: Call, origin: origin_pb2.Origin) -> None:
        """Handles one CALL and answers it; where our services are away for too long, closes the socket instead."""
        try:
            response = await self._handle(call, origin)
        except _RefusalError as refusal:
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

    async def _handle(self, call: Call, origin: origin_pb2.Origin) -> Payload:
        route = self._route(call.action)
        payload = self._accept(call)
        if route.to_items is None:
            return route.to_response(payload, {}, self._clock())
        try:
            items = route.to_items(payload, origin)
        except UnacceptableError as error:
            raise _RefusalError(error.code, f"{error.field}: {error}") from error
        results = await self._submit(items, route)
        self._check(results, route)
        return route.to_response(payload, results, self._clock())

    def _route(self, action: str) -> Inbound:
        route = self.version.inbound.get(action)
        if route is None:
            if action in self.schemas.actions:
                raise _RefusalError("NotImplemented", f"{action} is not implemented by this central system")
            raise _RefusalError("NotSupported", f"OCPP {self.version.label} has no action of this name")
        if not self._accepted and action != "BootNotification" and action not in self._invited:
            raise _RefusalError("SecurityError", "the station is not accepted yet: send BootNotification first")
        return route

    def _accept(self, call: Call) -> Payload:
        accepted = self.schemas.accept(call.action, call.payload)
        if isinstance(accepted, SchemaFault):
            raise _RefusalError(accepted.code, accepted.message)
        for quirk in accepted.quirks:
            self.note_quirk(quirk)
        return accepted.payload

    async def _submit(self, items: Items, route: Inbound) -> Results:
        """Sends items down their lanes, all at once, and waits for them all."""
        now_s = self._loop.time()
        waiting = {}
        for name, item in items.items():
            budget_s = OPTIONAL_BUDGET_S if name in route.optional else STATION_BUDGET_S
            waiting[name] = self._lanes[name].submit(item, deadline_s=now_s + budget_s)
        results = {}
        for name, result in waiting.items():
            try:
                results[name] = await result
            except LaneUnavailableError:
                if name not in route.optional:
                    raise
                log.warning("answered without", lane=name, station_id=self.connection.station_id)
        return results

    def _check(self, results: Results, route: Inbound) -> None:
        boot = results.get(LaneName.BOOTS)
        for name, result in results.items():
            if not result.HasField("error"):
                continue
            log.warning("item refused", lane=name, station_id=self.connection.station_id)
            self._count("item_refused", name)
            # A message of money that failed for its content is kept by its service, and acknowledged (design 2).
            if not route.durable:
                raise _RefusalError(INTERNAL_ERROR, "the message could not be stored")
        if isinstance(boot, station_ingest_service_pb2.BootResult):
            self._accepted = boot.registration_status == station_pb2.REGISTRATION_STATUS_ACCEPTED
            self.heartbeat_interval_s = boot.interval_s
            self._invited.clear()

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


class _RefusalError(Exception):
    """A CALL is answered with a CALLERROR."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(code)
        self.code = code
        self.description = description
