"""Oddities from the socket to what an operator reads: a raw station, the real gateway, the real services."""

import asyncio
import json
from typing import Any

import grpc
import pytest
from csms.gateway.v1.gateway_service_pb2 import CallRequest
from csms.gateway.v1.gateway_service_pb2_grpc import GatewayServiceStub
from csms.station.v1 import command_service_pb2 as command
from csms.station.v1 import station_pb2, station_service_pb2

from mesh.channels import open_channel
from mesh.errors import from_rpc_error
from tests.gateway.raw_station import RawStation
from tests.gateway.rig import TIMEOUT_S, MeshRig
from tests.waiting import eventually

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


async def test_silence_is_told_with_a_hint(mesh: MeshRig) -> None:
    """Some answer nothing at all where they are asked for too much."""
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        request = CallRequest(station_id="CP1", epoch=await mesh.epoch("CP1"), get_variables=_request("A", "B"))
        request.timeout.FromMilliseconds(10)
        channel = open_channel(f"127.0.0.1:{mesh.gateway.mesh_port}", secret=mesh.gateway_settings.mesh_secret)
        async with channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await GatewayServiceStub(channel).Call(request, timeout=TIMEOUT_S)
        error = from_rpc_error(caught.value)
        assert (error.reason, "GetConfigurationMaxKeys" in error.message) == ("CALL_TIMEOUT", True)


async def test_odd_answers_are_taken(mesh: MeshRig) -> None:
    """Numbers as values keep their characters; one entry that cannot be read costs no other."""
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        reading = asyncio.ensure_future(_read(mesh, "A", "B", "C", "D"))
        call = await station.receive()
        entries = (
            '{"key":"A","value":40000,"readonly":"true"},{"key":"B","value":1.50,"readonly":false,"vendor":1},'
            '{"key":"C"},{"readonly":true,"value":"x"},{"key":"D","readonly":true,"value":true}'
        )
        await station.send(f'[3,"{call[1]}",{{"configurationKey":[{entries}],"unknownKey":null}}]')
        results = await reading
        assert [one.variable.value for one in results] == ["40000", "1.50", "", "true"]
        assert [one.variable.readonly for one in results] == [True, False, False, True]
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


def _request(*keys: str) -> command.GetVariablesRequest:
    return command.GetVariablesRequest(
        station_id="CP1", variables=[station_pb2.Variable(component="ChargingStation", variable=key) for key in keys]
    )


async def _read(mesh: MeshRig, *keys: str) -> Any:
    answer = await mesh.commands.GetVariables(_request(*keys), metadata=mesh.metadata, timeout=TIMEOUT_S)
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
        await station.send(json.dumps([3, message_id, {"configurationKey": told, "unknownKey": unknown}]))
    return asked
