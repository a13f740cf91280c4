"""The simulator's own service, in a mesh where simulators run and in one where none does."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from csms.options.v1 import options_pb2

from mesh.contract.services import OPERATOR_SERVICES, OPTIONAL_OPERATOR_SERVICES
from mesh.identity.callers import Role
from mesh.identity.permissions import permissions_of
from tests.front_door.administration import Administration, Bearer
from tests.front_door.conftest import PLATFORM, PLATFORM_PASSWORD
from tests.front_door.reflection import reflected_rpcs
from tests.front_door.walk import ADMITTED, Doors, Rpc, Visitor
from tests.local_run.processes import wait_until
from tests.running_mesh import RunningMesh, running_mesh

SERVICE = "csms.simulator.v1.SimulatorService"
OWN = frozenset({options_pb2.PERMISSION_OWN_ACCOUNT})


@pytest.fixture(scope="module")
def simulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMesh]:
    """A mesh with its simulated stations, whose operator port is open."""
    with running_mesh(tmp_path_factory.mktemp("simulators"), CSMS_DEMO="1", **PLATFORM) as running:
        bearer = {"authorization": f"Bearer {running.token()}"}
        path = "/v1/simulatedStations"
        assert wait_until(lambda: running.request("GET", path, **bearer).status == 200, 60.0)
        yield running


@pytest.fixture(scope="module")
def bearer(simulators: RunningMesh) -> Bearer:
    """The administrator's access token."""
    return {"authorization": f"Bearer {simulators.token()}"}


@pytest.fixture(scope="module")
def administration(simulators: RunningMesh, bearer: Bearer) -> Administration:
    """An administrator."""
    return Administration(simulators, bearer)


@pytest.fixture(scope="module")
def rpcs(simulators: RunningMesh) -> list[Rpc]:
    """The RPCs that reflection lists."""
    return reflected_rpcs(simulators.target, simulators.token())


def test_reflection_lists_the_service_where_it_runs(rpcs: list[Rpc]) -> None:
    services = {name for names in (OPERATOR_SERVICES | OPTIONAL_OPERATOR_SERVICES).values() for name in names}
    assert {rpc.service for rpc in rpcs} == services


def test_elsewhere_there_is_no_trace_of_it(mesh: RunningMesh) -> None:
    """Neither in reflection, nor over REST, nor over gRPC; nor has anybody a key of that part."""
    token = mesh.token()
    assert SERVICE not in {rpc.service for rpc in reflected_rpcs(mesh.target, token)}
    answer = mesh.request("GET", "/v1/simulatedStations", authorization=f"Bearer {token}")
    assert (answer.status, answer.reason) == (404, "UNKNOWN_PATH")
    with grpc.insecure_channel(mesh.target) as channel:
        call: Any = channel.unary_unary(f"/{SERVICE}/ListSimulatedStations")
        with pytest.raises(grpc.RpcError) as raised:
            call(b"", metadata=(("authorization", f"Bearer {token}"),), timeout=30)
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert not list(mesh.data_dir.rglob("simulator.json"))
    assert not list(mesh.data_dir.rglob("private/simulator/*"))


def _visitors(simulators: RunningMesh, administration: Administration) -> list[Visitor]:
    platform = administration.login("platform", password=PLATFORM_PASSWORD, tenantId="platform")
    read, write = options_pb2.PERMISSION_SIMULATOR_READ, options_pb2.PERMISSION_SIMULATOR_WRITE
    others = permissions_of(Role.ADMINISTRATOR) - OWN - {read, write}
    return [
        Visitor(name="no token"),
        Visitor(name="garbage", headers={"authorization": "Bearer garbage"}),
        *(
            Visitor(
                name=role.name,
                headers=administration.user(f"walker-{role.name.lower()}", role=f"ROLE_{role.name}"),
                permissions=frozenset(permissions_of(role)),
            )
            for role in (Role.VIEWER, Role.OPERATOR)
        ),
        Visitor(name="platform", headers=platform, permissions=permissions_of(Role.PLATFORM_ADMINISTRATOR)),
        Visitor(
            name="writer",
            headers=administration.custom_role("writer", frozenset({write})),
            permissions=frozenset({write}) | OWN,
        ),
        Visitor(name="API key of all others", headers=administration.api_key(others), permissions=others),
        Visitor(name="API key", headers=administration.api_key(frozenset({read})), permissions=frozenset({read})),
    ]


def test_each_of_its_rpcs_refuses_whoever_may_not_call_it(
    simulators: RunningMesh, administration: Administration, rpcs: list[Rpc]
) -> None:
    """Over gRPC, gRPC-web and REST; the permission for the simulator alone lets in."""
    own = [rpc for rpc in rpcs if rpc.service == SERVICE]
    visitors = _visitors(simulators, administration)
    faults: list[str] = []

    def walk(rpc: Rpc, visitor: Visitor) -> None:
        expected = visitor.expected(rpc)
        calls = [doors.by_grpc, doors.by_grpc_web]
        if expected != ADMITTED or rpc.is_harmless_by_rest():
            calls.append(doors.by_rest)
        for call in calls:
            outcome = call(rpc, visitor)
            if outcome.code != expected:
                faults.append(f"{rpc.path} {call.__name__} as {visitor.name}: {outcome.code} instead of {expected}")

    with Doors(simulators.target) as doors, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda pair: walk(*pair), [(rpc, visitor) for rpc in own for visitor in visitors]))
    assert len(own) == 12
    assert not faults, "\n".join(faults[:40])


def test_a_station_is_driven_through_the_front_door(simulators: RunningMesh, bearer: Bearer) -> None:
    """Made, charged at, broken and cut off over REST; the mesh knows all of it by the station's own reports."""
    path = "/v1/simulatedStations/PAGE-1"

    def post(verb: str, **body: Any) -> Any:
        answer = simulators.request("POST", f"{path}:{verb}", body=body, **bearer)
        assert answer.status == 200, answer
        return answer.json

    def state() -> Any:
        return simulators.request("GET", path, **bearer).json["state"]

    def known() -> Any:
        answer = simulators.request("GET", "/v1/stations/PAGE-1", **bearer)
        return answer.json if answer.status == 200 else {}

    def transactions() -> Any:
        found = simulators.request("GET", "/v1/transactions?filter=station_id%3D%22PAGE-1%22", **bearer)
        return found.json["transactions"]

    assert post("start", evseCount=2)["state"] == "SIMULATED_STATION_STATE_CONNECTING"
    # It is connected before it is accepted, and an unaccepted station asks nobody about a token.
    assert wait_until(lambda: state() == "SIMULATED_STATION_STATE_ONLINE", 60.0)
    assert known()["connected"] is True
    post("plugIn", evseId=1)
    post("presentIdToken", evseId=1, idToken="PAGE-TAG")
    assert wait_until(lambda: [one["state"] for one in transactions()] == ["TRANSACTION_STATE_ACTIVE"], 60.0)
    post("presentIdToken", evseId=1, idToken="PAGE-TAG")
    assert wait_until(lambda: [one["state"] for one in transactions()] == ["TRANSACTION_STATE_ENDED"], 60.0)
    faulted = post("fault", evseId=2, errorCode="SIMULATED_ERROR_CODE_GROUND_FAILURE")
    assert faulted["evses"][1]["status"] == "Faulted"
    assert wait_until(lambda: "GroundFailure" in str(_reports(simulators, bearer)), 60.0)
    post("goOffline")
    assert wait_until(lambda: known()["connected"] is False, 60.0)
    post("goOnline")
    assert wait_until(lambda: known()["connected"] is True, 60.0)
    assert post("stop")["state"] == "SIMULATED_STATION_STATE_STOPPED"
    fleet = simulators.request("GET", "/v1/simulatedStations", **bearer).json["stations"]
    assert [one["stationId"] for one in fleet] == [*(f"CP00{number}" for number in range(1, 6)), "PAGE-1"]
    unknown = simulators.request("POST", f"{path}:fault", body={"evseId": 1, "colour": "red"}, **bearer)
    assert (unknown.status, unknown.reason) == (400, "UNKNOWN_FIELD")


def _reports(simulators: RunningMesh, bearer: Bearer) -> Any:
    return simulators.request("GET", "/v1/stations/PAGE-1/statusReports", **bearer).json


def test_the_mesh_is_healthy_without_it(simulators: RunningMesh, bearer: Bearer) -> None:
    """A simulator that is killed is started again, and serves again."""
    os.kill(simulators.pid("simulator"), signal.SIGKILL)
    assert simulators.request("GET", "/healthz").status == 200
    path = "/v1/simulatedStations/CP001"
    assert wait_until(lambda: simulators.request("GET", path, **bearer).status == 200, 60.0)
