"""Block A, security: what needs no TLS. The steps are our reading of the standard; only the names are known."""

from typing import Any

import pytest
from csms.station.v1 import command_service_pb2 as command
from csms.station.v1 import network_profile_pb2, station_service_pb2
from websockets.exceptions import InvalidStatus

from tests.certification.v201.station import ChargingStation
from tests.gateway.raw_station import basic

pytestmark = pytest.mark.asyncio(loop_scope="module")

RESTART = 1012


async def _is_refused(station: ChargingStation, username: str, password: str) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        async with station.connected(headers=basic(username, password)):
            pass
    assert refusal.value.response.status_code == 401


async def test_tc_a_01_csms(offline: ChargingStation) -> None:
    """A00.FR.203: HTTP Basic with the right identity and password."""
    password = await offline.mesh.create_station(offline.station_id)
    async with offline.connected(headers=basic(offline.station_id, password)):
        await offline.boot()


async def test_tc_a_02_csms(offline: ChargingStation) -> None:
    """A00.FR.204: a user name that is not the station's identity is refused, with the right password."""
    password = await offline.mesh.create_station(offline.station_id)
    await _is_refused(offline, f"{offline.station_id}-other", password)


async def test_tc_a_03_csms(offline: ChargingStation) -> None:
    """A00.FR.204: a wrong password is refused, and the right one admitted afterwards."""
    password = await offline.mesh.create_station(offline.station_id)
    await _is_refused(offline, offline.station_id, "wrong")
    async with offline.connected(headers=basic(offline.station_id, password)):
        await offline.boot()


async def _rotate(station: ChargingStation, status: str) -> tuple[str, Any]:
    """An operator hands over a new password, and the station gives that status; returns the password that was sent."""
    request = station_service_pb2.RotateCredentialRequest(station_id=station.station_id, hand_over=True)
    action, payload, told = await station.asked(station.mesh.stations.RotateCredential, request, _set(status))
    assert action == "SetVariables"
    [setting] = payload["setVariableData"]
    assert (setting["component"], setting["variable"]) == ({"name": "SecurityCtrlr"}, {"name": "BasicAuthPassword"})
    return setting["attributeValue"], told


def _set(status: str) -> Any:
    result = {
        "attributeStatus": status,
        "component": {"name": "SecurityCtrlr"},
        "variable": {"name": "BasicAuthPassword"},
    }
    return {"setVariableResult": [result]}


async def test_tc_a_09_csms(offline: ChargingStation) -> None:
    """A01: a new password, accepted: the station comes back with it, and with no other. Here without TLS."""
    old = await offline.mesh.create_station(offline.station_id)
    async with offline.connected(headers=basic(offline.station_id, old)):
        await offline.boot()
        new, told = await _rotate(offline, "Accepted")
        assert 16 <= len(new) <= 40
        assert told.credential
        assert await offline.station.close_code() == RESTART
    await _is_refused(offline, offline.station_id, old)
    async with offline.connected(headers=basic(offline.station_id, new)):
        await offline.boot()


async def test_tc_a_10_csms(offline: ChargingStation) -> None:
    """A01: a new password, rejected: the old one stays, and the operator sees the refusal. Here without TLS."""
    old = await offline.mesh.create_station(offline.station_id)
    async with offline.connected(headers=basic(offline.station_id, old)):
        await offline.boot()
        _new, told = await _rotate(offline, "Rejected")
        assert (told.status, told.credential) == (command.SET_VARIABLE_STATUS_REJECTED, "")
    async with offline.connected(headers=basic(offline.station_id, old)):
        await offline.boot()


NETWORK_PROFILE = network_profile_pb2.NetworkConnectionProfile(
    ocpp_version=network_profile_pb2.NETWORK_OCPP_VERSION_OCPP20,
    ocpp_csms_url="wss://csms.example.org/ocpp",
    message_timeout_s=30,
    security_profile=2,
    ocpp_interface=network_profile_pb2.OCPP_INTERFACE_WIRED0,
)


async def test_tc_a_19_csms(offline: ChargingStation) -> None:
    """A05.FR.04, .07: a network profile of a higher security profile, first of the priorities, and a restart.

    Until the station connects by it, it is admitted by the former one too.
    """
    password = await offline.mesh.create_station(offline.station_id)
    async with offline.connected(headers=basic(offline.station_id, password)):
        await offline.boot()
        action, payload, told = await offline.told(
            "SetNetworkProfile", {"status": "Accepted"}, configuration_slot=2, connection_data=NETWORK_PROFILE
        )
        assert (action, payload["configurationSlot"]) == ("SetNetworkProfile", 2)
        assert payload["connectionData"]["securityProfile"] == 2
        assert told.status == network_profile_pb2.SET_NETWORK_PROFILE_STATUS_ACCEPTED
        wanted = {"component": "OCPPCommCtrlr", "variable": "NetworkConfigurationPriority", "value": "2,1"}
        named = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "NetworkConfigurationPriority"}}
        answer = {"setVariableResult": [{"attributeStatus": "RebootRequired", **named}]}
        action, payload, told = await offline.told("SetVariables", answer, variables=[wanted])
        assert (action, payload) == ("SetVariables", {"setVariableData": [{**named, "attributeValue": "2,1"}]})
        assert [one.status for one in told.results] == [command.SET_VARIABLE_STATUS_REBOOT_REQUIRED]
        action, payload, _told = await offline.told("Reset", {"status": "Accepted"})
        assert (action, payload) == ("Reset", {"type": "OnIdle"})
    async with offline.connected(headers=basic(offline.station_id, password)):
        await offline.boot()
    resource = await offline.resource()
    assert (resource.security_profile, resource.next_security_profile) == (1, 2)
