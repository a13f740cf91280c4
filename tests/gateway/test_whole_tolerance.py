"""Oddities from the socket to what an operator reads: a raw station, the real gateway, the real services."""

import asyncio
import json
from functools import partial
from typing import Any

import grpc
import pytest
from csms.gateway.v1.gateway_service_pb2 import CallRequest
from csms.gateway.v1.gateway_service_pb2_grpc import GatewayServiceStub
from csms.station.v1 import command_service_pb2 as command
from csms.station.v1 import station_pb2, station_service_pb2
from google.protobuf.field_mask_pb2 import FieldMask

from gateway.connection import keepalive_monitor
from mesh.runtime.errors import from_rpc_error
from tests.gateway.raw_station import RawStation
from tests.gateway.rig import TIMEOUT_S, MeshRig
from tests.mesh_identities import open_callers_channel
from tests.waiting import eventually


@pytest.fixture(autouse=True)
def _reported_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway reports conditions of a station without the usual 5 s."""
    monkeypatch.setattr(keepalive_monitor, "SWEEP_S", 0.1)


KEYS = {"GetConfigurationMaxKeys": "2", "A": "1", "B": "2", "C": "3", "D": "4"}


async def test_keys_are_asked_for_as_the_station_takes_them(mesh: MeshRig) -> None:
    """Once it has reported its GetConfigurationMaxKeys, no CALL asks for more; the error before has a hint."""
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        asked = asyncio.ensure_future(_serve_keys(station, calls=1))
        results = await _read(mesh, "A", "B", "C")
        assert await asked == [["A", "B", "C"]]
        assert [one.variable.value for one in results] == ["1", "2", ""]
        assert "GetConfigurationMaxKeys" in results[2].status_info.additional_info
        asked = asyncio.ensure_future(_serve_keys(station, calls=1))
        await _read(mesh, "GetConfigurationMaxKeys")
        await asked
        asked = asyncio.ensure_future(_serve_keys(station, calls=3))
        results = await _read(mesh, "A", "B", "C", "D", "Nonsense")
        assert await asked == [["A", "B"], ["C", "D"], ["Nonsense"]]
        assert [one.variable.value for one in results] == ["1", "2", "3", "4", ""]


async def test_a_limit_that_is_not_known_is_read_first(mesh: MeshRig) -> None:
    """Once, where more than three keys are read; it is in the answer behind what was asked for."""
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        asked = asyncio.ensure_future(_serve_keys(station, calls=4))
        results = await _read(mesh, "A", "B", "C", "D", "Nonsense")
        assert await asked == [["GetConfigurationMaxKeys"], ["A", "B"], ["C", "D"], ["Nonsense"]]
        assert [one.variable.value for one in results] == ["1", "2", "3", "4", "", "2"]
        asked = asyncio.ensure_future(_serve_keys(station, calls=2))
        results = await _read(mesh, "A", "B", "C", "GetConfigurationMaxKeys")
        assert await asked == [["A", "B"], ["C", "GetConfigurationMaxKeys"]]
        assert [one.variable.value for one in results] == ["1", "2", "3", "2"]


async def test_a_limit_that_is_asked_for_is_answered_once(mesh: MeshRig) -> None:
    """It is read first, and then as one of the keys that the operator named."""
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        asked = asyncio.ensure_future(_serve_keys(station, calls=3))
        results = await _read(mesh, "A", "GetConfigurationMaxKeys", "B", "C")
        assert await asked == [["GetConfigurationMaxKeys"], ["A", "GetConfigurationMaxKeys"], ["B", "C"]]
        assert [one.variable.value for one in results] == ["1", "2", "2", "3"]


@pytest.mark.parametrize(
    "told",
    [
        {"unknownKey": ["GetConfigurationMaxKeys"]},
        {"configurationKey": [{"key": "GetConfigurationMaxKeys", "readonly": True, "value": "many"}]},
        {"configurationKey": [{"key": "GetConfigurationMaxKeys", "readonly": True, "value": "0"}]},
        {},
        None,
    ],
)
async def test_a_station_that_names_no_limit_is_asked_for_all(mesh: MeshRig, told: Any) -> None:
    """The key is unknown, is no number above 0, or the CALL is refused; its silence about a key has the hint."""
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        reading = asyncio.ensure_future(_read(mesh, "A", "B", "C", "D"))
        _kind, message_id, _action, payload = await station.receive()
        assert payload == {"key": ["GetConfigurationMaxKeys"]}
        refusal = f'[4,"{message_id}","InternalError","",{{}}]'
        await station.send(refusal if told is None else json.dumps([3, message_id, told]))
        assert await _serve_keys(station, calls=1) == [["A", "B", "C", "D"]]
        results = await reading
        assert [one.variable.value for one in results] == ["1", "2", "", ""]
        assert "GetConfigurationMaxKeys" in results[3].status_info.additional_info


async def test_a_station_that_is_silent_about_its_limit_is_asked_for_all(mesh: MeshRig) -> None:
    """Its silence about the limit costs a part of the time; its silence about the keys has the hint."""
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        asking = asyncio.ensure_future(_call_gateway(mesh, "A", "B", "C", "D", timeout_ms=200))
        assert (await station.receive())[3] == {"key": ["GetConfigurationMaxKeys"]}
        assert (await station.receive())[3] == {"key": ["A", "B", "C", "D"]}
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asking
        error = from_rpc_error(caught.value)
        assert (error.reason, "GetConfigurationMaxKeys" in error.message) == ("CALL_TIMEOUT", True)


async def test_the_limit_of_a_station_that_speaks_201(mesh: MeshRig) -> None:
    """ItemsPerMessage and BytesPerMessage of DeviceDataCtrlr, instance GetVariables, B06.FR.05; remembered as well."""
    values = {"ItemsPerMessage": "3", "BytesPerMessage": "10000"}
    limits = [
        {"component": {"name": "DeviceDataCtrlr"}, "variable": {"name": name, "instance": "GetVariables"}}
        for name in values
    ]
    async with RawStation(mesh.station_url("CP2"), subprotocols=["ocpp2.0.1"]) as station:
        await station.boot()
        for expected in ([[*values], ["A", "B", "C"], ["D"]], [["A", "B", "C"], ["D"]]):
            reading = asyncio.ensure_future(_read(mesh, "A", "B", "C", "D", station_id="CP2"))
            asked = []
            for _ in expected:
                _kind, message_id, _action, payload = await station.receive()
                items = payload["getVariableData"]
                asked.append([one["variable"]["name"] for one in items])
                results = [
                    {**one, "attributeStatus": "Accepted", "attributeValue": values.get(one["variable"]["name"], "1")}
                    for one in items
                ]
                await station.reply(message_id, {"getVariableResult": results})
                assert asked != [[*values]] or items == limits
            assert asked == expected
            assert [one.variable.variable for one in await reading][:4] == ["A", "B", "C", "D"]


async def test_silence_is_told_with_a_hint(mesh: MeshRig) -> None:
    """Some answer nothing at all where they are asked for too much."""
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await _call_gateway(mesh, "A", "B", timeout_ms=10)
        error = from_rpc_error(caught.value)
        assert (error.reason, "GetConfigurationMaxKeys" in error.message) == ("CALL_TIMEOUT", True)


async def test_odd_answers_are_taken(mesh: MeshRig) -> None:
    """Numbers as values keep their characters; one entry that cannot be read costs no other."""
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        reading = asyncio.ensure_future(_read(mesh, "A", "B", "C", "D"))
        await station.answer({"configurationKey": [{"key": "GetConfigurationMaxKeys", "value": 40, "readonly": "1"}]})
        call = await station.receive()
        entries = (
            '{"key":"A","value":40000,"readonly":"true"},{"key":"B","value":1.50,"readonly":false,"vendor":1},'
            '{"key":"C"},{"readonly":true,"value":"x"},{"key":"D","readonly":true,"value":true}'
        )
        await station.send(f'[3,"{call[1]}",{{"configurationKey":[{entries}],"unknownKey":null}}]')
        results = await reading
        assert [one.variable.value for one in results[:4]] == ["40000", "1.50", "", "true"]
        assert [one.variable.readonly for one in results[:4]] == [True, False, False, True]
        resetting = asyncio.ensure_future(
            mesh.commands.Reset(
                command.ResetRequest(station_id="CP1", type=command.RESET_TYPE_IMMEDIATE),
                metadata=mesh.metadata,
                timeout=TIMEOUT_S,
            )
        )
        await station.answer({"status": "Accepted", "vendorInfo": "x"})
        assert (await resetting).status == command.RESET_STATUS_ACCEPTED


async def test_a_station_whose_boots_are_refused_does_not_look_healthy(mesh: MeshRig) -> None:
    """Reason, count and last time; in the list's filter; until a boot that is not refused."""
    async with RawStation(mesh.station_url("CP1")) as station:
        for number in range(2):
            await station.send(f'[2,"b{number}","BootNotification",{{"chargePointVendor":"V"}}]')
            assert (await station.receive())[:3] == [4, f"b{number}", "OccurenceConstraintViolation"]
        condition = await eventually(lambda: _refused_twice(mesh))
        assert condition.reason == "OccurenceConstraintViolation: chargePointModel is missing."
        assert condition.update_time.ToSeconds() > 0
        assert await _filtered(mesh) == ["CP1"]
        await station.boot()
        await eventually(lambda: _is_healthy(mesh))


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_rejected_boot_is_a_refused_one(mesh: MeshRig, version: str) -> None:
    """With a reason of its own; pending is no refusal, and ends it as an acceptance does."""
    payload = {
        "1.6": {"chargePointModel": "Raw", "chargePointVendor": "Tests"},
        "2.0.1": {"reason": "PowerUp", "chargingStation": {"model": "Raw", "vendorName": "Tests"}},
    }[version]
    station = partial(RawStation, mesh.station_url("CP1"), subprotocols=[f"ocpp{version}"])
    async with station() as one:
        assert (await one.call("BootNotification", payload))["status"] == "Accepted"
    await _set_status(mesh, station_pb2.REGISTRATION_STATUS_REJECTED)
    async with station() as one:
        for _ in range(2):
            assert (await one.call("BootNotification", payload))["status"] == "Rejected"
        condition = await eventually(lambda: _refused_twice(mesh))
        assert condition.reason == "Rejected: the station's registration status is REJECTED"
        assert condition.update_time.ToSeconds() > 0
        assert await _filtered(mesh) == ["CP1"]
    await _set_status(mesh, station_pb2.REGISTRATION_STATUS_PENDING)
    async with station() as one:
        assert (await one.call("BootNotification", payload))["status"] == "Pending"
        await eventually(lambda: _is_healthy(mesh))


async def _set_status(mesh: MeshRig, status: station_pb2.RegistrationStatus.ValueType) -> None:
    station = station_pb2.Station(station_id="CP1", registration_status=status)
    request = station_service_pb2.UpdateStationRequest(
        station=station, update_mask=FieldMask(paths=["registration_status"])
    )
    await mesh.stations.UpdateStation(request, metadata=mesh.metadata, timeout=TIMEOUT_S)


async def _refused_twice(mesh: MeshRig) -> Any:
    conditions = (await _station(mesh)).conditions
    return next((one for one in conditions if one.refused_boots == 2), None)


async def _is_healthy(mesh: MeshRig) -> bool:
    return not await _filtered(mesh) and not (await _station(mesh)).conditions


async def _station(mesh: MeshRig) -> station_pb2.Station:
    request = station_service_pb2.GetStationRequest(station_id="CP1")
    return (await mesh.stations.GetStation(request, metadata=mesh.metadata, timeout=TIMEOUT_S)).station


async def _filtered(mesh: MeshRig) -> list[str]:
    request = station_service_pb2.ListStationsRequest(filter="boot_refused = true")
    page = await mesh.stations.ListStations(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    return [station.station_id for station in page.stations]


async def _call_gateway(mesh: MeshRig, *keys: str, timeout_ms: int) -> None:
    """Reads keys with less time for the station than an operator can give it."""
    request = CallRequest(station_id="CP1", epoch=await mesh.epoch("CP1"), get_variables=_request("CP1", *keys))
    request.timeout.FromMilliseconds(timeout_ms)
    channel = open_callers_channel(f"127.0.0.1:{mesh.gateway.mesh_port}", "gateway")
    async with channel:
        await GatewayServiceStub(channel).Call(request, timeout=TIMEOUT_S)


def _request(station_id: str, *keys: str) -> command.GetVariablesRequest:
    return command.GetVariablesRequest(
        station_id=station_id,
        variables=[station_pb2.Variable(component="ChargingStation", variable=key) for key in keys],
    )


async def _read(mesh: MeshRig, *keys: str, station_id: str = "CP1") -> Any:
    answer = await mesh.commands.GetVariables(_request(station_id, *keys), metadata=mesh.metadata, timeout=TIMEOUT_S)
    return answer.results


async def _serve_keys(station: RawStation, *, calls: int) -> list[list[str]]:
    """A station that answers at most two keys of each CALL; what it was asked for."""
    asked = []
    for _ in range(calls):
        kind, message_id, action, payload = await station.receive()
        assert (kind, action) == (2, "GetConfiguration")
        asked.append(payload["key"])
        told = [{"key": key, "readonly": True, "value": KEYS[key]} for key in payload["key"][:2] if key in KEYS]
        unknown = [key for key in payload["key"][:2] if key not in KEYS]
        await station.reply(message_id, {"configurationKey": told, "unknownKey": unknown})
    return asked
