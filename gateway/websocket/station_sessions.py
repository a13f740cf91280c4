"""Serves admitted sockets: each has a session from the end of its handshake to the end of its connection."""

import asyncio
from collections.abc import Callable, Collection, Coroutine
from typing import Any

from csms.station.v1 import station_ingest_service_pb2 as ingest
from websockets.asyncio.server import ServerConnection

from gateway.batching.background_buffer import Buffer
from gateway.connection.ingest_plan import STATION_BUDGET_S
from gateway.connection.last_seen import has_news, take_last_seen
from gateway.connection.registry import Registry
from gateway.connection.session import Session
from gateway.websocket.admission import Admission
from gateway.websocket.closings import Closings
from gateway.websocket.session_factory import SessionFactory
from gateway.websocket.socket import StationSocket
from mesh.contract.quirk_names import QuirkName
from mesh.identity.tenants import TenantDirectory
from mesh.runtime.logs import get_logger
from mesh.runtime.times import Clock

log = get_logger(__name__)

PROTOCOL_ERROR = 1002
REPLACED = 1008  # policy violation: one connection per station
SUSPENDED = 1008


class StationSessions:
    """The sessions of this process, while they are open and until their ends are reported.

    `subprotocols` are those that are spoken here; `is_opening(tenant_id, station_id)` says whether a handshake of a
    station is under way.
    """

    def __init__(
        self,
        *,
        factory: SessionFactory,
        registry: Registry,
        closings: Closings,
        sightings: Buffer[ingest.Sighting],
        subprotocols: Collection[str],
        is_opening: Callable[[str, str], bool],
        clock: Clock,
        count: Callable[[str, str], None],
    ) -> None:
        self._factory = factory
        self._registry = registry
        self._closings = closings
        self._sightings = sightings
        self._subprotocols = subprotocols
        self._is_opening = is_opening
        self._clock = clock
        self._count = count
        self._background: set[asyncio.Task[None]] = set()

    async def serve(self, websocket: ServerConnection) -> None:
        """Serves a socket after its handshake, until it is closed; see `handler` of websockets."""
        assert isinstance(websocket, StationSocket)  # noqa: S101 - made by the factory of this project
        admission = websocket.claim()
        if admission is None:
            self._count("handshake", "subprotocol")
            spoken = ", ".join(self._subprotocols)
            await websocket.close_unadmitted(PROTOCOL_ERROR, f"sub-protocols spoken here: {spoken}")
            return
        session = self._open(websocket, admission)
        try:
            await websocket.wait_closed()
        finally:
            self._end(websocket, session)

    def _open(self, websocket: StationSocket, admission: Admission) -> Session:
        self._count("handshake", "101")
        connection = admission.connection
        log.info(
            "connected",
            ocpp_version=admission.routes.label,
            tenant_id=connection.tenant_id,
            station_id=connection.station_id,
            epoch=connection.epoch,
        )
        session = self._factory.make(websocket, admission)
        replaced = self._registry.add(session)
        if replaced is not None:
            session.reports.note_quirk(QuirkName.HALF_OPEN_SOCKET)
            self.close_soon(replaced, REPLACED, "replaced by a newer connection of this station")
        websocket.attach(session, may_answer=admission.may_answer)
        return session

    def _end(self, websocket: StationSocket, session: Session) -> None:
        connection, code = session.connection, websocket.final_code
        session.closed()
        if websocket.broke_protocol:
            session.reports.note_quirk(QuirkName.WEBSOCKET_VIOLATION)
        self._registry.remove(session)
        self._do_soon(self._report_last(session))
        self._closings.add(
            tenant_id=connection.tenant_id, station_id=connection.station_id, epoch=connection.epoch, code=code
        )
        log.info(
            "disconnected",
            code=code,
            reason=websocket.close_reason,
            tenant_id=connection.tenant_id,
            station_id=connection.station_id,
            epoch=connection.epoch,
        )

    async def _report_last(self, session: Session) -> None:
        """Reports what the keepalive monitor has not reported yet, once the CALLs that were read are answered."""
        await session.finish(STATION_BUDGET_S)
        if has_news(session):
            self._sightings.add(take_last_seen(session, self._clock()))

    # Closing

    async def finish(self, timeout_s: float) -> None:
        """Waits until the CALLs that were read are answered, for at most `timeout_s` seconds."""
        await asyncio.gather(*(session.finish(timeout_s) for session in self._registry))

    async def close_all(self, code: int, reason: str) -> None:
        """Closes every socket."""
        await asyncio.gather(*(session.close(code, reason) for session in self._registry), return_exceptions=True)

    def close_suspended(self, tenants: TenantDirectory) -> None:
        """Closes the sockets of tenants that are not active any more, in the background."""
        for session in self._registry:
            tenant = tenants.find(session.connection.tenant_id)
            if tenant is None or not tenant.is_active:
                self.close_soon(session, SUSPENDED, "the tenant of this station is suspended")

    def close_soon(self, session: Session, code: int, reason: str) -> None:
        """Closes a socket in the background: the far end may not answer any more."""
        self._do_soon(session.close(code, reason))

    async def wait_for_background(self, timeout_s: float) -> None:
        """Waits for what is done in the background, for at most `timeout_s` seconds."""
        if self._background:
            await asyncio.wait(self._background, timeout=timeout_s)

    def note_missing(self, tenant_id: str, station_id: str, epoch: int) -> None:
        """Has a connection closed that station_svc lists here and that has no socket, as after a timed out opening."""
        if self._is_opening(tenant_id, station_id) or self._registry.has((tenant_id, station_id), epoch):
            return
        if tenant_id:
            log.warning("connection without a socket: closed", tenant_id=tenant_id, station_id=station_id, epoch=epoch)
            self._closings.add(tenant_id=tenant_id, station_id=station_id, epoch=epoch)

    def _do_soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
