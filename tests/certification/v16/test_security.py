"""How a charge point proves itself, and how that is changed."""

import grpc
import pytest
from csms.station.v1 import command_service_pb2 as command
from csms.station.v1 import station_service_pb2
from websockets.exceptions import InvalidStatus

from tests.certification.v16.charge_point import ChargePoint
from tests.gateway.raw_station import basic

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACCEPTED = {"status": "Accepted"}
RESTART = 1012


async def _is_refused(charge_point: ChargePoint, password: str) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        async with charge_point.connected(headers=basic(charge_point.station_id, password)):
            pass
    assert refusal.value.response.status_code == 401


async def test_tc_073_csms(offline: ChargePoint) -> None:
    """A new password for HTTP Basic, handed to the charge point: it comes back with that, and with no other."""
    old = await offline.mesh.create_station(offline.station_id)
    async with offline.connected(headers=basic(offline.station_id, old)):
        await offline.boot()
        request = station_service_pb2.RotateCredentialRequest(station_id=offline.station_id, hand_over=True)
        action, payload, told = await offline.asked(offline.mesh.stations.RotateCredential, request, ACCEPTED)
        assert (action, payload["key"]) == ("ChangeConfiguration", "AuthorizationKey")
        assert 16 <= len(payload["value"]) <= 40
        assert await offline.station.close_code() == RESTART
    await _is_refused(offline, old)
    async with offline.connected(headers=basic(offline.station_id, payload["value"])):
        await offline.boot()
        assert told.credential


async def test_tc_083_csms(offline: ChargePoint) -> None:
    """A higher security profile: set, and a restart.

    It is required once the charge point has connected by it; until then it is admitted by the former one too.
    """
    password = await offline.mesh.create_station(offline.station_id)
    headers = basic(offline.station_id, password)
    async with offline.connected(headers=headers):
        await offline.boot()
        assert (await offline.resource()).security_profile == 1
        variables = [{"variable": "SecurityProfile", "value": "2"}]
        action, payload, told = await offline.told("SetVariables", ACCEPTED, variables=variables)
        assert (action, payload) == ("ChangeConfiguration", {"key": "SecurityProfile", "value": "2"})
        assert [result.status for result in told.results] == [command.SET_VARIABLE_STATUS_ACCEPTED]
        action, payload, _told = await offline.told("Reset", ACCEPTED, type=command.RESET_TYPE_IMMEDIATE)
        assert (action, payload) == ("Reset", {"type": "Hard"})
    async with offline.connected(headers=headers):
        await offline.boot()
        resource = await offline.resource()
        assert (resource.security_profile, resource.next_security_profile) == (1, 2)
        variables = [{"variable": "SecurityProfile", "value": "0"}]
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await offline.told("SetVariables", ACCEPTED, variables=variables)
        assert refusal.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_tc_085_csms(offline: ChargePoint) -> None:
    """HTTP Basic: the right name and password, and nothing else."""
    password = await offline.mesh.create_station(offline.station_id)
    await _is_refused(offline, "wrong")
    with pytest.raises(InvalidStatus) as refusal:
        async with offline.connected():
            pass
    assert refusal.value.response.status_code == 401
    async with offline.connected(headers=basic(offline.station_id, password)):
        await offline.boot()


async def test_tc_088_csms(offline: ChargePoint) -> None:
    """The sub-protocol that both speak is chosen; where there is none, none is, and the connection is closed."""
    async with offline.connected(subprotocols=["ocpp0.1", "ocpp1.6"]):
        assert str(offline.station.socket.subprotocol) == "ocpp1.6"
        await offline.boot()
    async with offline.connected(subprotocols=["ocpp0.1"]):
        assert offline.station.socket.subprotocol is None
        assert await offline.station.close_code() == 1002
