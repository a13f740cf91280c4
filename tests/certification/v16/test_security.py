"""How a charge point proves itself, and how that is changed."""

import pytest
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
