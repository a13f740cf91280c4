"""A gateway put together: its socket server, its server for commands, and what runs beside them."""

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import grpc
from csms.gateway.v1 import gateway_service_pb2_grpc
from csms.station.v1 import station_ingest_service_pb2 as ingest
from csms.transaction.v1.transaction_ingest_service_pb2 import StationEventItem, StationEventResult

from gateway.batching.background_buffer import Buffer
from gateway.batching.background_sink import BackgroundSink
from gateway.batching.mesh_client import MeshClient, MeshLink
from gateway.batching.sinks import ItemSink
from gateway.connection.keepalive_monitor import KeepaliveMonitor
from gateway.connection.registry import Registry
from gateway.lease import LeaseClient, NodeLease
from gateway.message_translator import MessageTranslator
from gateway.metrics import Metrics
from gateway.ocpp.schemas import Schemas
from gateway.ocpp.served_version import ServedVersion
from gateway.ocpp.translation import IngestRpc, Routes
from gateway.ocpp.v16.routes import ROUTES as V16
from gateway.ocpp.v201.routes import ROUTES as V201
from gateway.servicer import GatewayServicer
from gateway.settings import GatewaySettings
from gateway.tls.authorities import ClientAuthorities
from gateway.tls.failures import UNVERIFIED
from gateway.tls.station_tls import StationTls
from gateway.websocket.admissions import Admissions
from gateway.websocket.client_address import ClientAddresses
from gateway.websocket.client_certificates import ClientCertificates
from gateway.websocket.closings import Closings
from gateway.websocket.entrance import Pace
from gateway.websocket.server import SERVICE_RESTART, StationServer
from gateway.websocket.session_factory import SessionFactory
from gateway.websocket.station_sessions import StationSessions
from mesh.contract.services import MESH_SERVICES
from mesh.grpc.channels import open_channel
from mesh.grpc.in_process import is_in_process
from mesh.grpc.servers import GrpcServer, mesh_server
from mesh.identity.mesh_identity import MeshIdentity
from mesh.identity.tenants import RemoteTenants, TenantDirectory
from mesh.runtime.logs import get_logger
from mesh.runtime.metrics import serve_metrics
from mesh.runtime.times import now_us

log = get_logger(__name__)

# In the order of preference.
VERSIONS: tuple[Routes, ...] = (V201, V16)

DRAIN_S = 5.0
_PORTS = ("ocpp_port", "ocpp_tls_port", "mesh_port", "metrics_port")
# The port with TLS opens without the authorities of stations' certificates where auth_svc does not answer in this time.
AUTHORITIES_WITHIN_S = 5.0
# A handshake that began before its tenant was suspended has its session by then.
SUSPENDED_AGAIN_AFTER_S = (2.0, 30.0)


@dataclass(frozen=True, kw_only=True)
class RunningGateway:
    """A gateway that serves, and the ports it is bound to."""

    mesh: MeshClient
    tenants: TenantDirectory
    registry: Registry
    lease: NodeLease
    keepalive_monitor: KeepaliveMonitor
    ocpp_port: int
    ocpp_tls_port: int | None
    tls: StationTls | None
    mesh_port: int
    metrics_port: int


@dataclass(frozen=True, kw_only=True)
class _Tls:
    """The TLS of the stations' port, and the authorities of their certificates."""

    served: StationTls
    authorities: ClientAuthorities


async def start(stack: AsyncExitStack, settings: GatewaySettings) -> RunningGateway:
    """Starts a gateway and adds its stops to `stack`: sockets first, then the parts that they depend on.

    Stations are admitted once the node's lease is held. Raises SettingError where a port is in use.
    """
    identity = MeshIdentity(settings.mesh)
    mesh, tenants, auth = await _open_mesh(stack, settings, identity)
    registry, metrics, buffers = Registry(), Metrics(), await _start_buffers(stack, mesh)
    versions = {routes.ocpp.subprotocol: ServedVersion(routes, _schemas(routes)) for routes in VERSIONS}
    tls = await _tls(stack, settings, auth, metrics)
    server, sessions = _station_server(
        mesh, registry, buffers, metrics, versions, tenants=tenants, settings=settings, tls=tls
    )
    tenants.on_change(partial(_close_suspended, sessions, tenants))
    await _beside(stack, tenants.run())
    downward = _downward_server(settings, registry, sessions, versions, identity=identity)
    lease = _node_lease(settings, downward, sessions, identity)
    keepalive_monitor = await _start_keepalive_monitor(stack, registry, buffers)
    await downward.start(ready=False)
    stack.push_async_callback(downward.stop)
    await _beside(stack, lease.run())
    stack.push_async_callback(server.stop)
    ocpp_port, ocpp_tls_port = await _listen(server, settings, lease, tls)
    metrics.watch(registry=registry, batchers=mesh.all_batchers(), buffers=buffers.all())
    metrics_port = serve_metrics(stack, settings.metrics_address, [metrics])
    running = RunningGateway(
        mesh=mesh,
        tenants=tenants,
        registry=registry,
        lease=lease,
        keepalive_monitor=keepalive_monitor,
        ocpp_port=ocpp_port,
        ocpp_tls_port=ocpp_tls_port,
        tls=tls.served if tls else None,
        mesh_port=downward.port,
        metrics_port=metrics_port,
    )
    log.info("serving", **{name: getattr(running, name) for name in _PORTS})
    return running


class _Buffers:
    """Buffers of items that leave in the background: some minutes of a busy fleet, and 64 MiB each at the most."""

    def __init__(self, mesh: MeshClient) -> None:
        self.messages: Buffer[bytes] = Buffer(
            name="messages",
            flush=mesh.record_messages,
            delay_s=0.5,
            batch=1024,
            capacity=50_000,
            size=len,
            runners=2,  # the next batch is made while the one before is being committed
        )
        self.closings: Buffer[ingest.CloseConnectionItem] = Buffer(
            name="closings", flush=mesh.close_connections, delay_s=0.02, batch=256, capacity=100_000
        )
        # Short enough for reports that no answer waits for: each batch costs two processes a call, and station_svc a
        # transaction.
        self.background_reports: Buffer[ingest.ReportItem] = Buffer(
            name="asides", flush=mesh.record_background_reports, delay_s=0.5, batch=256, capacity=100_000
        )
        self.station_events: Buffer[StationEventItem] = Buffer(
            name="station_events", flush=mesh.notify_station_events, delay_s=0.25, batch=256, capacity=100_000
        )
        self.sightings: Buffer[ingest.Sighting] = Buffer(
            name="sightings", flush=mesh.record_sightings, delay_s=0.5, batch=1024, capacity=100_000
        )

    def all(self) -> tuple[Buffer[Any], ...]:
        """Every buffer."""
        return (self.messages, self.closings, self.background_reports, self.station_events, self.sightings)


async def _start_buffers(stack: AsyncExitStack, mesh: MeshClient) -> _Buffers:
    """The buffers, which send in the background until they are drained at the stop."""
    buffers = _Buffers(mesh)
    for buffer in buffers.all():
        stack.push_async_callback(buffer.drain, DRAIN_S)
        for _ in range(buffer.runners):
            await _beside(stack, buffer.run())
    return buffers


async def _start_keepalive_monitor(stack: AsyncExitStack, registry: Registry, buffers: _Buffers) -> KeepaliveMonitor:
    """The monitor, which looks at all sockets beside everything else."""
    loop_s = asyncio.get_running_loop().time
    monitor = KeepaliveMonitor(registry=registry, sightings=buffers.sightings, clock=now_us, loop_s=loop_s)
    await _beside(stack, monitor.run())
    return monitor


async def _open_mesh(
    stack: AsyncExitStack, settings: GatewaySettings, identity: MeshIdentity
) -> tuple[MeshClient, TenantDirectory, grpc.aio.Channel]:
    """The calls of this gateway, the tenants, and the channel to auth_svc."""
    addresses = {
        "station": settings.station_address,
        "transaction": settings.transaction_address,
        "auth": settings.auth_address,
    }
    links = {}
    for part, address in addresses.items():
        channel = open_channel(address, identity=identity, to=part)
        stack.push_async_callback(channel.close)
        has_streams = not is_in_process(channel)
        links[part] = MeshLink(channel=channel, proofs=identity.proofs(part), has_streams=has_streams)
    mesh = MeshClient(stations=links["station"], transactions=links["transaction"], authorization=links["auth"])
    stack.push_async_callback(mesh.close)
    auth = links["auth"].channel
    return mesh, TenantDirectory(source=RemoteTenants(channel=auth)), auth


async def _tls(
    stack: AsyncExitStack, settings: GatewaySettings, auth: grpc.aio.Channel, metrics: Metrics
) -> _Tls | None:
    """TLS of the stations' port, kept up to date beside everything else; None where there is no such port."""
    if settings.tls is None:
        return None

    def count(kind: str, label: str) -> None:
        metrics.count(kind, label)
        if (kind, label) == ("tls_failure", UNVERIFIED):
            authorities.missed()

    tls = StationTls(settings.tls.files, client_authorities=settings.tls.client_authorities, clock=now_us, count=count)
    authorities = ClientAuthorities(channel=auth, trust=tls.trust)
    metrics.watch_certificates(lambda: tls.certificates)
    await _beside(stack, tls.run())
    await _beside(stack, authorities.run())
    return _Tls(served=tls, authorities=authorities)


async def _listen(
    server: StationServer, settings: GatewaySettings, lease: NodeLease, tls: _Tls | None
) -> tuple[int, int | None]:
    """Opens the ports for stations, and returns them: the plain one, and that with TLS."""
    plain = await server.start(settings.ocpp_host, settings.ocpp_port, lease=lease, shared_port=settings.shared_port)
    if settings.tls_ends_in_front:
        log.warning("nothing is encrypted here: TLS ends in front of this gateway (CSMS_TLS_ENDS_IN_FRONT)")
    if settings.is_plain_open:
        log.warning(
            "stations may connect without TLS, and their passwords cross the network in clear: "
            "CSMS_OCPP_HOST=127.0.0.1 closes this port to others",
            host=settings.ocpp_host,
            port=plain,
        )
    if settings.tls is None or tls is None:
        return plain, None
    # Before any handshake: without authorities no station is asked for its certificate.
    await tls.authorities.known(AUTHORITIES_WITHIN_S)
    encrypted = await server.start_tls(
        settings.host, settings.tls.port, context=tls.served.context, shared_port=settings.shared_port
    )
    return plain, encrypted


def _station_server(
    mesh: MeshClient,
    registry: Registry,
    buffers: _Buffers,
    metrics: Metrics,
    versions: Mapping[str, ServedVersion],
    *,
    tenants: TenantDirectory,
    settings: GatewaySettings,
    tls: _Tls | None,
) -> tuple[StationServer, StationSessions]:
    """The server of the stations' port, and the sessions that it serves."""
    closings = Closings(buffer=buffers.closings, clock=now_us)
    admissions = _admissions(mesh, versions, closings, metrics, tenants=tenants, settings=settings, tls=tls)
    sessions = StationSessions(
        factory=SessionFactory(
            versions=versions,
            sinks=_sinks(mesh, buffers),
            messages=buffers.messages,
            tenants=tenants,
            clock=now_us,
            count=metrics.count,
        ),
        registry=registry,
        closings=closings,
        sightings=buffers.sightings,
        subprotocols=tuple(versions),
        is_opening=admissions.is_opening,
        clock=now_us,
        count=metrics.count,
    )
    pace = Pace(
        per_turn=settings.accepts_per_turn,
        longest_turn_s=settings.longest_turn_ms / 1000,
        is_behind=lambda: mesh.most_outstanding() >= settings.backlog_items,
    )
    return StationServer(admissions=admissions, sessions=sessions, pace=pace), sessions


def _admissions(
    mesh: MeshClient,
    versions: Mapping[str, ServedVersion],
    closings: Closings,
    metrics: Metrics,
    *,
    tenants: TenantDirectory,
    settings: GatewaySettings,
    tls: _Tls | None,
) -> Admissions:
    addresses = ClientAddresses(secrets=settings.front_door_secrets)
    return Admissions(
        versions=versions,
        mesh=mesh,
        closings=closings,
        count=metrics.count,
        addresses=addresses,
        certificates=ClientCertificates(
            checks=mesh.client_certificates,
            addresses=addresses,
            served=tls.served if tls else None,
            ends_in_front=settings.tls_ends_in_front,
        ),
        origins=settings.station_origins,
        tenants=tenants,
    )


def _close_suspended(sessions: StationSessions, tenants: TenantDirectory) -> None:
    """Closes the sockets of suspended tenants; those of handshakes that were under way a little later."""
    sessions.close_suspended(tenants)
    for delay_s in SUSPENDED_AGAIN_AFTER_S:
        asyncio.get_running_loop().call_later(delay_s, sessions.close_suspended, tenants)


def _sinks(mesh: MeshClient, buffers: _Buffers) -> Mapping[IngestRpc, ItemSink]:
    """Where the items of messages go: to the batcher of their RPC, or to a buffer where no answer waits for them."""
    return {
        **mesh.batchers,
        IngestRpc.BACKGROUND_REPORTS: BackgroundSink(buffer=buffers.background_reports, result=ingest.ReportResult()),
        IngestRpc.STATION_EVENTS: BackgroundSink(buffer=buffers.station_events, result=StationEventResult()),
    }


def _schemas(routes: Routes) -> Schemas:
    schemas = Schemas(routes.ocpp)
    schemas.warm(routes.inbound)
    return schemas


def _downward_server(
    settings: GatewaySettings,
    registry: Registry,
    sessions: StationSessions,
    versions: Mapping[str, ServedVersion],
    *,
    identity: MeshIdentity,
) -> GrpcServer:
    downward = mesh_server(settings.mesh_address, identity=identity, services=MESH_SERVICES["gateway"])
    translator = MessageTranslator(versions.values())
    servicer = GatewayServicer(registry=registry, sessions=sessions, translator=translator)
    downward.add(lambda server: gateway_service_pb2_grpc.add_GatewayServiceServicer_to_server(servicer, server))
    return downward


def _node_lease(
    settings: GatewaySettings, downward: GrpcServer, sessions: StationSessions, identity: MeshIdentity
) -> NodeLease:
    """While it is held, commands are accepted; once it is lost, none are, and every station has to reconnect."""

    async def taken() -> None:
        await downward.tell(ready=True)

    async def lost() -> None:
        await downward.tell(ready=False)
        await sessions.close_all(SERVICE_RESTART, "connect again")

    address = f"{settings.advertised_host or settings.mesh_address.rpartition(':')[0]}:{downward.port}"
    stations = LeaseClient(settings.station_address, proofs=identity.proofs("station"))
    return NodeLease(stations=stations, address=address, on_taken=taken, on_lost=lost)


async def _beside(stack: AsyncExitStack, work: Awaitable[None]) -> None:
    """Runs `work` beside everything else until the stack unwinds to here."""
    task = asyncio.ensure_future(work)

    async def cancel() -> None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(cancel)
