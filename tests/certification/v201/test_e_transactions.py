"""Block E, transactions."""

import pytest

from station_kit.messages import EventType
from tests.certification.v201.station import ChargingStation

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_tc_e_03_csms(station: ChargingStation) -> None:
    """E02: the cable first, then the driver."""
    await station.status("Occupied")
    await station.event(EventType.STARTED, "CablePluggedIn", evse={"id": 1, "connectorId": 1})
    assert await station.authorize() == "Accepted"
    answer = await station.update("Authorized", "EVConnected", idToken={"idToken": station.tag, "type": "ISO14443"})
    assert answer["idTokenInfo"]["status"] == "Accepted"
    await station.update("ChargingStateChanged", "Charging")
    [transaction] = await station.transactions()
    assert transaction.id_token.id_token == station.tag
