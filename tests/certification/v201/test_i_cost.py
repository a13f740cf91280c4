"""Block I, cost. Of each case the name is known; its steps are our reading of the use cases of part 2.

I02.FR.01 and I03.FR.02 leave it to the central system how the cost gets to the station: here in the answers to
TransactionEvent; and CostUpdated is a command of operators.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from station_kit.messages import EventType
from station_kit.v201 import messages as v201
from tests.certification.tokens import TOKENS, create_token
from tests.certification.v201.station import METER_START, ChargingStation
from tests.gateway.rig import MeshRig, running_mesh

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[MeshRig]:
    """A mesh with a tariff: 1 for the session, and 0.40 for each kWh."""
    folder = tmp_path_factory.mktemp("mesh")
    prices = {"CSMS_TARIFF_PER_KWH": "0.40", "CSMS_TARIFF_PER_SESSION": "1"}
    async with running_mesh(f"sqlite:///{folder / 'test.db'}", CSMS_UNKNOWN_TOKENS="reject", **prices) as rig:
        for token in TOKENS:
            await create_token(rig, token)
        yield rig


async def test_tc_i_01_csms(station: ChargingStation) -> None:
    """I02: each meter value is answered with the cost so far; an operator has the station show another one."""
    await station.charge()
    for number in (1, 2):
        sample = v201.sampled_value(METER_START + 1000 * number, EventType.UPDATED)
        assert await station.event(EventType.UPDATED, "MeterValuePeriodic", sample) == {"totalCost": 1 + 0.4 * number}
    action, payload, _told = await station.told(
        "CostUpdated", {}, transaction_id=station.transaction_id, total_cost="2.055"
    )
    assert action == "CostUpdated"
    assert payload == {"totalCost": 2.055, "transactionId": station.transaction_id}


async def test_tc_i_02_csms(station: ChargingStation) -> None:
    """I03: the end is answered with the cost of all: 3.5 kWh."""
    await station.charge()
    assert await station.stop() == {"totalCost": 2.4}
    await station.is_ended()


async def test_an_end_with_a_token_has_a_cost(station: ChargingStation) -> None:
    """A known fault of another system: there the status of the token took the place of the cost."""
    await station.charge()
    answer = await station.stop(idToken=v201.id_token_of(station.tag))
    assert answer["totalCost"] == 2.4
    assert answer["idTokenInfo"]["status"] == "Accepted"
