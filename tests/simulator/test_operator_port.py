"""Acts of operators on simulated stations: the service over gRPC, behind its checks, with stations that speak OCPP."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from csms.simulator.v1 import simulator_service_pb2 as pb
from csms.simulator.v1.simulator_service_pb2_grpc import SimulatorServiceStub
from ocpp.v16.enums import ChargePointErrorCode
from structlog.testing import capture_logs

from mesh.runtime.call_rules import CallRules
from mesh.runtime.errors import from_rpc_error
from simulator.fleet import FleetOptions, StationMaker
from simulator.live_fleet import LiveFleet
from simulator.misbehaviour import QUIRKS
from simulator.operator_port import serve_with
from simulator.settings import OperatorSettings
from simulator.views import ERROR_CODES
from tests.mesh_identities import mesh_settings
from tests.scoped_callers import limited_to, scoped_access
from tests.simulator.central import Central, central_system
from tests.simulator.running import SPEED, until
from tests.station_svc.conftest import Keys, access_token, fails_with

if TYPE_CHECKING:  # these are there for the type checker only
    from csms.simulator.v1.simulator_service_pb2_grpc import SimulatorServiceAsyncStub

ONLINE = pb.SIMULATED_STATION_STATE_ONLINE
MOST_ON = 2


@dataclass(kw_only=True)
class Rig:
    """A simulator whose operator port is open, and the central system of its stations."""

    central: Central
    fleet: LiveFleet
    stub: "SimulatorServiceAsyncStub"
    channel: grpc.aio.Channel

    async def start(self, station_id: str = "NEW", **more: Any) -> pb.SimulatedStation:
        """Starts a station."""
        request = pb.StartSimulatedStationRequest(station_id=station_id, **more)
        return (await self.stub.StartSimulatedStation(request, metadata=operator())).station

    async def get(self, station_id: str = "NEW") -> pb.SimulatedStation:
        """A station."""
        request = pb.GetSimulatedStationRequest(station_id=station_id)
        return (await self.stub.GetSimulatedStation(request, metadata=operator())).station

    async def act(self, name: str, station_id: str = "NEW", **more: Any) -> pb.SimulatedStation:
        """Calls the method of this name."""
        request = getattr(pb, f"{name}Request")(station_id=station_id, **more)
        answer = await getattr(self.stub, name)(request, metadata=operator())
        station: pb.SimulatedStation = answer.station
        return station

    async def until_online(self, station_id: str = "NEW") -> None:
        """Waits until a station is connected and accepted, and has reported its statuses."""
        runner = self.fleet.find(station_id)
        assert runner is not None
        await until(lambda: runner.is_online and runner.memory.accepted)

    def connectors_reported(self) -> list[tuple[int, str, str]]:
        """The statuses of connectors, as they were reported."""
        reports = self.central.of("StatusNotification")
        return [(one["connector_id"], one["status"], one["error_code"]) for one in reports]


def operator(role: str = "OPERATOR", tenant: str = "default") -> Sequence[tuple[str, str]]:
    """The metadata of a call by somebody with this role."""
    return (("authorization", f"Bearer {access_token(tenant=tenant, role=role)}"),)


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """With a fleet of one station, CP001, which nobody uses, and room for one more."""
    async with central_system() as central, AsyncExitStack() as stack:
        options = FleetOptions(
            url=f"ws://127.0.0.1:{central.port}/ocpp",
            stations=1,
            prefix="CP",
            speed=SPEED,
            seed=1,
            id_tags=["DEMO"],
            passwords={},
        )
        maker = StationMaker(options)
        runners = maker.fleet()
        runners[0].station.is_driven = False
        fleet, stop = LiveFleet(runners, most_on=MOST_ON), asyncio.Event()
        settings = OperatorSettings(
            address="127.0.0.1:0", auth_address="127.0.0.1:1", mesh=mesh_settings("simulator"), call_rules=CallRules()
        )
        port = await serve_with(stack, settings, access=scoped_access(Keys()), fleet=fleet, maker=maker)
        running = asyncio.create_task(fleet.run(stop))
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{port}"))
        yield Rig(central=central, fleet=fleet, stub=SimulatorServiceStub(channel), channel=channel)
        stop.set()
        await running


async def test_a_station_is_made_used_and_switched_off(rig: Rig) -> None:
    """It boots as it was ordered; vehicle and id token begin a transaction, the cable ends it."""
    with capture_logs() as logs:
        made = await rig.start(evse_count=3, max_power_w=50_000, sample_interval_s=15)
    assert [(evse.evse_id, evse.max_power_w) for evse in made.evses] == [(1, 50_000), (2, 50_000), (3, 50_000)]
    assert (made.sample_interval_s, made.drivers, made.ocpp_version) == (15, False, "1.6")
    [entry] = [log for log in logs if log["event"] == "operator acts"]
    assert (entry["method"], entry["station_id"], entry["caller"]) == ("StartSimulatedStation", "NEW", "user:ann")
    await rig.until_online()
    assert "Post 3x50" in [boot["charge_point_model"] for boot in rig.central.of("BootNotification")]
    plugged = await rig.act("PlugIn", evse_id=2, vehicle=pb.SimulatedVehicle(soc_percent=50))
    assert plugged.evses[1].vehicle == pb.SimulatedVehicle(
        capacity_wh=58_000, max_power_w=11_000, soc_percent=50, target_soc_percent=100
    )
    assert plugged.evses[1].by_hand
    await rig.act("PresentIdToken", evse_id=2, id_token="ADA")
    await rig.central.until(lambda: "MeterValues" in rig.central.actions())
    [start] = rig.central.of("StartTransaction")
    assert (start["connector_id"], start["id_tag"]) == (2, "ADA")
    charging = (await rig.get()).evses[1]
    assert (charging.status, charging.transaction.id_token) == ("Charging", "ADA")
    assert charging.transaction.transaction_id
    assert charging.power_w > 0
    unplugged = await rig.act("Unplug", evse_id=2)
    assert not unplugged.evses[1].HasField("transaction")
    assert not unplugged.evses[1].by_hand
    await rig.central.until(lambda: "StopTransaction" in rig.central.actions())
    stopped = await rig.act("StopSimulatedStation")
    assert stopped.state == pb.SIMULATED_STATION_STATE_STOPPED
    for name in ("GoOffline", "GoOnline", "Misbehave"):
        with fails_with("SIMULATED_STATION_STOPPED"):
            await rig.act(name)
    with fails_with("SIMULATED_STATION_STOPPED"):
        await rig.act("PlugIn", evse_id=1)
    assert (await rig.act("StopSimulatedStation")).state == pb.SIMULATED_STATION_STATE_STOPPED


async def test_the_token_that_began_a_transaction_ends_it(rig: Rig) -> None:
    await rig.until_online("CP001")
    await rig.act("PlugIn", "CP001", evse_id=1)
    await rig.act("PresentIdToken", "CP001", evse_id=1, id_token="ADA")
    await rig.central.until(lambda: "MeterValues" in rig.central.actions())
    await rig.act("PresentIdToken", "CP001", evse_id=1, id_token="ADA")
    await rig.central.until(lambda: "StopTransaction" in rig.central.actions())
    assert rig.central.of("StopTransaction")[0]["reason"] == "Local"
    assert (await rig.get("CP001")).evses[0].status == "Finishing"


async def test_a_station_that_is_started_again_goes_on(rig: Rig) -> None:
    """The meter and the vehicle are as they were, the time between did not pass; what was left is sent."""
    await rig.until_online("CP001")
    await rig.act("PlugIn", "CP001", evse_id=1)
    await rig.act("PresentIdToken", "CP001", evse_id=1, id_token="ADA")
    await rig.central.until(lambda: "MeterValues" in rig.central.actions())
    await rig.act("GoOffline", "CP001")
    stopped = await rig.act("StopSimulatedStation", "CP001")
    assert stopped.queued_message_count > 0
    boots = len(rig.central.of("BootNotification"))
    started = await rig.start("CP001", drivers=False, sample_interval_s=90)
    assert (started.evses[0].register_wh, started.sample_interval_s) == (stopped.evses[0].register_wh, 90)
    assert started.evses[0].HasField("vehicle")
    await rig.central.until(lambda: "StopTransaction" in rig.central.actions())
    assert rig.central.of("StopTransaction")[0]["reason"] == "PowerLoss"
    assert len(rig.central.of("BootNotification")) == boots + 1
    with fails_with("SIMULATED_STATION_RUNNING"):
        await rig.start("CP001")
    with fails_with("INVALID_FIELD"):
        await rig.start("CP001", evse_count=9)


async def test_a_fault_is_reported_with_its_code_until_it_is_cleared(rig: Rig) -> None:
    """A second code is reported, too; a transaction ends."""
    await rig.until_online("CP001")
    await rig.act("PlugIn", "CP001", evse_id=1)
    await rig.act("PresentIdToken", "CP001", evse_id=1, id_token="ADA")
    await rig.central.until(lambda: "StartTransaction" in rig.central.actions())
    broken = await rig.act("Fault", "CP001", evse_id=1, error_code=pb.SIMULATED_ERROR_CODE_GROUND_FAILURE)
    assert (broken.evses[0].status, broken.evses[0].error_code) == ("Faulted", pb.SIMULATED_ERROR_CODE_GROUND_FAILURE)
    await rig.central.until(lambda: (1, "Faulted", "GroundFailure") in rig.connectors_reported())
    await rig.central.until(lambda: "StopTransaction" in rig.central.actions())
    await rig.act("Fault", "CP001", evse_id=1, error_code=pb.SIMULATED_ERROR_CODE_OVER_VOLTAGE)
    await rig.central.until(lambda: (1, "Faulted", "OverVoltage") in rig.connectors_reported())
    await rig.act("Fault", "CP001", evse_id=1)
    await rig.central.until(lambda: (1, "Faulted", "OtherError") in rig.connectors_reported())
    mended = await rig.act("ClearFault", "CP001", evse_id=1)
    assert mended.evses[0].error_code == pb.SIMULATED_ERROR_CODE_UNSPECIFIED
    await rig.central.until(lambda: rig.connectors_reported()[-1] == (1, "Finishing", "NoError"))
    assert (await rig.act("ClearFault", "CP001", evse_id=1)).evses[0].status == "Finishing"


async def test_a_cut_line_keeps_the_station_off_until_it_is_mended(rig: Rig) -> None:
    """Its life goes on: what happens meanwhile is sent afterwards."""
    await rig.until_online("CP001")
    await rig.act("PlugIn", "CP001", evse_id=1)
    await rig.act("PresentIdToken", "CP001", evse_id=1, id_token="ADA")
    await rig.central.until(lambda: "StartTransaction" in rig.central.actions())
    cut = await rig.act("GoOffline", "CP001")
    assert cut.state == pb.SIMULATED_STATION_STATE_LINE_CUT
    runner = rig.fleet.find("CP001")
    assert runner is not None
    await until(lambda: not runner.is_online)
    connections = rig.central.connections
    await rig.act("Unplug", "CP001", evse_id=1)
    assert (await rig.get("CP001")).queued_message_count > 0
    assert "StopTransaction" not in rig.central.actions()
    await rig.act("GoOnline", "CP001")
    await rig.central.until(lambda: "StopTransaction" in rig.central.actions())
    assert rig.central.connections == connections + 1
    assert (await rig.act("GoOnline", "CP001")).state == ONLINE


async def test_a_station_that_is_being_refused_can_be_cut(rig: Rig) -> None:
    """While it waits to connect again, too; then it connects at once."""
    await rig.until_online("CP001")
    await rig.central.shut()
    runner = rig.fleet.find("CP001")
    assert runner is not None
    await until(lambda: not runner.is_online)
    assert (await rig.act("GoOffline", "CP001")).state == pb.SIMULATED_STATION_STATE_LINE_CUT
    await rig.central.listen()
    await rig.act("GoOnline", "CP001")
    await rig.until_online("CP001")


async def test_misbehaviour_begins_and_ends_while_the_station_runs(rig: Rig) -> None:
    """Over a new connection. Quirk 22 shows: a sample follows the stop."""
    await rig.until_online("CP001")
    connections = rig.central.connections
    late = pb.MISBEHAVIOUR_LATE_METER_VALUES
    assert list((await rig.act("Misbehave", "CP001", misbehaviours=[late])).misbehaviours) == [late]
    await rig.central.until(lambda: rig.central.connections == connections + 1)
    await rig.act("PlugIn", "CP001", evse_id=1)
    await rig.act("PresentIdToken", "CP001", evse_id=1, id_token="ADA")
    await rig.central.until(lambda: "StartTransaction" in rig.central.actions())
    await rig.act("Unplug", "CP001", evse_id=1)
    await rig.central.until(lambda: "StopTransaction" in rig.central.actions())
    await rig.central.until(lambda: rig.central.actions()[-1] == "MeterValues")
    assert not (await rig.act("Misbehave", "CP001")).misbehaviours
    await rig.central.until(lambda: rig.central.connections == connections + 2)
    with fails_with("INVALID_FIELD"):
        await rig.act("Misbehave", "CP001", misbehaviours=[23])


async def test_as_many_are_switched_on_as_may_be(rig: Rig) -> None:
    """One that was switched off makes room, and is gone then."""
    await rig.start("A")
    with fails_with("TOO_MANY_SIMULATED_STATIONS"):
        await rig.start("B")
    await rig.act("StopSimulatedStation", "A")
    await rig.start("B")
    with fails_with("SIMULATED_STATION_NOT_FOUND"):
        await rig.get("A")
    await rig.act("StopSimulatedStation", "B")
    await rig.start("C")
    assert [_id(one) for one in rig.fleet.all()] == ["C", "CP001"]


def _id(runner: Any) -> str:
    station_id: str = runner.station.identity.station_id
    return station_id


async def test_stations_are_listed_in_pages(rig: Rig) -> None:
    await rig.start("A")
    request = pb.ListSimulatedStationsRequest(page_size=1)
    first = await rig.stub.ListSimulatedStations(request, metadata=operator())
    request.page_token = first.next_page_token
    second = await rig.stub.ListSimulatedStations(request, metadata=operator())
    assert [one.station_id for page in (first, second) for one in page.stations] == ["A", "CP001"]
    assert (bool(first.next_page_token), second.next_page_token) == (True, "")
    with fails_with("INVALID_PAGE_TOKEN"):
        request.page_token = "none"
        await rig.stub.ListSimulatedStations(request, metadata=operator())


@pytest.mark.parametrize(
    ("name", "request_fields"),
    [
        ("StartSimulatedStation", {"station_id": "a/b"}),
        ("StartSimulatedStation", {"station_id": "N" * 49}),
        ("StartSimulatedStation", {"evse_count": 17}),
        ("StartSimulatedStation", {"max_power_w": 10}),
        ("StartSimulatedStation", {"ocpp_version": "2.1"}),
        ("StartSimulatedStation", {"sample_interval_s": -1}),
        ("PlugIn", {"evse_id": 9}),
        ("PlugIn", {"evse_id": 1, "vehicle": pb.SimulatedVehicle(soc_percent=101)}),
        ("PlugIn", {"evse_id": 1, "vehicle": pb.SimulatedVehicle(capacity_wh=-5)}),
        ("PresentIdToken", {"evse_id": 1, "id_token": "X" * 21}),
        ("Fault", {"evse_id": 1, "error_code": 99}),
        ("Fault", {}),
    ],
)
async def test_wrong_fields_are_refused(rig: Rig, name: str, request_fields: dict[str, Any]) -> None:
    fields = {"station_id": "CP001"} | request_fields
    if name == "StartSimulatedStation":
        fields = {"station_id": "X"} | request_fields
    with fails_with("INVALID_FIELD"):
        await rig.act(name, **fields)
    assert [_id(one) for one in rig.fleet.all()] == ["CP001"]


async def test_vehicles_are_plugged_in_once(rig: Rig) -> None:
    with fails_with("NO_VEHICLE"):
        await rig.act("Unplug", "CP001", evse_id=1)
    await rig.act("PlugIn", "CP001", evse_id=1)
    with fails_with("VEHICLE_PLUGGED_IN"):
        await rig.act("PlugIn", "CP001", evse_id=1)


async def test_drivers_keep_away_from_an_evse_that_an_operator_uses(rig: Rig) -> None:
    """As long as its vehicle is there; at another one they come."""
    started = await rig.start(evse_count=2, drivers=True)
    assert started.drivers
    await rig.act("PlugIn", evse_id=1)
    runner = rig.fleet.find("NEW")
    assert runner is not None
    await until(lambda: runner.station.connectors[2].vehicle is not None)
    assert runner.station.connectors[1].transaction is None
    await rig.act("Unplug", evse_id=1)
    await until(lambda: runner.station.connectors[1].vehicle is not None)


async def test_callers_are_checked(rig: Rig) -> None:
    """A viewer reads and does nothing; other tenants and parts of this one see no station."""
    get = pb.GetSimulatedStationRequest(station_id="CP001")
    stop = pb.StopSimulatedStationRequest(station_id="CP001")
    assert (await rig.stub.GetSimulatedStation(get, metadata=operator("VIEWER"))).station.station_id == "CP001"
    with fails_with("ROLE_TOO_LOW"):
        await rig.stub.StopSimulatedStation(stop, metadata=operator("VIEWER"))
    with fails_with("ROLE_TOO_LOW"):
        await rig.stub.GetSimulatedStation(get, metadata=operator("PLATFORM_ADMINISTRATOR"))
    with fails_with("SCOPE_TOO_NARROW"):
        await rig.stub.StopSimulatedStation(stop, metadata=limited_to("berlin"))
    other = operator(tenant="other")
    for call in (
        rig.stub.GetSimulatedStation(get, metadata=other),
        rig.stub.StopSimulatedStation(stop, metadata=other),
        rig.stub.StartSimulatedStation(pb.StartSimulatedStationRequest(station_id="MINE"), metadata=other),
    ):
        with fails_with("SIMULATED_STATION_NOT_FOUND"):
            await call
    listed = await rig.stub.ListSimulatedStations(pb.ListSimulatedStationsRequest(), metadata=other)
    assert not listed.stations
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await rig.stub.GetSimulatedStation(get)
    assert from_rpc_error(raised.value).code is grpc.StatusCode.UNAUTHENTICATED
    assert [_id(one) for one in rig.fleet.all()] == ["CP001"]


def test_the_contract_has_each_quirk_and_each_error_code() -> None:
    assert set(pb.Misbehaviour.values()) - {0} == set(QUIRKS)
    words = {word for number, word in ERROR_CODES.items() if number}
    assert words == {one.value for one in ChargePointErrorCode} - {"NoError"}
    assert set(ERROR_CODES) == set(pb.SimulatedErrorCode.values()) - {0}
