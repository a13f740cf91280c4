"""The energy and the power of a transaction under a meter profile: scales, sources, locations."""

from typing import Any

from csms.common.v1 import meter_value_pb2 as meter
from csms.transaction.v1.meter_profile_service_pb2 import (
    EVSE_KIND_AC,
    EVSE_KIND_DC,
    REGISTER_SOURCE_BEGIN_AND_END,
    REGISTER_SOURCE_SAMPLED,
    ZERO_BEGIN_PLACEHOLDER,
    ZERO_BEGIN_READING,
)
from csms.transaction.v1.transaction_event_pb2 import TransactionEvent
from csms.transaction.v1.transaction_service_pb2 import (
    ENERGY_BASIS_FIRST_READING,
    ENERGY_BASIS_REGISTER,
)

from tests.transaction_svc.kit import (
    Service,
    booted,
    event_2x,
    register,
    sampled,
    start_16,
    stop_16,
    values_16,
)
from tests.transaction_svc.profiles import KWH_AS_WH, energy, play_16, reassess, set_profile
from transaction_svc.energy import Terms
from transaction_svc.meter_profiles import TTL_US, MeterTerms, PowerLimits


async def test_the_profile_of_a_model(service: Service) -> None:
    """By the names of the latest boot, without regard to case; the most specific profile applies."""
    await set_profile(service, vendor_name="VENDOR", begin_end_exponent=1)
    await set_profile(service, vendor_name="Vendor", model="Model", begin_end_exponent=2)
    await set_profile(service, vendor_name="Vendor", model="Model", firmware_version="2.0", begin_end_exponent=3)
    for station, boot, wh in (
        ("CP1", booted("vendor", "other", "2.0"), 20),
        ("CP2", booted("vendor", "MODEL", "1.0"), 200),
        ("CP3", booted("vendor ", "model", "2.0"), 2000),
        ("CP4", booted("else", "model", "2.0"), 2),
    ):
        await service.notify(boot, station=station)
        number = (await service.one(start_16(meter_start=900_000), station=station)).transaction_id
        await service.one(stop_16(number, 900, 900_002), station=station)
        assert energy(await service.get(number, station=station)) == (wh, [])
    await service.notify(booted("vendor", "model", "2.1"), station="CP3")
    number = (await service.one(start_16(5000, meter_start=900_002), station="CP3")).transaction_id
    await service.one(stop_16(number, 5900, 900_003), station="CP3")
    assert energy(await service.get(number, station="CP3")) == (100, [])


async def test_a_start_that_overtakes_its_stations_boot(service: Service) -> None:
    """It takes the profile when the boot comes; a transaction that began before a boot keeps its own."""
    await set_profile(service, vendor_name="V", begin_end_exponent=3)
    boot = service.station_item(booted("V"))
    number = (await service.one(start_16(meter_start=936))).transaction_id
    assert not (await service.get(number)).meter_profile_id
    assert not any(result.HasField("error") for result in await service.notify_items([boot]))
    assert (await service.get(number)).meter_profile_id
    await service.notify(booted("W"))
    assert (await service.get(number)).meter_profile_id
    await service.one(stop_16(number, 900, 938))
    assert energy(await service.get(number)) == (2000, [])


async def test_a_batch_without_profiles_costs_no_statement(service: Service) -> None:
    """The process remembers for some seconds, or until it changes one, that there are none."""
    meters = MeterTerms(PowerLimits(ac_w=11_000, dc_w=50_000))
    station, now_us = ("default", "CP1"), service.clock()
    found = await service.database.read(lambda connection: meters.find(connection, {station}, now_us))
    assert found == {station: Terms(power_w=50_000)}
    no_connection: Any = None
    assert meters.find(no_connection, {station}, now_us + TTL_US - 1) == found
    await set_profile(service, station_id="CP1", evse_kind=EVSE_KIND_AC)

    async def power_w(at_us: int) -> int:
        known = await service.database.read(lambda connection: meters.find(connection, {station}, at_us))
        power_w: int = known[station].power_w
        return power_w

    assert await power_w(now_us + TTL_US - 1) == 50_000
    assert await power_w(now_us + TTL_US) == 11_000
    await set_profile(service, station_id="CP1", evse_kind=EVSE_KIND_DC)
    assert await power_w(now_us + TTL_US) == 11_000
    meters.forget("default")
    assert await power_w(now_us + TTL_US) == 50_000


# Effects of a profile


async def test_power_is_that_of_the_profile(service: Service) -> None:
    """A megawatt is plausible where it is set; 100 kW is not where 22 kW are."""
    for station, fields, wh in (
        ("MEGA", {"max_power_w": 1_000_000}, 250_000),
        ("AC", {"evse_kind": EVSE_KIND_AC}, 0),
        ("NONE", {}, 0),
    ):
        if fields:
            await set_profile(service, station_id=station, **fields)
        step = 250_000 if station != "AC" else 25_000
        number = (await service.one(start_16(meter_start=1_000_000), station=station)).transaction_id
        await service.one(stop_16(number, 900, 1_000_000 + step), station=station)
        found = await service.get(number, station=station)
        assert energy(found) == (wh, [] if wh else ["energy_implausible"])


async def test_kilowatt_hours_labelled_watt_hours(service: Service) -> None:
    """The energy is right and without a flag where the scale is pinned; reported registers stay as they are."""
    await set_profile(service, station_id="CP1", **KWH_AS_WH)
    number = await play_16(service, 936, [936, 937], 938)
    found = await service.get(number)
    assert energy(found) == (2000, [])
    assert (found.meter_start_wh, found.meter_stop_wh) == (936, 938)
    assert (found.believed_meter_start_wh, found.believed_meter_stop_wh) == (936_000, 938_000)
    assert found.meter_profile_id


async def test_one_of_two_scales_is_pinned(service: Service) -> None:
    """Begin and end are in kWh and samples in Wh, or the other way round."""
    await set_profile(service, station_id="CP1", begin_end_exponent=3)
    number = await play_16(service, 936, [936_100, 937_900], 938)
    assert energy(await service.get(number)) == (2000, [])
    await set_profile(service, station_id="CP1", sampled_exponent=3)
    number = await play_16(service, 938_000, [938, 939], 939_500, from_s=5000)
    assert energy(await service.get(number)) == (1500, [])


async def test_a_pinned_scale_is_not_doubted(service: Service) -> None:
    """A register that starts over at a thousandth has no other scale."""
    session = (936_000, [936_400, 936, 937], 1_500)
    number = await play_16(service, *session)
    assert "scale_mismatch" in (await service.get(number)).flags
    await set_profile(service, station_id="CP1", begin_end_exponent=0, sampled_exponent=0)
    found = await reassess(service, number)
    assert energy(found) == (400 + 564, ["meter_restart", "meter_rollback"])


async def test_a_stop_without_its_number_is_found_by_the_scaled_register(service: Service) -> None:
    """A stop of 938 kWh fits a register that stands at 937."""
    await set_profile(service, station_id="CP1", begin_end_exponent=3)
    number = (await service.one(start_16(0, meter_start=936))).transaction_id
    await service.one(values_16(number, 300, 937_000))
    assert (await service.one(stop_16("0", 600, 938))).transaction_id == number


async def test_the_location_that_counts(service: Service) -> None:
    """The inlet may be the meter that is calibrated."""

    def both(seconds: float, inlet: int, outlet: int, context: Any) -> Any:
        return [
            sampled(
                seconds,
                register(inlet, context=context, location=meter.MEASURAND_LOCATION_INLET),
                register(outlet, context=context, location=meter.MEASURAND_LOCATION_OUTLET),
            )
        ]

    def events(name: str) -> list[TransactionEvent]:
        return [
            event_2x(
                name, "STARTED", 0, 0, meter_values=both(0, 100_000, 90_000, meter.READING_CONTEXT_TRANSACTION_BEGIN)
            ),
            event_2x(name, "UPDATED", 1, 1800, meter_values=both(1800, 110_000, 5, meter.READING_CONTEXT_UNSPECIFIED)),
            event_2x(
                name, "ENDED", 2, 3600, meter_values=both(3600, 120_000, 95_000, meter.READING_CONTEXT_TRANSACTION_END)
            ),
        ]

    await service.send(*events("outlet"), station="CP2")
    assert energy(await service.get("outlet", station="CP2")) == (5000, ["meter_rollback"])
    await set_profile(service, station_id="CP1", register_location=meter.MEASURAND_LOCATION_INLET)
    await service.send(*events("inlet"))
    assert energy(await service.get("inlet")) == (20_000, [])


async def test_begin_and_end_alone(service: Service) -> None:
    """Samples do not count; there is no energy before the end."""
    await set_profile(service, station_id="CP1", register_source=REGISTER_SOURCE_BEGIN_AND_END)
    number = (await service.one(start_16(0, meter_start=936_000))).transaction_id
    await service.one(values_16(number, 300, 5))
    await service.one(values_16(number, 600, -1))
    assert energy(await service.get(number)) == (0, [])
    await service.one(stop_16(number, 900, 937_500))
    assert energy(await service.get(number)) == (1500, [])


async def test_samples_alone(service: Service) -> None:
    """The first and the last sample count, also after the stop; meterStart and meterStop do not."""
    await set_profile(service, station_id="CP1", register_source=REGISTER_SOURCE_SAMPLED)
    number = await play_16(service, 0, [500_000, 500_700, 501_200], 7)
    assert energy(await service.get(number)) == (1200, [])
    await service.one(values_16(number, 1230, 501_300))
    found = await service.get(number)
    assert energy(found) == (1300, [])
    assert (found.meter_start_wh, found.meter_stop_wh, found.energy_basis) == (0, 7, ENERGY_BASIS_REGISTER)


async def test_samples_alone_with_an_end_without_a_register(service: Service) -> None:
    """The last sample is the end: by it, a register that starts over differs from another counter."""
    await set_profile(service, station_id="CP1", register_source=REGISTER_SOURCE_SAMPLED)
    for seq_no, value in enumerate((500, 20_500, 10, 14_000), start=1):
        if seq_no == 1:
            await service.one(event_2x("a", "STARTED", 0, 0))
        await service.one(event_2x("a", "UPDATED", seq_no, 1800 * seq_no, value))
    assert energy(await service.get("a")) == (20_000, ["meter_rollback"])
    await service.one(event_2x("a", "ENDED", 5, 9000))
    assert energy(await service.get("a")) == (33_990, ["meter_restart", "meter_rollback"])


async def test_a_begin_of_0(service: Service) -> None:
    """It is a reading or a placeholder, as pinned."""
    await set_profile(service, station_id="CP1", zero_begin=ZERO_BEGIN_PLACEHOLDER)
    number = await play_16(service, 0, [3000, 4000], 5000)
    found = await service.get(number)
    assert (energy(found), found.energy_basis) == ((2000, ["begin_placeholder"]), ENERGY_BASIS_FIRST_READING)
    await set_profile(service, station_id="CP1", zero_begin=ZERO_BEGIN_READING)
    number = await play_16(service, 0, [6000, 7000], 8000, from_s=5000)
    assert energy(await service.get(number)) == (8000, [])
