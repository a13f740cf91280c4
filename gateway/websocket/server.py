"""The WebSocket server: lets stations in and gives each connection its session."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

import grpc
from csms.station.v1 import station_ingest_service_pb2 as ingest
from csms.transaction.v1.transaction_ingest_service_pb2 import StationEventItem, StationEventResult
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from gateway.batching.buffers import Buffer
from gateway.batching.ingest_batcher import BackgroundSink, IngestUnavailableError, ItemSink
from gateway.batching.mesh_client import MeshClient
from gateway.connection.budgets import Budgets
from gateway.connection.ingest_plan import STATION_BUDGET_S
from gateway.connection.last_seen import has_news, take_last_seen
from gateway.connection.registry import Registry
from gateway.connection.session import Connection, Session
from gateway.lease import NodeLease
from gateway.message_log.message_log import MessageLog
from gateway.ocpp.served_version import ServedVersion
from gateway.ocpp.translation import IngestRpc, Routes
from gateway.websocket.admission import Admission
from gateway.websocket.client_address import ClientAddresses
from gateway.websocket.compression import BoundedDeflateFactory
from gateway.websocket.handshake import (
    BadHandshakeError,
    choose_subprotocols,
    credential,
    is_odd_path,
    single_header,
    station_id,
)
from gateway.websocket.origins import check_origin
from gateway.websocket.refusal_delays import RefusalDelays
from gateway.websocket.socket import StationSocket
from gateway.websocket.unanswered_openings import NO_CODE, UnansweredOpenings
from mesh.errors import MeshError, SettingError, from_status
from mesh.logs import get_logger
from mesh.masking import mask_text
from mesh.quirks import QuirkName
from mesh.times import Clock, to_timestamp

log = get_logger(__name__)

OpenResult = ingest.OpenConnectionResult

OPEN_TIMEOUT_S = 20.0
CLOSE_TIMEOUT_S = 5.0
# How long a handshake waits for station_svc before it is answered with 503.
OPENING_BUDGET_S = 10.0
# A whole fleet may connect in the same second (quirk 25); the kernel's own limit (somaxconn) applies too.
BACKLOG = 65_535
# A StopTransaction with all the samples of a long day in it must come through: about 1,440 of some 700 bytes.
MAX_FRAME_BYTES = 1024 * 1024
# Small windows without context: compression for those who ask, without 64 KiB a connection.
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
        self._mesh = mesh
        self._sinks: Mapping[IngestRpc, ItemSink] = {
            **mesh.batchers,
            IngestRpc.BACKGROUND_REPORTS: BackgroundSink(buffer=background_reports, result=ingest.ReportResult()),
            IngestRpc.STATION_EVENTS: BackgroundSink(buffer=station_events, result=StationEventResult()),
        }
        self._registry = registry
        self._messages = messages
        self._closings = closings
        self._sightings = sightings
        self._count = count
        self._clock = clock
        self._addresses = addresses
        self._origins = origins
        loop = asyncio.get_running_loop()
        self._unanswered = UnansweredOpenings(closings=closings, clock=clock, call_later=loop.call_later)
        self._refusals = RefusalDelays(clock_s=loop.time, count=count)
        self._lease: NodeLease | None = None
        self._budgets = Budgets()
        self._opening: Counter[str] = Counter()  # handshakes under way, by station
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
        self._refusals.release()
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

    async def _process_request(self, connection: ServerConnection, request: Request) -> Response:
        assert isinstance(connection, StationSocket)  # noqa: S101 - made by our own factory
        try:
            return await self._admit(connection, request)
        except BadHandshakeError as error:
            self._count("handshake", str(error.status))
            log.info("handshake refused", status=error.status, reason=str(error), path=mask_text(request.path[:300]))
            return _refuse(connection, error)

    async def _admit(self, socket: StationSocket, request: Request) -> Response:
        """The answer to a request: 101 where the station is admitted. Raises BadHandshakeError."""
        odd_origin = check_origin(request.headers.get_all("Origin"), self._origins)
        identity = station_id(request.path)
        chosen = choose_subprotocols(_offered(request), tuple(self._versions))
        if not chosen:
            return _upgrade_stranger(socket, request)
        response = _upgrade(socket, request)
        if self._lease is None or not self._lease.held or self._is_backend_unavailable():
            raise BadHandshakeError(503, "not ready: try again later")
        term = self._lease.term
        offer = credential(single_header(request.headers, "Authorization"), request.path)
        item = ingest.OpenConnectionItem(
            station_id=identity,
            node_id=self._lease.node_id,
            ocpp_version=self._versions[next(iter(chosen))].routes.label,
            remote_address=self._addresses.read(request.headers, socket.peer),
            credential=offer.secret,
            username=offer.username,
            offered_ocpp_versions=[self._versions[name].routes.label for name in chosen],
            opening_id=secrets.token_hex(16),
        )
        odd = [] if _offered(request) else [QuirkName.NO_SUBPROTOCOL]
        if is_odd_path(request.path):
            odd.append(QuirkName.ODD_PATH)
        if odd_origin:
            odd.append(QuirkName.ODD_ORIGIN)
        result = await self._open(socket, item, partial(self._to_admission, chosen, term, odd, item))
        if result is None:
            return _upgrade_stranger(socket, request)
        _answer_subprotocol(socket, response, chosen[self._spoken(chosen, item, result)])
        if not self._lease.holds(term):  # the connection is closed with the socket
            raise BadHandshakeError(503, "not ready: try again later")
        return response

    async def _open(
        self, socket: StationSocket, item: ingest.OpenConnectionItem, to_admission: Callable[[OpenResult], Admission]
    ) -> OpenResult | None:
        """Has the connection opened. The socket has the admission from then on, whatever becomes of the handshake.

        None for a station that is pinned to a version that it does not offer.
        """

        def opened(asked: "asyncio.Future[OpenResult]") -> None:
            self._ended_opening(item.station_id)
            if asked.cancelled() or asked.exception() is not None:
                self._unanswered.note(item)
            elif not asked.result().HasField("error"):
                socket.admit(to_admission(asked.result()))

        deadline_s = asyncio.get_running_loop().time() + OPENING_BUDGET_S
        self._opening[item.station_id] += 1
        socket.on_unclaimed = self._note_unclaimed
        asked = self._mesh.openings.ask(item, deadline_s=deadline_s)
        asked.add_done_callback(opened)
        try:
            # Where this handshake is given up the answer is still waited for: it names the connection to close.
            result = await asyncio.shield(asked)
        except IngestUnavailableError:
            raise BadHandshakeError(503, "not ready: try again later") from None
        if result.HasField("error"):
            error = from_status(result.error)
            if error.code is grpc.StatusCode.UNAUTHENTICATED:
                await self._refusals.delay(item.station_id, item.remote_address)
            if error.reason == "VERSION_NOT_OFFERED":
                return None
            raise _to_handshake_error(error)
        self._refusals.succeeded(item.station_id, item.remote_address)
        return result

    def _spoken(self, chosen: Mapping[str, str], item: ingest.OpenConnectionItem, result: OpenResult) -> str:
        """The sub-protocol to speak: of the version that the station is pinned to, else the first that it offers."""
        label = result.ocpp_version or item.ocpp_version
        return next(name for name in chosen if self._versions[name].routes.label == label)

    def _to_admission(
        self,
        chosen: Mapping[str, str],
        term: int,
        odd: Sequence[str],
        item: ingest.OpenConnectionItem,
        result: OpenResult,
    ) -> Admission:
        subprotocol = self._spoken(chosen, item, result)
        if chosen[subprotocol] not in {"", subprotocol}:
            odd = [*odd, QuirkName.SUBPROTOCOL_CASE]
        return _to_admission(self._versions[subprotocol].routes, term, odd, item.station_id, result)

    def _ended_opening(self, station: str) -> None:
        self._opening[station] -= 1
        if self._opening[station] <= 0:
            del self._opening[station]

    def _note_unclaimed(self, admission: Admission) -> None:
        """The handshake did not complete: no socket has this connection."""
        self._count("handshake", "lost")
        log.info("handshake lost", station_id=admission.connection.station_id, epoch=admission.connection.epoch)
        self._note_closed(admission.connection, NO_CODE)

    def note_missing(self, tenant_id: str, station: str, epoch: int) -> None:
        """Has a connection closed that is said to be here and has no socket, as after an opening that timed out."""
        if tenant_id and station not in self._opening and not self._registry.has(station, epoch):
            log.warning("connection without a socket: closed", station_id=station, epoch=epoch)
            self._closings.add(_closing(tenant_id, station, epoch, self._clock(), NO_CODE))

    def _is_backend_unavailable(self) -> bool:
        return any(batcher.unavailable_for_s() > STATION_BUDGET_S for batcher in self._mesh.batchers.values())

    def _select_subprotocol(self, _connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        chosen = choose_subprotocols(offered, tuple(self._versions)) if offered else {}
        return next(map(Subprotocol, chosen.values()), None)

    # After the handshake

    async def _serve(self, websocket: ServerConnection) -> None:
        assert isinstance(websocket, StationSocket)  # noqa: S101 - made by our own factory
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
            session.note_quirk(QuirkName.HALF_OPEN_SOCKET)
            self.close_soon(replaced, REPLACED, "replaced by a newer connection of this station")
        assert self._lease is not None  # noqa: S101 - no station is admitted without it
        websocket.attach(session, may_answer=partial(self._lease.holds, admission.term))
        try:
            await websocket.wait_closed()
        finally:
            session.closed()
            if websocket.broke_protocol:
                session.note_quirk(QuirkName.WEBSOCKET_VIOLATION)
            self._registry.remove(session)
            self._do_soon(self._tell_last(session))
            self._note_closed(connection, websocket.final_code)
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

    def _note_closed(self, connection: Connection, code: int) -> None:
        self._closings.add(_closing(connection.tenant_id, connection.station_id, connection.epoch, self._clock(), code))


def _closing(tenant_id: str, station: str, epoch: int, now_us: int, code: int) -> ingest.CloseConnectionItem:
    return ingest.CloseConnectionItem(
        tenant_id=tenant_id, station_id=station, epoch=epoch, close_time=to_timestamp(now_us), close_code=code
    )


def _offered(request: Request) -> Sequence[str]:
    """The sub-protocols that a request offers."""
    values = request.headers.get_all("Sec-WebSocket-Protocol")
    return [name.strip() for value in values for name in value.split(",") if name.strip()]


def _upgrade(socket: StationSocket, request: Request) -> Response:
    """The answer 101, where the request may have it by the protocol's own rules. Raises BadHandshakeError."""
    response = socket.protocol.accept(request)
    if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
        names = [name for name in ("Allow", "Upgrade") if name in response.headers]
        raise BadHandshakeError(
            response.status_code,
            bytes(response.body).decode("utf-8", "replace").strip(),
            {name: response.headers[name] for name in names},
        )
    return response


def _upgrade_stranger(socket: StationSocket, request: Request) -> Response:
    """The answer 101 without a sub-protocol: then the socket closes (TC_088, TC_B_58).

    No station is at its other end yet: it gets no compression, and nothing of what it sends is parsed.
    """
    socket.protocol.available_extensions = None
    response = _upgrade(socket, request)
    _answer_subprotocol(socket, response, "")
    return response


def _answer_subprotocol(socket: StationSocket, response: Response, name: str) -> None:
    """Names a sub-protocol in an answer, or none: which one is spoken may be known only once it is made."""
    if "Sec-WebSocket-Protocol" in response.headers:
        del response.headers["Sec-WebSocket-Protocol"]
    socket.protocol.subprotocol = Subprotocol(name) if name else None
    if name:
        response.headers["Sec-WebSocket-Protocol"] = name


def _to_admission(routes: Routes, term: int, odd: Sequence[str], station: str, result: OpenResult) -> Admission:
    connection = Connection(
        station_id=station,
        tenant_id=result.tenant_id,
        epoch=result.epoch,
        registration_status=result.registration_status,
        booted=result.booted,
        heartbeat_interval_s=result.heartbeat_interval_s,
        quirks=(*odd, *result.quirks),
    )
    return Admission(routes=routes, connection=connection, term=term)


def _to_handshake_error(error: MeshError) -> BadHandshakeError:
    statuses = {
        grpc.StatusCode.UNAUTHENTICATED: 401,
        grpc.StatusCode.NOT_FOUND: 404,
        grpc.StatusCode.PERMISSION_DENIED: 403,
        grpc.StatusCode.INVALID_ARGUMENT: 400,
    }
    return BadHandshakeError(statuses.get(error.code, 503), error.message)


def _refuse(connection: ServerConnection, error: BadHandshakeError) -> Response:
    response = connection.respond(HTTPStatus(error.status), f"{error}\n")
    if error.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Basic realm="ocpp", charset="UTF-8"'
    if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "5"
    for name, value in error.headers.items():
        response.headers[name] = value
    return response
