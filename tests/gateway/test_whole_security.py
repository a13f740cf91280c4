"""How a station proves itself over OCPP 1.6 and its security extension, from a raw socket to what an operator reads."""

import asyncio
import json

import pytest
from csms.station.v1 import command_service_pb2, station_pb2, station_service_pb2
from websockets.exceptions import InvalidStatus

from tests.gateway.raw_station import RawStation, basic
from tests.gateway.rig import TIMEOUT_S, MeshRig
from tests.waiting import eventually


async def test_tc_073_a_new_key_over_the_socket(mesh_on_both: MeshRig) -> None:
    """The station gets it in hexadecimal, is told to come back, and comes in with it alone; no log has it."""
    mesh = mesh_on_both
    old = await mesh.create_station("CP1")
    async with RawStation(mesh.station_url("CP1"), headers=basic("CP1", old)) as station:
        await station.boot()
        request = station_service_pb2.RotateCredentialRequest(station_id="CP1", hand_over=True)
        rotation = asyncio.ensure_future(
            mesh.stations.RotateCredential(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
        )
        action, payload = await station.answer({"status": "Accepted"})
        assert (action, payload["key"]) == ("ChangeConfiguration", "AuthorizationKey")
        assert len(bytes.fromhex(payload["value"])) == 20
        assert (await rotation).credential == payload["value"]
        assert await station.close_code() == 1012
    with pytest.raises(InvalidStatus):
        async with RawStation(mesh.station_url("CP1"), headers=basic("CP1", old)):
            pass
    new = payload["value"]
    async with RawStation(mesh.station_url("CP1"), headers=basic("CP1", new)) as station:
        assert "currentTime" in await station.call("Heartbeat", {})
    await eventually(lambda: _is_logged(mesh, "Heartbeat"))  # the last one: those before it are there too
    log = await mesh.messages("CP1")
    assert any(message.action == "ChangeConfiguration" for message in log)
    assert not any(new in message.payload for message in log)
    request_ = station_service_pb2.ListVariablesRequest(station_id="CP1")
    told = await mesh.stations.ListVariables(request_, metadata=mesh.metadata, timeout=TIMEOUT_S)
    assert [(one.variable, one.value) for one in told.variables] == [("AuthorizationKey", "***")]


async def _is_logged(mesh: MeshRig, action: str) -> bool:
    return any(message.action == action for message in await mesh.messages("CP1"))


async def test_tc_083_a_higher_security_profile(mesh: MeshRig) -> None:
    """The station takes it, and is held to it."""
    password = await mesh.create_station("CP1")
    variable = station_pb2.Variable(component="SecurityCtrlr", variable="SecurityProfile", value="2")
    request = command_service_pb2.SetVariablesRequest(station_id="CP1", variables=[variable])
    async with RawStation(mesh.station_url("CP1"), headers=basic("CP1", password)) as station:
        await station.boot()
        command = asyncio.ensure_future(mesh.commands.SetVariables(request, metadata=mesh.metadata, timeout=TIMEOUT_S))
        assert await station.answer({"status": "Accepted"}) == [
            "ChangeConfiguration",
            {"key": "SecurityProfile", "value": "2"},
        ]
        assert (await command).results[0].status == command_service_pb2.SET_VARIABLE_STATUS_ACCEPTED
    get = station_service_pb2.GetStationRequest(station_id="CP1")
    response = await mesh.stations.GetStation(get, metadata=mesh.metadata, timeout=TIMEOUT_S)
    assert response.station.security_profile == 2


async def test_a_rotation_closes_the_socket(mesh: MeshRig) -> None:
    """What the operator replaces is good no more, also where it opened a socket already; the reason is told."""
    password = await mesh.create_station("CP1")
    async with RawStation(mesh.station_url("CP1"), headers=basic("CP1", password)) as station:
        await station.boot()
        request = station_service_pb2.RotateCredentialRequest(station_id="CP1")
        await mesh.stations.RotateCredential(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
        assert await station.close_code() == 1008
        assert "replaced" in str(station.socket.close_reason)


async def test_a_triggered_form_of_the_extension(mesh: MeshRig) -> None:
    """TriggerMessage of the contract is ExtendedTriggerMessage of 1.6 where the operator wants it."""
    request = command_service_pb2.TriggerMessageRequest(
        station_id="CP1",
        requested_message=command_service_pb2.MESSAGE_TRIGGER_STATUS_NOTIFICATION,
        security_extension=True,
    )
    request.evse.evse_id = 2
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        command = asyncio.ensure_future(
            mesh.commands.TriggerMessage(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
        )
        told = await station.answer({"status": "NotImplemented"})
        assert json.dumps(told) == json.dumps(
            ["ExtendedTriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 2}]
        )
        assert (await command).status == command_service_pb2.TRIGGER_MESSAGE_STATUS_NOT_IMPLEMENTED
