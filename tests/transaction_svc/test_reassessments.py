"""Reassessments: a transaction that was recorded is computed again under another profile."""

import pytest

from mesh.runtime.errors import MeshError
from tests.transaction_svc.kit import (
    Service,
    start_16,
    stop_16,
    values_16,
)
from tests.transaction_svc.profiles import KWH_AS_WH, energy, play_16, reassess, set_profile

# Transactions that were recorded before


async def test_a_transaction_is_reassessed(service: Service) -> None:
    """By the present profile; it is published again where the result has changed."""
    number = await play_16(service, 936, [936_100, 937_900], 938_100)
    before = await service.get(number)
    assert before.flags
    assert not before.HasField("reassess_time")
    ended = await service.published("transaction.ended")
    assert len(ended) == 1
    await set_profile(service, station_id="CP1", begin_end_exponent=0, sampled_exponent=-3)
    found = await reassess(service, number)
    assert found.energy_wh != before.energy_wh
    assert (found.reassessed_by, found.reassess_time.ToMicroseconds()) == ("ada", service.clock())
    again = await service.published("transaction.ended")
    assert len(again) == 2
    assert again[1][1]["energyWh"] == found.energy_wh
    assert again[1][1]["meterProfileId"] == found.meter_profile_id
    assert await reassess(service, number) == found
    assert len(await service.published("transaction.ended")) == 2


async def test_flags_alone_are_published_too(service: Service) -> None:
    """The energy is the same; the event has an id of its own, since events are stored once by their ids."""
    number = await play_16(service, 936_000, [936, 937], 937_500)
    assert energy(await service.get(number)) == (1500, ["meter_rollback", "scale_mismatch"])
    await set_profile(service, station_id="CP1", sampled_exponent=3)
    assert energy(await reassess(service, number)) == (1500, [])
    published = await service.published("transaction.ended")
    assert [data.get("flags") for _kind, data in published] == [["meter_rollback", "scale_mismatch"], None]


async def test_the_transaction_after_it_is_assessed_too(service: Service) -> None:
    """It begins with the register at the end of the other, in the scale that is known now."""
    first = await play_16(service, 936, [], 938)
    second = await play_16(service, 0, [939_000], 940_000, from_s=5000)
    assert energy(await service.get(second)) == (1000, ["begin_placeholder"])
    await set_profile(service, station_id="CP1", begin_end_exponent=3)
    await reassess(service, first)
    found = await service.get(second)
    assert energy(found) == (2000, ["begin_placeholder"])
    kinds = await service.published("transaction.ended")
    assert [data["transactionId"] for _kind, data in kinds] == [first, second, first, second]


async def test_a_transaction_goes_on_after_it(service: Service) -> None:
    """Later events are assessed by the profile of the reassessment."""
    number = (await service.one(start_16(0, meter_start=936))).transaction_id
    await service.one(values_16(number, 300, 937))
    await set_profile(service, station_id="CP1", **KWH_AS_WH)
    assert energy(await reassess(service, number)) == (1000, [])
    await service.one(values_16(number, 600, 938))
    await service.one(stop_16(number, 900, 939))
    assert energy(await service.get(number)) == (3000, [])


async def test_a_transaction_that_is_not_there(service: Service) -> None:
    with pytest.raises(MeshError) as caught:
        await reassess(service, "none")
    assert caught.value.reason == "TRANSACTION_NOT_FOUND"
