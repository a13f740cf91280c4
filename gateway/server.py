"""The WebSocket server: lets stations in and gives each connection its session."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import grpc
from csms.station.v1 import station_ingest_service_pb2 as ingest
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from gateway.buffers import Buffer
from gateway.exchange import STATION_BUDGET_S
from gateway.handshake import BadHandshakeError, choose_subprotocols, credential, is_odd_path, station_id
from gateway.lanes import BackgroundLane, LaneUnavailableError, Way
from gateway.lease import NodeLease
from gateway.mesh_client import MeshClient
from gateway.metrics import Metrics
from gateway.recorder import Recorder
from gateway.registry import Registry
from gateway.schemas import Schemas
from gateway.session import Connection, Session
from gateway.sightings import has_news, take_sighting
from gateway.socket import StationSocket
from gateway.translation import LaneName, Version
from mesh.errors import MeshError, SettingError, from_status
from mesh.logs import get_logger
from mesh.masking import mask_text
from mesh.quirks import QuirkName
from mesh.times import Clock, to_timestamp

log = get_logger(__name__)

OPEN_TIMEOUT_S = 20.0
CLOSE_TIMEOUT_S = 5.0
# How long a handshake waits for station_svc before it is answered with 503.
OPENING_BUDGET_S = 10.0
# A whole fleet may connect in the same second (quirk 25); the kernel's own limit (somaxconn) applies too.
BACKLOG = 65_535
# A StopTransaction with all the samples of a long day in it must come through: about 1,440 of some 700 bytes.
MAX_FRAME_BYTES = 1024 * 1024
PROTOCOL_ERROR = 1002
SERVICE_RESTART = 1012  # registry of RFC 6455: the server restarts, come back
REPLACED = 1008  # policy violation: one connection per station


@dataclass(frozen=True)
class _Admission:
    """What the handshake found out, for the handler after it. `version` is None where we speak none of theirs."""

    version: Version | None
    connection: Connection | None
    subprotocol: str = ""  # as the station offered it; empty where it offered none


class StationServer:
    """Serves stations on one port. `start`, then `stop`; `close_all` when the node's lease is lost."""

    def __init__(
        self,
        *,
        versions: Mapping[str, tuple[Version, Schemas]],
        mesh: MeshClient,
        registry: Registry,
        messages: Buffer[bytes],
        closings: Buffer[ingest.CloseConnectionItem],
        sightings: Buffer[ingest.Sighting],
        asides: Buffer[ingest.ReportItem],
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._versions = versions  # by sub-protocol, in the order of preference
        self._mesh = mesh
        self._lanes: Mapping[LaneName, Way] = {
            **mesh.lanes,
            LaneName.ASIDES: BackgroundLane(buffer=asides, result=ingest.ReportResult()),
        }
        self._registry = registry
        self._messages = messages
        self._closings = closings
        self._sightings = sightings
        self._metrics = metrics
        self._clock = clock
        self._lease: NodeLease | None = None
        self._admissions: dict[ServerConnection, _Admission] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._server: Server | None = None

    async def start(self, host: str, port: int, *, lease: NodeLease, shared_port: bool = False) -> int:
        """Listens, and returns the port, which other gateways may share. Raises SettingError where it is taken."""
        self._lease = lease
        try:
            self._server = await serve(
                self._serve,
                host,
                port,
                create_connection=StationSocket,
                process_request=self._process_request,
                select_subprotocol=self._select_subprotocol,
                # Small windows without context: compression for those who ask, without 64 KiB a connection.
                compression=None,
                extensions=[
                    ServerPerMessageDeflateFactory(
                        server_no_context_takeover=True,
                        client_no_context_takeover=True,
                        server_max_window_bits=11,
                        compress_settings={"memLevel": 4},
                    )
                ],
                open_timeout=OPEN_TIMEOUT_S,
                close_timeout=CLOSE_TIMEOUT_S,
                # Our own watch counts any frame as life (quirk 4): gateway/watch.py.
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
        """Closes a socket in the background: the far end may be long gone."""
        self._do_soon(session.close(code, reason))

    def _do_soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    # Handshake

    async def _process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        try:
            return await self._admit(connection, request)
        except BadHandshakeError as error:
            self._metrics.count("handshake", str(error.status))
            log.info("handshake refused", status=error.status, reason=str(error), path=mask_text(request.path[:300]))
            return _refuse(connection, error.status, str(error))

    async def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        identity = station_id(request.path)
        offered = [
            name.strip() for value in request.headers.get_all("Sec-WebSocket-Protocol") for name in value.split(",")
        ]
        chosen = choose_subprotocols([name for name in offered if name], tuple(self._versions))
        if not chosen:
            # The handshake completes without the header, then the socket closes (TC_088, TC_B_58).
            self._admissions[connection] = _Admission(None, None)
            return None
        if self._lease is None or not self._lease.held or self._is_backend_away():
            raise BadHandshakeError(503, "not ready: try again later")
        offer = credential(request.headers.get("Authorization"), request.path)
        item = ingest.OpenConnectionItem(
            station_id=identity,
            node_id=self._lease.node_id,
            ocpp_version=self._versions[next(iter(chosen))][0].label,
            remote_address=_remote_address(connection, request),
            credential=offer.secret,
            username=offer.username,
            offered_ocpp_versions=[self._versions[name][0].label for name in chosen],
        )
        odd = [] if any(offered) else [QuirkName.NO_SUBPROTOCOL]
        if is_odd_path(request.path):
            odd.append(QuirkName.ODD_PATH)
        self._admissions[connection] = await self._open(item, chosen, odd)
        return None

    async def _open(
        self, item: ingest.OpenConnectionItem, chosen: Mapping[str, str], odd: list[QuirkName]
    ) -> _Admission:
        deadline_s = asyncio.get_running_loop().time() + OPENING_BUDGET_S
        try:
            result = await self._mesh.openings.ask(item, deadline_s=deadline_s)
        except LaneUnavailableError:
            raise BadHandshakeError(503, "not ready: try again later") from None
        if result.HasField("error"):
            error = from_status(result.error)
            if error.reason == "VERSION_NOT_OFFERED":  # as where none that is spoken here is offered
                return _Admission(None, None)
            raise _to_handshake_error(error)
        label = result.ocpp_version or item.ocpp_version
        subprotocol = next(name for name in chosen if self._versions[name][0].label == label)
        if chosen[subprotocol] not in {"", subprotocol}:
            odd.append(QuirkName.SUBPROTOCOL_CASE)
        connection = Connection(
            station_id=item.station_id,
            tenant_id=result.tenant_id,
            epoch=result.epoch,
            registration_status=result.registration_status,
            booted=result.booted,
            heartbeat_interval_s=result.heartbeat_interval_s,
            quirks=(*odd, *result.quirks),
        )
        return _Admission(self._versions[subprotocol][0], connection, chosen[subprotocol])

    def _is_backend_away(self) -> bool:
        return any(lane.away_for_s() > STATION_BUDGET_S for lane in self._mesh.lanes.values())

    def _select_subprotocol(self, connection: ServerConnection, offered: object) -> Subprotocol | None:
        admission = self._admissions.get(connection)
        if not offered or admission is None or admission.version is None:
            return None
        return Subprotocol(admission.subprotocol or admission.version.subprotocol)

    # After the handshake

    async def _serve(self, websocket: ServerConnection) -> None:
        assert isinstance(websocket, StationSocket)  # noqa: S101 - made by our own factory
        admission = self._admissions.pop(websocket)
        if admission.version is None or admission.connection is None:
            self._metrics.count("handshake", "subprotocol")
            await websocket.close(PROTOCOL_ERROR, f"sub-protocols spoken here: {', '.join(self._versions)}")
            return
        self._metrics.count("handshake", "101")
        known = {"station_id": admission.connection.station_id, "epoch": admission.connection.epoch}
        log.info("connected", ocpp_version=admission.version.label, **known)
        session = self._make_session(websocket, admission.version, admission.connection)
        replaced = self._registry.add(session)
        if replaced is not None:
            session.note_quirk(QuirkName.HALF_OPEN_SOCKET)
            self.close_soon(replaced, REPLACED, "replaced by a newer connection of this station")
        websocket.attach(session.receive, session.on_pong)
        try:
            await websocket.wait_closed()
        finally:
            session.closed()
            if websocket.broke_protocol:
                session.note_quirk(QuirkName.WEBSOCKET_VIOLATION)
            self._registry.remove(session)
            self._do_soon(self._tell_last(session))
            self._note_closed(admission.connection, websocket.final_code)
            log.info("disconnected", code=websocket.final_code, reason=websocket.close_reason, **known)

    async def _tell_last(self, session: Session) -> None:
        """Tells what the watch has not told yet, once the CALLs that were read are done with."""
        await session.finish(STATION_BUDGET_S)
        if has_news(session):
            self._sightings.add(take_sighting(session, self._clock()))

    def _make_session(self, websocket: StationSocket, version: Version, connection: Connection) -> Session:
        return Session(
            socket=websocket,
            connection=connection,
            version=version,
            schemas=self._versions[version.subprotocol][1],
            lanes=self._lanes,
            recorder=Recorder(
                buffer=self._messages,
                tenant_id=connection.tenant_id,
                station_id=connection.station_id,
                epoch=connection.epoch,
            ),
            clock=self._clock,
            count=self._metrics.count,
            others=[other for other in self._versions.values() if other[0] is not version],
        )

    def _note_closed(self, connection: Connection, code: int) -> None:
        self._closings.add(
            ingest.CloseConnectionItem(
                tenant_id=connection.tenant_id,
                station_id=connection.station_id,
                epoch=connection.epoch,
                close_time=to_timestamp(self._clock()),
                close_code=code,
            )
        )


def _remote_address(connection: ServerConnection, request: Request) -> str:
    forwarded = request.headers.get("X-Envoy-External-Address")
    if forwarded:
        return str(forwarded)[:64]
    address = connection.remote_address
    return str(address[0]) if address else ""


def _to_handshake_error(error: MeshError) -> BadHandshakeError:
    statuses = {
        grpc.StatusCode.UNAUTHENTICATED: 401,
        grpc.StatusCode.NOT_FOUND: 404,
        grpc.StatusCode.PERMISSION_DENIED: 403,
    }
    return BadHandshakeError(statuses.get(error.code, 503), error.message)


def _refuse(connection: ServerConnection, status: int, message: str) -> Response:
    response = connection.respond(HTTPStatus(status), message + "\n")
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Basic realm="ocpp", charset="UTF-8"'
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "5"
    return response
