"""The WebSocket server: lets stations in and gives each connection its session."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping
from functools import partial
from typing import Any

from csms.station.v1 import station_ingest_service_pb2 as ingest
from csms.transaction.v1.transaction_ingest_service_pb2 import StationEventItem, StationEventResult
from websockets.asyncio.server import Server, ServerConnection, serve

from gateway.batching.background_sink import BackgroundSink
from gateway.batching.buffers import Buffer
from gateway.batching.mesh_client import MeshClient
from gateway.batching.sinks import ItemSink
from gateway.connection.budgets import Budgets
from gateway.connection.ingest_plan import STATION_BUDGET_S
from gateway.connection.last_seen import has_news, take_last_seen
from gateway.connection.registry import Registry
from gateway.connection.session import Connection, Session
from gateway.lease import NodeLease
from gateway.message_log.message_log import MessageLog
from gateway.ocpp.served_version import ServedVersion
from gateway.ocpp.translation import IngestRpc, Routes
from gateway.websocket.admissions import Admissions
from gateway.websocket.client_address import ClientAddresses
from gateway.websocket.closings import Closings
from gateway.websocket.compression import BoundedDeflateFactory
from gateway.websocket.socket import StationSocket
from mesh.contract.quirk_names import QuirkName
from mesh.runtime.logs import get_logger
from mesh.runtime.startup_errors import SettingError
from mesh.runtime.times import Clock

log = get_logger(__name__)

OPEN_TIMEOUT_S = 20.0
CLOSE_TIMEOUT_S = 5.0
# A whole fleet may connect in the same second (quirk 25); the kernel's own limit (somaxconn) applies too.
BACKLOG = 65_535
# A StopTransaction with all the samples of a long day in it must come through: about 1,440 of some 700 bytes.
MAX_FRAME_BYTES = 1024 * 1024
# Small windows without context: compression for stations that request it, without 64 KiB a connection.
DEFLATE = BoundedDeflateFactory(
    server_no_context_takeover=True,
    client_no_context_takeover=True,
    server_max_window_bits=11,
    compress_settings={"memLevel": 4},
)
PROTOCOL_ERROR = 1002
SERVICE_RESTART = 1012  # registry of RFC 6455: the server restarts, come back
REPLACED = 1008  # policy violation: one connection per station


class StationServer:
    """Serves stations on one port. `start`, then `stop`; `close_all` when the node's lease is lost."""

    def __init__(
        self,
        *,
        versions: Mapping[str, ServedVersion],
        mesh: MeshClient,
        registry: Registry,
        messages: Buffer[bytes],
        closings: Buffer[ingest.CloseConnectionItem],
        sightings: Buffer[ingest.Sighting],
        background_reports: Buffer[ingest.ReportItem],
        station_events: Buffer[StationEventItem],
        count: Callable[[str, str], None],
        clock: Clock,
        addresses: ClientAddresses,
        origins: Collection[str] = (),
    ) -> None:
        self._versions = versions  # by sub-protocol, in the order of preference
        self._sinks: Mapping[IngestRpc, ItemSink] = {
            **mesh.batchers,
            IngestRpc.BACKGROUND_REPORTS: BackgroundSink(buffer=background_reports, result=ingest.ReportResult()),
            IngestRpc.STATION_EVENTS: BackgroundSink(buffer=station_events, result=StationEventResult()),
        }
        self._registry = registry
        self._messages = messages
        self._closings = Closings(buffer=closings, clock=clock)
        self._sightings = sightings
        self._count = count
        self._clock = clock
        self._admissions = Admissions(
            versions=versions, mesh=mesh, closings=self._closings, count=count, addresses=addresses, origins=origins
        )
        self._budgets = Budgets()
        self._lease: NodeLease | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._server: Server | None = None

    async def start(self, host: str, port: int, *, lease: NodeLease, shared_port: bool = False) -> int:
        """Listens, and returns the port, which other gateways may share. Raises SettingError where it is in use."""
        self._lease = self._admissions.lease = lease
        try:
            self._server = await serve(
                self._serve,
                host,
                port,
                create_connection=StationSocket,
                process_request=self._admissions.process_request,
                select_subprotocol=self._admissions.select_subprotocol,
                compression=None,  # but for this one
                extensions=[DEFLATE],
                open_timeout=OPEN_TIMEOUT_S,
                close_timeout=CLOSE_TIMEOUT_S,
                # Our own monitor counts any frame as life (quirk 4): connection/keepalive_monitor.py.
                ping_interval=None,
                max_size=MAX_FRAME_BYTES,
                max_queue=4,
                backlog=BACKLOG,
                reuse_port=shared_port,
                server_header=None,
            )
        except OSError as error:
            raise SettingError(
                f"cannot listen on {host}:{port}: {error.strerror}; CSMS_OCPP_PORT chooses another"
            ) from error
        bound: int = next(iter(self._server.sockets)).getsockname()[1]
        return bound

    async def stop(self, *, grace_s: float = 5.0) -> None:
        """Takes no new stations, answers what was read, then closes every socket with 1012."""
        if self._server is None:
            return
        self._admissions.release()
        self._server.close(close_connections=False)
        await asyncio.gather(*(session.finish(grace_s) for session in self._registry))
        await self.close_all(SERVICE_RESTART, "the gateway restarts: connect again")
        await self._server.wait_closed()
        if self._closing:
            await asyncio.wait(self._closing, timeout=grace_s)

    async def close_all(self, code: int, reason: str) -> None:
        """Closes every socket."""
        await asyncio.gather(*(session.close(code, reason) for session in self._registry), return_exceptions=True)

    def close_soon(self, session: Session, code: int, reason: str) -> None:
        """Closes a socket in the background: the far end may not answer any more."""
        self._do_soon(session.close(code, reason))

    def _do_soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def note_missing(self, tenant_id: str, station: str, epoch: int) -> None:
        """Has a connection closed that station_svc lists here and that has no socket, as after a timed out opening."""
        if tenant_id and not self._admissions.is_opening(station) and not self._registry.has(station, epoch):
            log.warning("connection without a socket: closed", station_id=station, epoch=epoch)
            self._closings.add(tenant_id=tenant_id, station_id=station, epoch=epoch)

    # After the handshake

    async def _serve(self, websocket: ServerConnection) -> None:
        assert isinstance(websocket, StationSocket)  # noqa: S101 - made by the factory of this project
        admission = websocket.claim()
        if admission is None:
            self._count("handshake", "subprotocol")
            await websocket.close_unadmitted(PROTOCOL_ERROR, f"sub-protocols spoken here: {', '.join(self._versions)}")
            return
        self._count("handshake", "101")
        connection = admission.connection
        known = {"station_id": connection.station_id, "epoch": connection.epoch}
        log.info("connected", ocpp_version=admission.routes.label, **known)
        session = self._make_session(websocket, admission.routes, connection)
        replaced = self._registry.add(session)
        if replaced is not None:
            session.reports.note_quirk(QuirkName.HALF_OPEN_SOCKET)
            self.close_soon(replaced, REPLACED, "replaced by a newer connection of this station")
        assert self._lease is not None  # noqa: S101 - no station is admitted without it
        websocket.attach(session, may_answer=partial(self._lease.holds, admission.term))
        try:
            await websocket.wait_closed()
        finally:
            session.closed()
            if websocket.broke_protocol:
                session.reports.note_quirk(QuirkName.WEBSOCKET_VIOLATION)
            self._registry.remove(session)
            self._do_soon(self._tell_last(session))
            self._closings.add(
                tenant_id=connection.tenant_id,
                station_id=connection.station_id,
                epoch=connection.epoch,
                code=websocket.final_code,
            )
            log.info("disconnected", code=websocket.final_code, reason=websocket.close_reason, **known)

    async def _tell_last(self, session: Session) -> None:
        """Reports what the keepalive monitor has not reported yet, once the CALLs that were read are answered."""
        await session.finish(STATION_BUDGET_S)
        if has_news(session):
            self._sightings.add(take_last_seen(session, self._clock()))

    def _make_session(self, websocket: StationSocket, routes: Routes, connection: Connection) -> Session:
        budgets = self._budgets.of(connection.station_id)
        return Session(
            socket=websocket,
            connection=connection,
            routes=routes,
            schemas=self._versions[routes.ocpp.subprotocol].schemas,
            sinks=self._sinks,
            message_log=MessageLog(
                buffer=self._messages,
                tenant_id=connection.tenant_id,
                station_id=connection.station_id,
                epoch=connection.epoch,
                allowance=budgets.log,
            ),
            budgets=budgets,
            clock=self._clock,
            count=self._count,
            others=[other for other in self._versions.values() if other.routes is not routes],
        )
