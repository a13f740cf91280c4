"""gRPC at the front door, and the ports behind it."""

from dataclasses import replace

import grpc
import pytest
from csms.auth.v1 import user_service_pb2 as users
from csms.auth.v1 import user_service_pb2_grpc as users_grpc
from csms.options.v1 import options_pb2
from csms.station.v1 import station_ingest_service_pb2 as ingest
from csms.station.v1 import station_ingest_service_pb2_grpc as ingest_grpc
from csms.station.v1 import station_service_pb2 as stations
from csms.station.v1 import station_service_pb2_grpc as stations_grpc
from csms.transaction.v1 import transaction_service_pb2 as transactions
from csms.transaction.v1 import transaction_service_pb2_grpc as transactions_grpc
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

from mesh.contract.services import MESH_SERVICES, OPERATOR_SERVICES
from tests.front_door.reflection import WithMetadata
from tests.running_mesh import RunningMesh

Metadata = tuple[tuple[str, str], ...]


@pytest.fixture
def metadata(token: str) -> Metadata:
    """Metadata of calls with the administrator's token."""
    return (("authorization", f"Bearer {token}"),)


def _reason(error: grpc.RpcError) -> str:
    # Raises where code or message of the details are not those of the call.
    status = rpc_status.from_call(error)
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert info.domain == "csms"
    return str(info.reason)


def test_login_and_a_call(channel: grpc.Channel, mesh: RunningMesh, station_id: str) -> None:
    """The ways of a stub's user."""
    request = users.LoginRequest(username="admin", password=mesh.admin_password)
    token = users_grpc.UserServiceStub(channel).Login(request, timeout=60).access_token
    station = stations_grpc.StationServiceStub(channel).GetStation(
        stations.GetStationRequest(station_id=station_id),
        metadata=(("authorization", f"Bearer {token}"),),
        timeout=60,
    )
    assert station.station.station_id == station_id


def test_every_operator_service_is_there(channel: grpc.Channel, metadata: Metadata) -> None:
    """One call to each cluster."""
    listed = transactions_grpc.TransactionServiceStub(channel).ListTransactions(
        transactions.ListTransactionsRequest(), metadata=metadata, timeout=60
    )
    assert list(listed.transactions) == []
    verified = users_grpc.UserServiceStub(channel).Verify(users.VerifyRequest(), metadata=metadata, timeout=60)
    assert verified.user.username == "admin"


def test_a_services_error_keeps_its_details(channel: grpc.Channel, metadata: Metadata) -> None:
    """In grpc-status-details-bin."""
    with pytest.raises(grpc.RpcError) as failure:
        stations_grpc.StationServiceStub(channel).GetStation(
            stations.GetStationRequest(station_id="nobody"), metadata=metadata, timeout=60
        )
    assert failure.value.code() is grpc.StatusCode.NOT_FOUND
    assert _reason(failure.value) == "STATION_NOT_FOUND"


def test_without_a_token(channel: grpc.Channel) -> None:
    """The front door's own error has details too."""
    with pytest.raises(grpc.RpcError) as failure:
        stations_grpc.StationServiceStub(channel).GetStation(stations.GetStationRequest(station_id="X"), timeout=60)
    assert failure.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert _reason(failure.value) == "INVALID_TOKEN"


def test_mesh_services_are_not_there(channel: grpc.Channel, metadata: Metadata) -> None:
    """With a token: unimplemented; without one nothing is said at all."""
    stub = ingest_grpc.StationIngestServiceStub(channel)
    request = ingest.RenewNodeLeaseRequest()
    with pytest.raises(grpc.RpcError) as failure:
        stub.RenewNodeLease(request, metadata=(*metadata, ("csms-mesh-secret", "x")), timeout=60)
    assert failure.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert _reason(failure.value) == "UNKNOWN_PATH"
    with pytest.raises(grpc.RpcError) as failure:
        stub.RenewNodeLease(request, timeout=60)
    assert failure.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize("secret", [(), (("csms-mesh-secret", "wrong"),)])
def test_a_mesh_port_refuses_strangers(mesh: RunningMesh, secret: Metadata) -> None:
    """A caller that gets past the front door needs the secret."""
    with grpc.insecure_channel(mesh.address("station")) as channel, pytest.raises(grpc.RpcError) as failure:
        ingest_grpc.StationIngestServiceStub(channel).RenewNodeLease(
            ingest.RenewNodeLeaseRequest(), metadata=secret, timeout=60
        )
    assert failure.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_an_operator_port_checks_tokens_itself(mesh: RunningMesh, metadata: Metadata) -> None:
    """And serves no mesh service."""
    with grpc.insecure_channel(mesh.address("station", "operator_address")) as channel:
        with pytest.raises(grpc.RpcError) as failure:
            stations_grpc.StationServiceStub(channel).ListStations(stations.ListStationsRequest(), timeout=60)
        assert failure.value.code() is grpc.StatusCode.UNAUTHENTICATED
        with pytest.raises(grpc.RpcError) as failure:
            ingest_grpc.StationIngestServiceStub(channel).RenewNodeLease(
                ingest.RenewNodeLeaseRequest(), metadata=metadata, timeout=60
            )
        assert failure.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize(
    ("process", "name"),
    [
        *((p, n) for p in ("station", "transaction", "auth") for n in ("address", "operator_address")),
        ("gateway", "address"),
    ],
)
def test_every_port_tells_its_health(mesh: RunningMesh, process: str, name: str) -> None:
    """grpc.health.v1, without any credential."""
    with grpc.insecure_channel(mesh.address(process, name)) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=60)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize("process", ["station", "transaction", "auth", "gateway"])
def test_every_process_has_metrics(mesh: RunningMesh, process: str) -> None:
    """In Prometheus's format."""
    port = mesh.address(process, "metrics_address").rpartition(":")[2]
    beside = replace(mesh, http_url=f"http://127.0.0.1:{port}")
    assert b"process_cpu_seconds_total" in beside.request("GET", "/metrics").body


@pytest.fixture
def reflection(channel: grpc.Channel, metadata: Metadata) -> ProtoReflectionDescriptorDatabase:
    """Reflection, asked with a token."""
    return ProtoReflectionDescriptorDatabase(grpc.intercept_channel(channel, WithMetadata(metadata)))


@pytest.mark.parametrize("token", [None, "nonsense"])
@pytest.mark.parametrize("beside", [False, True], ids=["front door", "operator port"])
def test_reflection_needs_a_token(mesh: RunningMesh, token: str | None, beside: bool) -> None:
    """At the front door, and at the port behind it."""
    target = mesh.address("station", "operator_address") if beside else mesh.target
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    with grpc.insecure_channel(target) as channel:
        asked = ProtoReflectionDescriptorDatabase(grpc.intercept_channel(channel, WithMetadata(metadata)))
        with pytest.raises(grpc.RpcError) as failure:
            asked.get_services()
    assert failure.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_reflection_shows_no_mesh_contract(reflection: ProtoReflectionDescriptorDatabase) -> None:
    """Neither its services and messages by name, nor its files."""
    for services in MESH_SERVICES.values():
        for service in services:
            with pytest.raises(KeyError):
                reflection.FindFileContainingSymbol(service)
    for name in (
        "csms.gateway.v1.CallRequest",
        "csms.station.v1.OpenConnectionItem",
        "csms.event.v1.PublishEventItem",
    ):
        with pytest.raises(KeyError):
            reflection.FindFileContainingSymbol(name)
    for file in ("csms/gateway/v1/gateway_service.proto", "csms/event/v1/event_ingest_service.proto"):
        with pytest.raises(KeyError):
            reflection.FindFileByName(file)


def test_reflection_serves_the_options_of_the_contract(reflection: ProtoReflectionDescriptorDatabase) -> None:
    """A client can read the permission that a method needs, by the file and by the number of the option."""
    options = reflection.FindFileByName("csms/options/v1/options.proto")
    assert {option.name for option in options.extension} >= {"access", "audience", "ocpp_word"}
    assert options_pb2.access.number in reflection.FindAllExtensionNumbers("google.protobuf.MethodOptions")
    file = reflection.FindFileContainingSymbol("csms.station.v1.CommandService")
    [reset] = [method for service in file.service for method in service.method if method.name == "Reset"]
    assert reset.options.Extensions[options_pb2.access].permission == options_pb2.PERMISSION_STATIONS_COMMAND


def test_reflection_lists_the_operator_services_and_no_others(reflection: ProtoReflectionDescriptorDatabase) -> None:
    """All of the mesh, whichever process answers."""
    database = reflection
    listed = {name for name in database.get_services() if not name.startswith("grpc.reflection.")}
    assert listed == {name for names in OPERATOR_SERVICES.values() for name in names}


def test_reflection_describes_what_it_lists(reflection: ProtoReflectionDescriptorDatabase) -> None:
    """Services of other processes than the one that answers, too."""
    for services in OPERATOR_SERVICES.values():
        for service in services:
            file = reflection.FindFileContainingSymbol(service)
            assert service.rpartition(".")[2] in [found.name for found in file.service]
