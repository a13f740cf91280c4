"""One station's connection: socket ↔ OCPP-J ↔ translators ↔ batchers.

A session consists of parts, each of which has a module: `frame_dispatcher.py` receives the station's frames,
`inbound_call_handler.py` serves its CALLs (its docstring has the steps of a CALL), `frame_channel.py` writes,
`outbound_calls.py` calls the station, `keepalive.py` finds out whether it still responds.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from csms.station.v1 import station_pb2

from gateway.batching.sinks import ItemSink
from gateway.connection.frame_channel import FrameChannel, Socket, SocketClosedError
from gateway.connection.frame_dispatcher import FrameDispatcher
from gateway.connection.frame_linger import FrameLinger
from gateway.connection.inbound_call_answers import CallAnswers
from gateway.connection.inbound_call_handler import CallHandler
from gateway.connection.inbound_calls import InboundCalls
from gateway.connection.keepalive import Keepalive
from gateway.connection.late_turns import LateTurns
from gateway.connection.liveness import Liveness
from gateway.connection.malformed_frames import MalformedFrames
from gateway.connection.outbound_calls import Answer, OutgoingCalls
from gateway.connection.registration import Registration
from gateway.connection.session_tasks import SessionTasks
from gateway.connection.station_budgets import StationBudgets
from gateway.connection.station_reports import BOOT_REFUSED, CLOCK_SKEW, UNRESPONSIVE, PresentConditions, StationReports
from gateway.connection.tenant_rates import TenantRate
from gateway.message_log.message_log import MessageLog
from gateway.ocpp import frames
from gateway.ocpp.frames import Payload
from gateway.ocpp.schemas import Schemas
from gateway.ocpp.served_version import ServedVersion
from gateway.ocpp.translation import IngestRpc, Routes
from gateway.ocpp.triggers import triggered_actions
from mesh.contract.quirk_names import QuirkName
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.times import SECOND_US, Clock

StationKey = tuple[str, str]
"""Tenant and station id."""


@dataclass(frozen=True, kw_only=True)
class Connection:
    """Identity of the station and of the connection, from its admission."""

    station_id: str
    tenant_id: str
    epoch: int
    registration_status: station_pb2.RegistrationStatus.ValueType
    booted: bool
    heartbeat_interval_s: int
    quirks: Sequence[str] = ()  # quirks of its handshake

    @property
    def station(self) -> StationKey:
        """The station's key."""
        return self.tenant_id, self.station_id

    @property
    def is_accepted(self) -> bool:
        """Whether its last boot, on this connection or an earlier one, was accepted."""
        return self.booted and self.registration_status == station_pb2.REGISTRATION_STATUS_ACCEPTED


class Session:
    """One connection from its opening to its close.

    The socket's messages arrive by `receive`, its end by `closed`; `call` sends the station a command.
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
        linger: FrameLinger,
        clock: Clock,
        count: Callable[[str, str], None],
        others: Sequence[ServedVersion] = (),
        rate: TenantRate | None = None,
        late: LateTurns | None = None,
    ) -> None:
        self.connection = connection
        self.routes = routes
        self.schemas = schemas
        self.liveness = Liveness(clock())
        self.reports = StationReports(count=count, quirks=connection.quirks)
        self.keepalive = Keepalive(socket=socket, liveness=self.liveness, reports=self.reports, clock=clock)
        self.outgoing = OutgoingCalls(prefix=f"{connection.epoch:x}", send=self._send_call)
        self.registration = Registration(
            accepted=connection.is_accepted, heartbeat_interval_s=connection.heartbeat_interval_s
        )
        self._socket = socket
        self._rate = rate or TenantRate()
        self._clock = clock
        self._count = count
        self._message_log = message_log
        self._tasks = SessionTasks(station_id=connection.station_id, abort=socket.abort)
        self._channel = FrameChannel(
            socket=socket, message_log=message_log, liveness=self.liveness, tasks=self._tasks, clock=clock
        )
        self._inbound = self._make_inbound(others=others, budgets=budgets)
        calls = self._make_call_handler(sinks=sinks, late=late or LateTurns(), clock=clock, count=count)
        self._inbound_queue = calls.queue
        self._dispatcher = self._make_dispatcher(calls=calls, budgets=budgets, linger=linger, clock=clock, count=count)

    def _make_inbound(self, *, others: Sequence[ServedVersion], budgets: StationBudgets) -> InboundCalls:
        return InboundCalls(
            tenant_id=self.connection.tenant_id,
            station_id=self.connection.station_id,
            epoch=self.connection.epoch,
            served=ServedVersion(self.routes, self.schemas),
            others=others,
            registration=self.registration,
            note_quirk=self.reports.note_quirk_from_anywhere,
            allow_transfer=budgets.allow_transfer,
        )

    def _make_call_handler(
        self,
        *,
        sinks: Mapping[IngestRpc, ItemSink],
        late: LateTurns,
        clock: Clock,
        count: Callable[[str, str], None],
    ) -> CallHandler:
        answers = CallAnswers(
            station_id=self.connection.station_id,
            registration=self.registration,
            clock=clock,
            count=count,
            note_quirk=self.reports.note_quirk,
        )
        return CallHandler(
            station_id=self.connection.station_id,
            registration=self.registration,
            inbound=self._inbound,
            answers=answers,
            sinks=sinks,
            channel=self._channel,
            message_log=self._message_log,
            reports=self.reports,
            outgoing=self.outgoing,
            late=late,
            tasks=self._tasks,
            count=count,
        )

    def _make_dispatcher(
        self,
        *,
        calls: CallHandler,
        budgets: StationBudgets,
        linger: FrameLinger,
        clock: Clock,
        count: Callable[[str, str], None],
    ) -> FrameDispatcher:
        malformed = MalformedFrames(
            ocpp=self.routes.ocpp,
            inbound=self._inbound,
            calls=calls,
            outgoing=self.outgoing,
            channel=self._channel,
            reports=self.reports,
            budgets=budgets,
            tasks=self._tasks,
            count=count,
        )
        return FrameDispatcher(
            station_id=self.connection.station_id,
            ocpp=self.routes.ocpp,
            channel=self._channel,
            message_log=self._message_log,
            liveness=self.liveness,
            reports=self.reports,
            calls=calls,
            outgoing=self.outgoing,
            malformed=malformed,
            tasks=self._tasks,
            linger=linger,
            clock=clock,
            count=count,
        )

    # From the socket

    def receive(self, data: bytes) -> None:
        """Takes a message of the station. Never waits, never raises; a flood of CALLs makes the socket hold back."""
        self._dispatcher.receive(data)
        if self._rate.is_limited:
            self._keep_to_rate()

    def _keep_to_rate(self) -> None:
        """Reads no more for a moment, where the tenant's stations send more than its quota allows."""
        delay_us = self._rate.take(self._clock())
        if delay_us:
            self._count("tenant_quota", "delayed")
            self._channel.pause_reading()
            asyncio.get_running_loop().call_later(delay_us / SECOND_US, self._channel.resume_reading)

    def on_pong(self) -> None:
        """The station answered a ping."""
        self.keepalive.on_pong()

    def on_write_paused(self, paused: bool, /) -> None:
        """The far end does not read what it is sent, or reads it again."""
        self.keepalive.on_write_paused(paused)

    def closed(self) -> None:
        """The socket is closed: calls that wait for an answer of the station fail."""
        self._dispatcher.flush()
        self.outgoing.close()

    # To the station

    async def call(self, action: str, payload: Payload, *, timeout_s: float) -> Answer:
        """Sends the station a CALL and returns its answer. See OutgoingCalls.call."""
        self.registration.allow_triggered(triggered_actions(action, payload))
        try:
            return await self.outgoing.call(action, payload, timeout_s=timeout_s)
        except MeshError as error:
            if error.reason is Reason.CALL_TIMEOUT:
                self.reports.note_quirk(QuirkName.CALL_UNANSWERED)
                self.liveness.look_again()
            raise

    async def _send_call(self, data: bytes, message_id: str, action: str) -> None:
        try:
            await self._channel.send(data, frames.CALL, message_id, action)
        except SocketClosedError:
            self.outgoing.close()

    async def finish(self, timeout_s: float) -> None:
        """Waits until the CALLs that were read are answered, for at most `timeout_s` seconds."""
        self._dispatcher.flush()
        await self._inbound_queue.finish(timeout_s)

    async def close(self, code: int, reason: str) -> None:
        """Closes the connection; a CALL that is being served continues, and its answer is lost."""
        await self._socket.close(code, reason)

    def abort(self) -> None:
        """Drops the connection without a closing handshake: the far end has vanished, or does not read."""
        self._socket.abort()

    # For operators

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
            CLOCK_SKEW: self._inbound.clock_watch.skew_s,
            BOOT_REFUSED: self.registration.boot_watch.refused,
        }
