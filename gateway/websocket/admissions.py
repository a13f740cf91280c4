"""Admits stations: from the request of a handshake to a connection that station_svc has opened."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import NoReturn

import grpc
from csms.station.v1 import station_ingest_service_pb2 as ingest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from gateway.batching.mesh_client import MeshClient
from gateway.batching.sinks import IngestUnavailableError
from gateway.connection.ingest_plan import STATION_BUDGET_S
from gateway.connection.session import Connection, StationKey
from gateway.lease import NodeLease
from gateway.ocpp.served_version import ServedVersion
from gateway.ocpp.translation import Routes
from gateway.websocket.admission import Admission
from gateway.websocket.client_address import ClientAddresses
from gateway.websocket.client_certificates import ClientCertificates
from gateway.websocket.closings import Closings
from gateway.websocket.handshake import (
    BadHandshakeError,
    choose_subprotocols,
    credential,
    is_odd_path,
    single_header,
    station_path,
)
from gateway.websocket.origins import check_origin
from gateway.websocket.refusal_delays import RefusalDelays
from gateway.websocket.socket import StationSocket
from gateway.websocket.tenant_paths import find_tenant
from gateway.websocket.unanswered_openings import UnansweredOpenings
from gateway.websocket.upgrades import answer_subprotocol, offered, refuse, upgrade, upgrade_stranger
from mesh.contract.quirk_names import QuirkName
from mesh.identity.tenants import TenantDirectory
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, from_status
from mesh.runtime.logs import get_logger
from mesh.runtime.masking import mask_text

log = get_logger(__name__)

OpenResult = ingest.OpenConnectionResult

# How long a handshake waits for station_svc before it is answered with 503.
OPENING_BUDGET_S = 10.0


class Admissions:
    """Answers the requests of handshakes. No station is admitted until `lease` is set, nor while it is not held."""

    def __init__(
        self,
        *,
        versions: Mapping[str, ServedVersion],
        mesh: MeshClient,
        closings: Closings,
        count: Callable[[str, str], None],
        addresses: ClientAddresses,
        certificates: ClientCertificates,
        origins: Collection[str],
        tenants: TenantDirectory,
    ) -> None:
        self.lease: NodeLease | None = None
        self._versions = versions  # by sub-protocol, in the order of preference
        self._mesh = mesh
        self._closings = closings
        self._count = count
        self._addresses = addresses
        self._certificates = certificates
        self._origins = origins
        self._tenants = tenants
        loop = asyncio.get_running_loop()
        self._unanswered = UnansweredOpenings(closings=closings, call_later=loop.call_later)
        self._refusals = RefusalDelays(clock_s=loop.time, count=count)
        self._opening: Counter[StationKey] = Counter()  # handshakes under way, by station

    def is_opening(self, tenant_id: str, station_id: str) -> bool:
        """Whether a handshake of the station is under way."""
        return (tenant_id, station_id) in self._opening

    def release(self) -> None:
        """Sends the refusals that are delayed."""
        self._refusals.release()

    async def process_request(self, connection: ServerConnection, request: Request) -> Response:
        """Answers the request of a handshake; see `process_request` of websockets."""
        assert isinstance(connection, StationSocket)  # noqa: S101 - made by the factory of this project
        try:
            return await self._admit(connection, request)
        except BadHandshakeError as error:
            self._count("handshake", str(error.status))
            log.info("handshake refused", status=error.status, reason=str(error), path=mask_text(request.path[:300]))
            return refuse(connection, error)

    async def _admit(self, socket: StationSocket, request: Request) -> Response:
        """The answer to a request: 101 where the station is admitted. Raises BadHandshakeError."""
        odd_origin = check_origin(request.headers.get_all("Origin"), self._origins)
        path = station_path(request.path)
        chosen = choose_subprotocols(offered(request), tuple(self._versions))
        if not chosen:
            return upgrade_stranger(socket, request)
        response = upgrade(socket, request)
        if self.lease is None or not self.lease.held or self._is_backend_unavailable():
            raise BadHandshakeError(503, "not ready: try again later")
        holds_lease = partial(self.lease.holds, self.lease.term)
        tenant_id, is_named = await find_tenant(
            self._tenants,
            named=path.named,
            station_id=path.station_id,
            host=single_header(request.headers, "Host") or "",
        )
        item = self._to_item(socket, request, chosen, self.lease.node_id)
        item.tenant_id, item.station_id = tenant_id, path.station_id
        tls = await self._certificates.read(item, socket.tls, request.headers)
        if tls is not None:
            item.tls.CopyFrom(tls)
        odd = [] if offered(request) else [QuirkName.NO_SUBPROTOCOL]
        if is_odd_path(request.path, tenant_id=tenant_id if is_named else ""):
            odd.append(QuirkName.ODD_PATH)
        if odd_origin:
            odd.append(QuirkName.ODD_ORIGIN)
        opening = self._open(socket, item, partial(self._to_admission, chosen, holds_lease, odd, item))
        if item.tls.HasField("certificate_error"):
            await _refuse_certificate(item, opening)
        result = await opening
        if result is None:
            return upgrade_stranger(socket, request)
        answer_subprotocol(socket, response, chosen[self._spoken(chosen, item, result)])
        if not holds_lease():  # the connection is closed with the socket
            raise BadHandshakeError(503, "not ready: try again later")
        return response

    def _to_item(
        self, socket: StationSocket, request: Request, chosen: Mapping[str, str], node_id: str
    ) -> ingest.OpenConnectionItem:
        """The item of a request, without the names of its station."""
        offer = credential(single_header(request.headers, "Authorization"), request.path)
        return ingest.OpenConnectionItem(
            node_id=node_id,
            ocpp_version=self._versions[next(iter(chosen))].routes.label,
            remote_address=self._addresses.read(request.headers, socket.peer),
            credential=offer.secret,
            username=offer.username,
            offered_ocpp_versions=[self._versions[name].routes.label for name in chosen],
            opening_id=secrets.token_hex(16),
        )

    async def _open(
        self, socket: StationSocket, item: ingest.OpenConnectionItem, to_admission: Callable[[OpenResult], Admission]
    ) -> OpenResult | None:
        """Has the connection opened. The socket keeps the admission from then on, with any outcome of the handshake.

        None for a station that is pinned to a version that it does not offer.
        """
        station = item.tenant_id, item.station_id

        def opened(asked: "asyncio.Future[OpenResult]") -> None:
            self._ended_opening(station)
            if asked.cancelled() or asked.exception() is not None or _is_misplaced(item, asked.result()):
                self._unanswered.note(item)
            elif not asked.result().HasField("error"):
                socket.admit(to_admission(asked.result()))

        deadline_s = asyncio.get_running_loop().time() + OPENING_BUDGET_S
        self._opening[station] += 1
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
                await self._refusals.delay(station, item.remote_address)
            if error.reason is Reason.VERSION_NOT_OFFERED:
                return None
            raise _to_handshake_error(error)
        if _is_misplaced(item, result):
            raise BadHandshakeError(503, "not ready: try again later")
        self._refusals.succeeded(station, item.remote_address)
        return result

    def _spoken(self, chosen: Mapping[str, str], item: ingest.OpenConnectionItem, result: OpenResult) -> str:
        """The sub-protocol to speak: of the version that the station is pinned to, or else the first that it offers."""
        label = result.ocpp_version or item.ocpp_version
        return next(name for name in chosen if self._versions[name].routes.label == label)

    def _to_admission(
        self,
        chosen: Mapping[str, str],
        may_answer: Callable[[], bool],
        odd: Sequence[str],
        item: ingest.OpenConnectionItem,
        result: OpenResult,
    ) -> Admission:
        subprotocol = self._spoken(chosen, item, result)
        if chosen[subprotocol] not in {"", subprotocol}:
            odd = [*odd, QuirkName.SUBPROTOCOL_CASE]
        return _to_admission(self._versions[subprotocol].routes, may_answer, odd, item.station_id, result)

    def _ended_opening(self, station: StationKey) -> None:
        self._opening[station] -= 1
        if self._opening[station] <= 0:
            del self._opening[station]

    def _note_unclaimed(self, admission: Admission) -> None:
        """The handshake did not complete: no socket has this connection."""
        self._count("handshake", "lost")
        log.info("handshake lost", station_id=admission.connection.station_id, epoch=admission.connection.epoch)
        connection = admission.connection
        self._closings.add(tenant_id=connection.tenant_id, station_id=connection.station_id, epoch=connection.epoch)

    def _is_backend_unavailable(self) -> bool:
        return any(batcher.unavailable_for_s() > STATION_BUDGET_S for batcher in self._mesh.batchers.values())

    def select_subprotocol(self, _connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
        """The sub-protocol of a handshake; see `select_subprotocol` of websockets."""
        chosen = choose_subprotocols(offered, tuple(self._versions)) if offered else {}
        return next(map(Subprotocol, chosen.values()), None)


async def _refuse_certificate(item: ingest.OpenConnectionItem, opening: Awaitable[OpenResult | None]) -> NoReturn:
    """Raises BadHandshakeError 401 with the fault of the station's certificate, once station_svc has counted it.

    Whatever station_svc answers: one of a release before does not know the field, and may have opened a connection,
    which is closed with the socket.
    """
    with suppress(BadHandshakeError):
        await opening
    raise BadHandshakeError(401, from_status(item.tls.certificate_error).message)


def _is_misplaced(item: ingest.OpenConnectionItem, result: OpenResult) -> bool:
    """Whether a station_svc of a release with one tenant opened the connection, in that tenant."""
    return not result.HasField("error") and result.tenant_id != item.tenant_id


def _to_admission(
    routes: Routes, may_answer: Callable[[], bool], odd: Sequence[str], station: str, result: OpenResult
) -> Admission:
    connection = Connection(
        station_id=station,
        tenant_id=result.tenant_id,
        epoch=result.epoch,
        registration_status=result.registration_status,
        booted=result.booted,
        heartbeat_interval_s=result.heartbeat_interval_s,
        quirks=(*odd, *result.quirks),
    )
    return Admission(routes=routes, connection=connection, may_answer=may_answer)


def _to_handshake_error(error: MeshError) -> BadHandshakeError:
    statuses = {
        grpc.StatusCode.UNAUTHENTICATED: 401,
        grpc.StatusCode.NOT_FOUND: 404,
        grpc.StatusCode.PERMISSION_DENIED: 403,
        grpc.StatusCode.INVALID_ARGUMENT: 400,
    }
    return BadHandshakeError(statuses.get(error.code, 503), error.message)
