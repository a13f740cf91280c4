"""Variables: remembered as they are read and set, secrets masked, listed in pages."""

from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.station.v1 import command_service_pb2 as pb
from csms.station.v1 import (
    station_pb2,
    station_service_pb2,
)
from google.protobuf import json_format

from tests.conftest import FakeClock
from tests.station_svc.commands.far_gateway import answering, read_finished, read_records
from tests.station_svc.conftest import StationSystem


async def test_variables_that_were_read_are_remembered(system: StationSystem, clock: FakeClock) -> None:
    """With their values, secrets masked, in the order of names; those the station does not have are not."""
    await system.open("CP1")
    component = "ChargingStation"
    results = [
        _read("Second", "2", readonly=True),
        _read("First", "1", readonly=False),
        _read("AuthorizationKey", "s3cret"),
        _read("First", "1b"),
        pb.GetVariableResult(
            status=pb.GET_VARIABLE_STATUS_UNKNOWN_VARIABLE,
            variable=station_pb2.Variable(component=component, variable="Missing"),
        ),
    ]
    answer = pb.GetVariablesResponse(results=results)
    system.gateway.behave = answering(gateway_pb2.CallResponse(get_variables=answer))
    shown = await system.commands.GetVariables(pb.GetVariablesRequest(station_id="CP1", request_id="r1"))
    assert [result.variable.value for result in shown.results] == ["2", "1", "***", "1b", ""]
    variables = await _variables(system)
    assert [(one.variable, one.value, one.attribute_type) for one in variables] == [
        ("AuthorizationKey", "***", "Actual"),
        ("First", "1b", "Actual"),
        ("Second", "2", "Actual"),
    ]
    assert variables[2].readonly
    assert variables[2].HasField("readonly")
    assert not variables[0].HasField("readonly")
    assert variables[0].update_time.ToMicroseconds() == clock()
    assert b"s3cret" not in ((await read_records(system))[0].answer or b"")


async def test_variables_that_were_set_are_remembered(system: StationSystem, clock: FakeClock) -> None:
    """Values that the station took, also if only after a restart; what was known beside a value stays known."""
    await system.open("CP1")
    read = pb.GetVariablesResponse(results=[_read("Interval", "10", readonly=False)])
    system.gateway.behave = answering(gateway_pb2.CallResponse(get_variables=read))
    await system.commands.GetVariables(pb.GetVariablesRequest(station_id="CP1"))
    clock.advance(1)
    taken = pb.SetVariablesResponse(
        results=[
            _set("Interval", "20", pb.SET_VARIABLE_STATUS_ACCEPTED),
            _set("Later", "30", pb.SET_VARIABLE_STATUS_REBOOT_REQUIRED),
            _set("Never", "40", pb.SET_VARIABLE_STATUS_REJECTED),
            _set("ApnPassword", "s3cret", pb.SET_VARIABLE_STATUS_ACCEPTED),
        ]
    )
    system.gateway.behave = answering(gateway_pb2.CallResponse(set_variables=taken))
    request = pb.SetVariablesRequest(station_id="CP1", variables=[result.variable for result in taken.results])
    await system.commands.SetVariables(request)
    # To the station it went as the operator gave it.
    assert system.gateway.calls[-1].set_variables.variables[3].value == "s3cret"
    variables = await _variables(system)
    assert [(one.variable, one.value) for one in variables] == [
        ("ApnPassword", "***"),
        ("Interval", "20"),
        ("Later", "30"),
    ]
    assert variables[1].HasField("readonly")


async def test_a_key_of_16_has_the_name_of_its_standard_variable_beside_it(system: StationSystem) -> None:
    await system.open("CP1")
    results = [_read("MeterValueSampleInterval", "60"), _read("GetConfigurationMaxKeys", "5"), _read("Own", "1")]
    system.gateway.behave = answering(gateway_pb2.CallResponse(get_variables=pb.GetVariablesResponse(results=results)))
    await system.commands.GetVariables(pb.GetVariablesRequest(station_id="CP1"))
    assert [
        (one.standard_component, one.standard_variable, one.standard_variable_instance)
        for one in await _variables(system)
    ] == [
        ("DeviceDataCtrlr", "ItemsPerMessage", "GetVariables"),
        ("SampledDataCtrlr", "TxUpdatedInterval", ""),
        ("", "", ""),
    ]


async def test_the_known_limits_of_a_station_go_with_a_command(system: StationSystem) -> None:
    """Each action has limits of its own; a limit that the operator gives counts."""
    await system.open("CP1")
    limits = {("ItemsPerMessage", "GetVariables"): "4", ("BytesPerMessage", "SetVariables"): "900"}
    results = []
    for (name, instance), value in limits.items():
        variable = station_pb2.Variable(
            component="DeviceDataCtrlr", variable=name, variable_instance=instance, value=value
        )
        results.append(pb.GetVariableResult(status=pb.GET_VARIABLE_STATUS_ACCEPTED, variable=variable))
    system.gateway.behave = answering(gateway_pb2.CallResponse(get_variables=pb.GetVariablesResponse(results=results)))
    await system.commands.GetVariables(pb.GetVariablesRequest(station_id="CP1"))
    two = [station_pb2.Variable(component="C", variable=name, value="1") for name in "AB"]
    await system.commands.GetVariables(pb.GetVariablesRequest(station_id="CP1", variables=two, bytes_per_message=80))
    read = system.gateway.calls[-1].get_variables
    assert (read.items_per_message, read.bytes_per_message) == (4, 80)
    system.gateway.behave = answering(gateway_pb2.CallResponse(set_variables=pb.SetVariablesResponse()))
    await system.commands.SetVariables(pb.SetVariablesRequest(station_id="CP1", variables=two))
    put = system.gateway.calls[-1].set_variables
    assert (put.items_per_message, put.bytes_per_message) == (0, 900)


async def test_secrets_in_any_answer_are_masked(system: StationSystem) -> None:
    """Also where the operator sent the action by hand; all else of the payload stays as it is."""
    await system.open("CP1")
    payload = {"configurationKey": [{"key": "AuthorizationKey", "value": "s3cret"}, {"key": "A", "value": "1"}], "n": 3}
    answer = pb.SendCallResponse(payload=json_format.ParseDict(payload, pb.SendCallResponse().payload))
    system.gateway.behave = answering(gateway_pb2.CallResponse(send_call=answer))
    shown = await system.commands.SendCall(pb.SendCallRequest(station_id="CP1", action="GetConfiguration"))
    assert json_format.MessageToDict(shown.payload) == {
        "configurationKey": [{"key": "AuthorizationKey", "value": "***"}, {"key": "A", "value": "1"}],
        "n": 3,
    }
    assert b"s3cret" not in ((await read_finished(system))[0].answer or b"")


async def test_paging_variables(system: StationSystem) -> None:
    """Each once, by all parts of their names."""
    await system.open("CP1")
    results = [_read(f"V{number}", "x", evse_id=evse_id) for number in range(3) for evse_id in (2, 0, 1)]
    system.gateway.behave = answering(gateway_pb2.CallResponse(get_variables=pb.GetVariablesResponse(results=results)))
    await system.commands.GetVariables(pb.GetVariablesRequest(station_id="CP1"))
    request = station_service_pb2.ListVariablesRequest(station_id="CP1", page_size=2)
    seen = []
    while True:
        response = await system.stations.ListVariables(request)
        seen += [(one.variable, one.evse.evse_id) for one in response.variables]
        if not response.next_page_token:
            break
        request.page_token = response.next_page_token
    assert seen == [(f"V{number}", evse_id) for number in range(3) for evse_id in (0, 1, 2)]


def _read(name: str, value: str, *, readonly: bool | None = None, evse_id: int = 0) -> pb.GetVariableResult:
    variable = station_pb2.Variable(component="ChargingStation", variable=name, value=value, readonly=readonly)
    if evse_id:
        variable.evse.evse_id = evse_id
    return pb.GetVariableResult(status=pb.GET_VARIABLE_STATUS_ACCEPTED, variable=variable)


def _set(name: str, value: str, status: pb.SetVariableStatus.ValueType) -> pb.SetVariableResult:
    variable = station_pb2.Variable(component="ChargingStation", variable=name, value=value)
    return pb.SetVariableResult(status=status, variable=variable)


async def _variables(system: StationSystem) -> list[station_pb2.Variable]:
    request = station_service_pb2.ListVariablesRequest(station_id="CP1")
    return list((await system.stations.ListVariables(request)).variables)
