"""Drift: a variable that an operator set, and that the station has with another value later."""

from typing import Any

from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.station.v1 import command_service_pb2 as command
from csms.station.v1 import device_model_pb2 as pb
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1 import station_pb2, station_service_pb2
from csms.station.v1.device_model_service_pb2 import ListVariableDriftsRequest
from csms.station.v1.device_model_service_pb2_grpc import DeviceModelServiceStub

from tests.conftest import FakeClock
from tests.station_svc.commands.far_gateway import answering
from tests.station_svc.conftest import StationSystem, of_tenant

ACCEPTED, REBOOT = command.SET_VARIABLE_STATUS_ACCEPTED, command.SET_VARIABLE_STATUS_REBOOT_REQUIRED


def _variable(name: str, value: str) -> station_pb2.Variable:
    return station_pb2.Variable(component="C", variable=name, value=value)


async def _set(
    system: StationSystem,
    station_id: str,
    name: str,
    value: str,
    status: command.SetVariableStatus.ValueType = ACCEPTED,
) -> None:
    """An operator sets a variable, and the station gives that status."""
    result = command.SetVariableResult(status=status, variable=_variable(name, value))
    answer = gateway_pb2.CallResponse(set_variables=command.SetVariablesResponse(results=[result]))
    system.gateway.behave = answering(answer)
    await system.commands.SetVariables(
        command.SetVariablesRequest(station_id=station_id, variables=[_variable(name, value)])
    )


async def _report(system: StationSystem, station_id: str, epoch: int, name: str, value: str) -> None:
    """The station reports a value."""
    variable = _variable(name, value)
    variable.attribute_type = "Actual"
    part = pb.VariableReportPart(variable_report_id=1, seq_no=0, attributes=[pb.ReportedAttribute(variable=variable)])
    item = ingest_pb2.ReportItem(origin=system.origin(station_id, epoch), variable_report_part=part)
    await system.notify(item)


async def _drifts(system: StationSystem, text: str = "", **more: Any) -> list[tuple[str, str, str, str]]:
    """The drifted variables: station, name, wished value, value; all pages, one row each."""
    service: Any = DeviceModelServiceStub(system.operators)
    found: list[tuple[str, str, str, str]] = []
    request = ListVariableDriftsRequest(filter=text, page_size=1)
    while True:
        page = await service.ListVariableDrifts(request, **more)
        for one in page.variable_drifts:
            variable = one.variable
            assert variable.drifted
            found.append((one.station_id, variable.variable, variable.wished_value, variable.value))
        request.page_token = page.next_page_token
        if not request.page_token:
            return found


async def test_a_value_that_is_not_the_one_that_was_set_is_listed(system: StationSystem, clock: FakeClock) -> None:
    """At each station, until it is set again; a variable that nobody set does not drift, nor one that was refused."""
    epochs = {one: await system.open(one, version="2.0.1") for one in ("CP1", "CP2", "CP3")}
    for station_id in epochs:
        await _set(system, station_id, "A", "10")
        await _set(system, station_id, "R", "9", command.SET_VARIABLE_STATUS_REJECTED)
    assert await _drifts(system) == []
    clock.advance(1)
    await _report(system, "CP1", epochs["CP1"], "A", "20")
    await _report(system, "CP2", epochs["CP2"], "A", "30")
    for name in ("B", "R"):
        await _report(system, "CP3", epochs["CP3"], name, "1")
    assert await _drifts(system) == [("CP1", "A", "10", "20"), ("CP2", "A", "10", "30")]
    assert await _drifts(system, "station_id = CP2") == [("CP2", "A", "10", "30")]
    assert await _drifts(system, metadata=of_tenant("other")) == []
    stations = await system.stations.ListStations(station_service_pb2.ListStationsRequest(filter="drifted = true"))
    assert [one.station_id for one in stations.stations] == ["CP1", "CP2"]
    clock.advance(1)
    await _set(system, "CP1", "A", "10")
    assert await _drifts(system) == [("CP2", "A", "10", "30")]


async def test_the_case_of_a_value_is_no_drift(system: StationSystem, clock: FakeClock) -> None:
    epoch = await system.open("CP1", version="2.0.1")
    await _set(system, "CP1", "A", "true")
    clock.advance(1)
    await _report(system, "CP1", epoch, "A", "True")
    assert await _drifts(system) == []


async def test_a_value_that_waits_for_a_restart_has_not_drifted_yet(system: StationSystem, clock: FakeClock) -> None:
    """The station may report the old one until it has booted."""
    epoch = await system.open("CP1", version="2.0.1")
    await _set(system, "CP1", "A", "10", REBOOT)
    clock.advance(1)
    await _report(system, "CP1", epoch, "A", "5")
    assert await _drifts(system) == []
    clock.advance(1)
    await system.boot(system.boot_item("CP1", epoch))
    assert await _drifts(system) == [("CP1", "A", "10", "5")]


async def test_a_secret_has_no_wished_value(system: StationSystem) -> None:
    await system.open("CP1", version="2.0.1")
    await _set(system, "CP1", "ApnPassword", "s3cret")
    request = station_service_pb2.ListVariablesRequest(station_id="CP1")
    [found] = (await system.stations.ListVariables(request)).variables
    assert (found.value, found.HasField("wished_value")) == ("***", False)
