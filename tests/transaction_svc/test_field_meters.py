"""Meters that were made up to defeat the rules of energy: each gets the right energy, and the flags it needs."""

from collections.abc import Sequence

import pytest
from csms.common.v1 import meter_value_pb2 as meter
from csms.common.v1.meter_value_pb2 import SampledValue
from csms.transaction.v1.transaction_service_pb2 import Transaction
from google.protobuf.timestamp_pb2 import Timestamp

from tests.transaction_svc.kit import Service, at, event_2x, register, sampled, start_16, stop_16, values_16

PLACEHOLDER = ["begin_placeholder"]


async def charged(
    service: Service, begin_s: int, start: str | int, readings: Sequence[str | int], stop: str | int
) -> Transaction:
    """A session of 1.6 on connector 1, a reading every five minutes."""
    number = (await service.one(start_16(begin_s, meter_start=start))).transaction_id
    for step, value in enumerate(readings, start=1):
        await service.one(values_16(number, begin_s + 300 * step, value))
    await service.one(stop_16(number, begin_s + 300 * (len(readings) + 1), stop))
    return await service.get(number)


@pytest.mark.parametrize(
    ("before", "session", "energy"),
    [
        ([(40000, [], 45000), (0, [], 0)], (0, [], 46000), 1000),  # nothing was charged in between
        ([(40000, [], 45000), (0, [0], 0)], (0, [45010], 46000), 1000),
        ([(40000, [], 50000)], (0, [0, 50100], 51000), 1000),  # the first reading is 0, too
        ([(40000, [], 55000)], (0, [54998], 56000), 1002),  # a little below the last end
        ([(40000, [], 51000)], (0, [50900], 55000), 4100),  # a display that truncates its readings
    ],
)
async def test_a_begin_of_0_goes_on_from_the_last_register_above_0(
    service: Service,
    before: Sequence[tuple[int, list[int], int]],
    session: tuple[int, list[int], int],
    energy: float,
) -> None:
    """Readings of zero before the first real one do not matter."""
    for index, (start, readings, stop) in enumerate(before):
        await charged(service, 3600 * index, start, readings, stop)
    found = await charged(service, 3600 * len(before), *session)
    assert (found.energy_wh, list(found.flags)) == (energy, PLACEHOLDER)


async def test_a_register_above_0_that_is_known_late(service: Service) -> None:
    """The stop of the first session comes last; its register reaches the third one through the one without energy."""
    first = (await service.one(start_16(0, meter_start=40000))).transaction_id
    await charged(service, 3600, 0, [], 0)
    third = await charged(service, 7200, 0, [], 46000)
    assert third.energy_wh == 6000  # from the last register that is known
    await service.one(stop_16(first, 300, 45000))
    found = await service.get(third.transaction_id)
    assert (found.energy_wh, list(found.flags)) == (1000, PLACEHOLDER)


async def test_a_session_without_a_begin_is_flagged(service: Service) -> None:
    """2.0.1: Started has no register, so what was charged before the first one is missing."""
    await service.one(event_2x("a", "STARTED", 0, 0))
    await service.one(event_2x("a", "UPDATED", 1, 900, 50000))
    await service.one(event_2x("a", "ENDED", 2, 1800, 90000))
    found = await service.get("a")
    assert (found.energy_wh, list(found.flags)) == (40000, PLACEHOLDER)


async def test_begin_and_end_of_different_locations(service: Service) -> None:
    """They cannot be compared: the transaction is flagged, and not billed as 0."""
    await service.one(event_2x("a", "STARTED", 0, 0, 100000))
    inlet = register(105000, location=meter.MEASURAND_LOCATION_INLET, context=meter.READING_CONTEXT_TRANSACTION_END)
    await service.one(event_2x("a", "ENDED", 1, 900, meter_values=[sampled(900, inlet)]))
    assert "series_mismatch" in (await service.get("a")).flags


async def test_begin_and_end_with_different_proof(service: Service) -> None:
    """A station signs the begin alone: the difference counts, and is flagged."""
    signed = SampledValue(value="1000000", context=meter.READING_CONTEXT_TRANSACTION_BEGIN)
    signed.signed_meter_value.signed_meter_data = "AAECAw=="
    await service.one(event_2x("a", "STARTED", 0, 0, meter_values=[sampled(0, signed)]))
    await service.one(event_2x("a", "ENDED", 1, 900, 1005000))
    found = await service.get("a")
    assert (found.energy_wh, list(found.flags)) == (5000, ["series_mismatch"])


@pytest.mark.parametrize("stop", [10**16, 2**63 - 1])
async def test_an_end_beyond_every_register(service: Service, stop: int) -> None:
    """It is flagged; the last reading counts."""
    found = await charged(service, 0, 1000, [5000], stop)
    assert (found.energy_wh, list(found.flags)) == (4000, ["end_implausible"])


async def test_a_coarse_begin_beside_a_finer_meter_start(service: Service) -> None:
    """Full kilowatt-hours are in transactionData; meterStart and meterStop are exact."""
    number = (await service.one(start_16(0, meter_start=10999))).transaction_id
    stop = stop_16(number, 3600, 29149)
    stop.meter_values.insert(0, sampled(0, register(10, unit="kWh", context=meter.READING_CONTEXT_TRANSACTION_BEGIN)))
    await service.one(stop)
    found = await service.get(number)
    assert (found.energy_wh, list(found.flags)) == (18150, [])


async def test_a_foreign_number_is_no_scale(service: Service) -> None:
    """1000 and 937000 are not the same register in two scales: in kWh it would have fallen."""
    found = await charged(service, 0, 1000, [], 937000)
    assert found.energy_wh == 0
    assert list(found.flags) == ["energy_implausible"]


async def test_a_station_whose_clock_is_years_behind(service: Service) -> None:
    """It sends all messages at once, and by its clock five hours passed."""
    start = start_16(0, meter_start=36000)
    start.event_time.CopyFrom(Timestamp(seconds=946684810))  # the year 2000
    start.meter_values[0].sample_time.CopyFrom(start.event_time)
    number = (await service.one(start)).transaction_id
    stop = stop_16(number, 0, 236000)
    stop.event_time.CopyFrom(Timestamp(seconds=946684810 + 5 * 3600))
    stop.meter_values[0].sample_time.CopyFrom(stop.event_time)
    await service.one(stop)
    found = await service.get(number)
    assert (found.energy_wh, list(found.flags)) == (200000, ["clock_skew"])


@pytest.mark.parametrize(("samples", "stop"), [([101000, 103000], 104179), (["101.5", "103.2"], 103149)])
async def test_samples_coarser_than_begin_and_end(service: Service, samples: list[str | int], stop: int) -> None:
    """Samples in whole or tenths of kilowatt-hours, rounded down or up, are no fall."""
    readings = [SampledValue(value=str(value), unit="Wh" if isinstance(value, int) else "kWh") for value in samples]
    number = (await service.one(start_16(0, meter_start=101432))).transaction_id
    for step, reading in enumerate(readings, start=1):
        await service.one(values_16(number, 600 * step, 0, samples=[reading]))
    await service.one(stop_16(number, 1800, stop))
    found = await service.get(number)
    assert (found.energy_wh, list(found.flags)) == (stop - 101432, [])


async def test_a_meter_replaced_by_one_that_stands_higher(service: Service) -> None:
    """The rise of the new meter counts, and the flag is that of a restart."""
    found = await charged(service, 0, 1000, [2000, 3_000_000, 3_001_000], 3_002_000)
    assert (found.energy_wh, list(found.flags)) == (3000, ["meter_restart"])
    assert found.end_time == at(1200)
