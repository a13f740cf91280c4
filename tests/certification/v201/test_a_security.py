"""Block A, security: what needs no TLS. The steps are our reading of the standard; only the names are known."""

import pytest
from websockets.exceptions import InvalidStatus

from tests.certification.v201.station import ChargingStation
from tests.gateway.raw_station import basic

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
