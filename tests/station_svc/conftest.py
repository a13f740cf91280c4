"""station_svc as it runs: both its ports on this machine, a real database, a clock that stands still, and a gateway.

The gateway is a server of its own that does what each test tells it to: it is the other process.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import grpc
import msgspec
import pytest
import sqlalchemy as sa
from csms.common.v1 import evse_pb2, origin_pb2
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.gateway.v1.gateway_service_pb2_grpc import GatewayServiceServicer, add_GatewayServiceServicer_to_server
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1 import station_pb2
from csms.station.v1.command_service_pb2_grpc import CommandServiceStub
from csms.station.v1.station_ingest_service_pb2_grpc import StationIngestServiceStub
from csms.station.v1.station_service_pb2 import CreateStationRequest, GetStationRequest
from csms.station.v1.station_service_pb2_grpc import StationServiceStub
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from mesh.contract.services import MESH_SERVICES, OPERATOR_SERVICES
from mesh.database.engine import Database, make_engine
from mesh.database.retention import RetentionTask
from mesh.grpc.channels import open_channel
from mesh.grpc.servers import GrpcServer, mesh_server, operator_server
from mesh.grpc.types import Context
from mesh.identity.operators import ALGORITHM, AUDIENCE, ISSUER
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, from_rpc_error, from_status
from mesh.runtime.times import to_timestamp
from mesh.service import Parts
from station_svc.catalogue import FEATURES, STORAGE
from station_svc.core.models import outbox
from station_svc.features.data_transfer.transfer_limits import TransferLimits
from station_svc.features.data_transfer.vendors import Vendors
from station_svc.housekeeping import Housekeeper, retention_task
from station_svc.jobs.runner import Jobs
from station_svc.service import build
from station_svc.settings import StationSettings
from tests.audited import every_change_is_audited  # noqa: F401 - a fixture
from tests.conftest import FakeClock
from tests.mesh_identities import identity_of, mesh_settings
from tests.scoped_callers import scoped_access

if TYPE_CHECKING:  # these are there for the type checker only
    from csms.station.v1.command_service_pb2_grpc import CommandServiceAsyncStub
    from csms.station.v1.station_ingest_service_pb2_grpc import StationIngestServiceAsyncStub
    from csms.station.v1.station_service_pb2_grpc import StationServiceAsyncStub

NODE = "gateway-1"
AVAILABLE = station_pb2.CONNECTOR_STATUS_AVAILABLE
OCCUPIED = station_pb2.CONNECTOR_STATUS_OCCUPIED

SETTINGS = StationSettings(
    auth_address="127.0.0.1:1",
    transaction_address=None,
    notification_address=None,
    mesh=mesh_settings("station"),
    onboarding="accept",
    lease_duration_s=10,
    heartbeat_interval_s=300,
    boot_retry_interval_s=60,
    command_timeout_s=30,
    vendors=Vendors.parse("com.acme, org.example/tariff"),
    transfer_limits=TransferLimits(),
    retention={},
)

_KEY = ECKey.generate_key("P-256", {"kid": "test"})


class Keys:
    """The public key that the tests sign access tokens for."""

    async def keys(self, _key_id: str) -> KeySet:
        """See mesh.identity.operators.KeySource."""
        return KeySet([_KEY])


def access_token(*, tenant: str = "default", role: str = "OPERATOR") -> str:
    """An access token that is good for an hour."""
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "ann",
        "tenant": tenant,
        "role": role,
        "sid": role,
        "exp": int(time.time()) + 3600,
    }
    return jwt.encode({"alg": ALGORITHM, "kid": "test"}, claims, _KEY)


class _AsOperator(grpc.aio.UnaryUnaryClientInterceptor):
    """Sends an access token with each call that has none."""

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        metadata = list(client_call_details.metadata or ())
        if not any(key == "authorization" for key, _value in metadata):
            metadata.append(("authorization", f"Bearer {access_token()}"))
        return await continuation(client_call_details._replace(metadata=grpc.aio.Metadata(*metadata)), request)


def of_tenant(tenant: str) -> Sequence[tuple[str, str]]:
    """The metadata of a call by an operator of this tenant."""
    return (("authorization", f"Bearer {access_token(tenant=tenant)}"),)


Behaviour = Callable[[gateway_pb2.CallRequest], Awaitable[gateway_pb2.CallResponse]]


class FarGateway(GatewayServiceServicer):
    """The gateway at the other end: it writes down what it is asked, and answers as `behave` says."""

    def __init__(self) -> None:
        self.calls: list[gateway_pb2.CallRequest] = []
        self.timeouts_s: list[float] = []
        self.closed: list[tuple[str, int, int]] = []
        self.failing_closes = 0
        self.behave: Behaviour | None = None

    async def Call(self, request: gateway_pb2.CallRequest, context: Context) -> gateway_pb2.CallResponse:
        """Sends a command to a station."""
        self.calls.append(request)
        self.timeouts_s.append(float(context.time_remaining()))  # type: ignore[no-untyped-call,unused-ignore]
        assert self.behave is not None, "this test did not expect a command"
        return await self.behave(request)

    async def CloseSockets(
        self, request: gateway_pb2.CloseSocketsRequest, context: Context
    ) -> gateway_pb2.CloseSocketsResponse:
        """Closes sockets."""
        del context
        if self.failing_closes:
            self.failing_closes -= 1
            raise MeshError(grpc.StatusCode.UNAVAILABLE, Reason.DATABASE_UNAVAILABLE, "not now")
        self.closed += [(one.station_id, one.epoch, request.close_code) for one in request.sockets]
        return gateway_pb2.CloseSocketsResponse()

    async def TranslateMessage(
        self, request: gateway_pb2.TranslateMessageRequest, context: Context
    ) -> gateway_pb2.TranslateMessageResponse:
        """Translates for transaction_svc."""
        raise AssertionError("station_svc does not translate messages")


@dataclass(kw_only=True)
class StationSystem:
    """A running station_svc, stubs for it, and the gateway that holds its stations' sockets."""

    database: Database
    clock: FakeClock
    parts: Parts
    housekeeper: Housekeeper
    retention: RetentionTask
    gateway: FarGateway
    gateway_server: GrpcServer
    mesh_address: str
    ingest: "StationIngestServiceAsyncStub"
    stations: "StationServiceAsyncStub"
    commands: "CommandServiceAsyncStub"
    operators: grpc.aio.Channel  # for stubs of the other operator services
    ordinals: dict[int, int] = field(default_factory=dict)

    @property
    def gateway_address(self) -> str:
        """Where the gateway listens."""
        return f"127.0.0.1:{self.gateway_server.port}"

    @property
    def jobs(self) -> Jobs:
        """The job queue's runner, which runs only when a test lets it."""
        return next(owner for run in self.parts.background if isinstance(owner := getattr(run, "__self__", 0), Jobs))

    async def lease(self, node_id: str = NODE, address: str | None = None) -> int:
        """Takes or renews a node's lease; how long it holds, in milliseconds."""
        request = ingest_pb2.RenewNodeLeaseRequest(node_id=node_id, address=address or self.gateway_address)
        return (await self.ingest.RenewNodeLease(request)).lease_duration_ms

    async def attempt(self, *items: ingest_pb2.OpenConnectionItem) -> Sequence[ingest_pb2.OpenConnectionResult]:
        """Lets stations connect, all in one batch, and returns the results."""
        response = await self.ingest.OpenConnections(ingest_pb2.OpenConnectionsRequest(items=items))
        return response.results

    async def open(self, station_id: str, node_id: str = NODE, *, version: str = "1.6") -> int:
        """Connects a station; its epoch."""
        [result] = await self.attempt(attempt(station_id, node_id=node_id, version=version))
        assert not result.HasField("error"), result.error
        return result.epoch

    async def close(self, station_id: str, epoch: int) -> None:
        """Reports that a socket is closed."""
        item = ingest_pb2.CloseConnectionItem(
            tenant_id="default",
            station_id=station_id,
            epoch=epoch,
            close_time=to_timestamp(self.clock()),
            close_code=1000,
        )
        await self.ingest.CloseConnections(ingest_pb2.CloseConnectionsRequest(items=[item]))

    def origin(self, station_id: str, epoch: int, ordinal: int | None = None) -> origin_pb2.Origin:
        """The origin of a frame, the next one of its connection where `ordinal` is not given, read now."""
        if ordinal is None:
            ordinal = self.ordinals[epoch] = self.ordinals.get(epoch, 0) + 1
        return origin_pb2.Origin(
            tenant_id="default",
            station_id=station_id,
            epoch=epoch,
            ordinal=ordinal,
            receive_time=to_timestamp(self.clock()),
        )

    def boot_item(
        self, station_id: str, epoch: int, ordinal: int | None = None, **identity: str
    ) -> ingest_pb2.BootItem:
        """A boot."""
        return ingest_pb2.BootItem(
            origin=self.origin(station_id, epoch, ordinal),
            identity=station_pb2.StationIdentity(**{"vendor_name": "ACME", "model": "One", **identity}),
            reason=station_pb2.BOOT_REASON_POWER_UP,
        )

    async def boot(self, *items: ingest_pb2.BootItem) -> Sequence[ingest_pb2.BootResult]:
        """The answers to boots."""
        return (await self.ingest.NotifyBoots(ingest_pb2.NotifyBootsRequest(items=items))).results

    def status_item(
        self,
        station_id: str,
        epoch: int,
        ordinal: int | None = None,
        *,
        evse_id: int = 1,
        status: station_pb2.ConnectorStatus.ValueType = AVAILABLE,
        word: str = "Available",
        **more: Any,
    ) -> ingest_pb2.StatusItem:
        """A status of connector 1 of an EVSE."""
        report = station_pb2.StatusReport(
            evse=evse_pb2.EvseRef(evse_id=evse_id, connector_id=1), status=status, reported_status=word, **more
        )
        return ingest_pb2.StatusItem(origin=self.origin(station_id, epoch, ordinal), status=report)

    async def report(self, *items: ingest_pb2.StatusItem) -> Sequence[ingest_pb2.StatusResult]:
        """Sends statuses and returns the results."""
        return (await self.ingest.NotifyStatuses(ingest_pb2.NotifyStatusesRequest(items=items))).results

    async def notify(self, *items: ingest_pb2.ReportItem) -> Sequence[ingest_pb2.ReportResult]:
        """Sends reports and returns the results."""
        return (await self.ingest.NotifyReports(ingest_pb2.NotifyReportsRequest(items=items))).results

    async def station(self, station_id: str) -> station_pb2.Station:
        """A station as an operator sees it."""
        return (await self.stations.GetStation(GetStationRequest(station_id=station_id))).station

    async def create(self, station_id: str, **more: Any) -> str:
        """Adds a station; its credential."""
        return (await self.stations.CreateStation(CreateStationRequest(station_id=station_id, **more))).credential

    async def events(self, kind: str = "") -> list[tuple[str, str, dict[str, Any]]]:
        """The outbox: type, station and data, oldest first."""
        table = outbox
        query = sa.select(table.c.type, table.c.station_id, table.c.data).order_by(table.c.outbox_id)
        rows = await self.database.read(lambda connection: connection.execute(query).all())
        return [(row[0], row[1], msgspec.json.decode(row[2])) for row in rows if row[0].startswith(kind)]

    async def count(self, table: sa.Table) -> int:
        """How many rows a table has."""
        query = sa.select(sa.func.count()).select_from(table)
        return await self.database.read(lambda connection: connection.execute(query).scalar_one())


def attempt(
    station_id: str, *, node_id: str = NODE, credential: bytes = b"", username: str = "", version: str = "1.6"
) -> ingest_pb2.OpenConnectionItem:
    """A connection attempt of a station."""
    return ingest_pb2.OpenConnectionItem(
        station_id=station_id,
        node_id=node_id,
        ocpp_version=version,
        remote_address="127.0.0.1",
        credential=credential,
        username=username,
    )


def reason_of(result: Any) -> str:
    """The reason of an item's error; empty where there is none."""
    return from_status(result.error).reason if result.HasField("error") else ""


@contextmanager
def fails_with(reason: str) -> Iterator[list[MeshError]]:
    """Expects a call to fail with this reason; the list holds the error afterwards."""
    caught: list[MeshError] = []
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        yield caught
    caught.append(from_rpc_error(raised.value))
    assert caught[0].reason == reason, raised.value


StartSystem = Callable[..., Awaitable[StationSystem]]


@pytest.fixture
def schemas() -> tuple[str, ...]:
    """The database has the schema of station_svc."""
    return ("station",)


@pytest.fixture
async def start_system(database_url: str, clock: FakeClock) -> AsyncIterator[StartSystem]:
    """Starts station_svc, with other settings where they are given; can be called again, for a second replica."""
    async with AsyncExitStack() as stack:
        yield partial(_start, stack, database_url, clock)


@pytest.fixture
async def system(start_system: StartSystem) -> StationSystem:
    """A running station_svc that accepts every station, and a gateway with a lease."""
    system = await start_system()
    await system.lease()
    return system


async def _start(stack: AsyncExitStack, url: str, clock: FakeClock, **settings: Any) -> StationSystem:
    database = Database(engine=make_engine(url, "station"))
    stack.push_async_callback(database.close)
    parts = await build(database, stack, settings=replace(SETTINGS, **settings), clock=clock)
    closing = asyncio.create_task(_run(parts.background[0]))
    stack.push_async_callback(_cancel, closing)
    gateway = FarGateway()
    gateway_server = mesh_server("127.0.0.1:0", identity=identity_of("gateway"), services=MESH_SERVICES["gateway"])
    add_GatewayServiceServicer_to_server(gateway, gateway_server.server)
    mesh = mesh_server("127.0.0.1:0", identity=identity_of("station"), services=MESH_SERVICES["station"])
    access = scoped_access(Keys())
    operator = operator_server("127.0.0.1:0", access=access, services=OPERATOR_SERVICES["station"], scopes=parts.scopes)
    for add in parts.mesh:
        add(mesh.server)
    for add in parts.operator:
        add(operator.server)
    for server in (gateway_server, mesh, operator):
        await server.start()
        stack.push_async_callback(server.stop, 0)
    mesh_channel = open_channel(f"127.0.0.1:{mesh.port}", identity=identity_of("gateway"), to="station")
    stack.push_async_callback(mesh_channel.close)
    operator_channel = grpc.aio.insecure_channel(f"127.0.0.1:{operator.port}", interceptors=[_AsOperator()])
    stack.push_async_callback(operator_channel.close)
    return StationSystem(
        database=database,
        clock=clock,
        parts=parts,
        housekeeper=_housekeeper(database, clock),
        retention=retention_task(database=database, clock=clock, storage=STORAGE, days={}, chunk=3),
        gateway=gateway,
        gateway_server=gateway_server,
        mesh_address=f"127.0.0.1:{mesh.port}",
        ingest=StationIngestServiceStub(mesh_channel),
        stations=StationServiceStub(operator_channel),
        commands=CommandServiceStub(operator_channel),
        operators=operator_channel,
    )


def _housekeeper(database: Database, clock: FakeClock) -> Housekeeper:
    due = [feature.end_due for feature in FEATURES if feature.end_due]
    return Housekeeper(database=database, clock=clock, storage=STORAGE, due=due, chunk=3)


async def _run(task: Callable[[], Awaitable[None]]) -> None:
    await task()


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
