"""Meter profiles: the methods for operators, and their effects on the energy of transactions."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import grpc
import pytest
from csms.common.v1 import meter_value_pb2 as meter
from csms.transaction.v1 import meter_profile_service_pb2 as contract
from csms.transaction.v1.meter_profile_service_pb2 import (
    EVSE_KIND_AC,
    EVSE_KIND_DC,
    REGISTER_SOURCE_BEGIN_AND_END,
    REGISTER_SOURCE_SAMPLED,
    ZERO_BEGIN_PLACEHOLDER,
    ZERO_BEGIN_READING,
    MeterProfile,
)
from csms.transaction.v1.transaction_event_pb2 import TransactionEvent
from csms.transaction.v1.transaction_service_pb2 import (
    ENERGY_BASIS_FIRST_READING,
    ENERGY_BASIS_REGISTER,
    ReassessTransactionRequest,
    Transaction,
)
from hypothesis import given
from hypothesis import strategies as st

from mesh.identity.callers import Caller, Role, set_caller
from mesh.runtime.errors import MeshError
from tests.transaction_svc.kit import (
    CONTEXT,
    Service,
    booted,
    event_2x,
    register,
    sampled,
    start_16,
    stop_16,
    values_16,
)
from tests.transaction_svc.meters import KWH, Sample, Session, records_of, sessions, state_of
from tests.transaction_svc.test_energy import COUNTED, EXAMPLES
from transaction_svc import meter_profile_servicer
from transaction_svc.energy import Basis, Terms
from transaction_svc.event_record import SIGNED, VERIFIED, series_number
from transaction_svc.meter_profile_store import Identity
from transaction_svc.meter_profiles import TTL_US, MeterTerms, PowerLimits, most_specific
from transaction_svc.metering import Metering
from transaction_svc.reading_selection import BEGIN_AND_END, SAMPLED, Pins
from transaction_svc.transaction_state import TransactionState

ADMIN = Caller(username="ada", tenant_id="default", role=Role.ADMINISTRATOR, session_id="a", expires_s=2**31)
KWH_AS_WH: dict[str, Any] = {"begin_end_exponent": 3, "sampled_exponent": 3}


async def set_profile(service: Service, *, tenant: str = "default", **fields: Any) -> MeterProfile:
    """Sets a profile as an administrator."""
    set_caller(replace(ADMIN, tenant_id=tenant))
    request = contract.SetMeterProfileRequest(meter_profile=MeterProfile(**fields))
    return (await service.profiles.SetMeterProfile(request, CONTEXT)).meter_profile


async def delete_profile(service: Service, profile_id: str) -> None:
    """Removes a profile."""
    set_caller(ADMIN)
    request = contract.DeleteMeterProfileRequest(meter_profile_id=profile_id)
    await service.profiles.DeleteMeterProfile(request, CONTEXT)


async def list_profiles(service: Service, **more: Any) -> contract.ListMeterProfilesResponse:
    """Reads a page."""
    set_caller(ADMIN)
    return await service.profiles.ListMeterProfiles(contract.ListMeterProfilesRequest(**more), CONTEXT)


async def reassess(service: Service, transaction_id: str, *, station: str = "CP1") -> Transaction:
    """Reassesses a transaction."""
    set_caller(ADMIN)
    request = ReassessTransactionRequest(station_id=station, transaction_id=transaction_id)
    return (await service.operator.ReassessTransaction(request, CONTEXT)).transaction


async def play_16(service: Service, begin: int, between: Sequence[int], end: int, *, from_s: float = 0) -> str:
    """Sends a session of 1.6 with a reading every five minutes."""
    number = (await service.one(start_16(from_s, meter_start=begin))).transaction_id
    for index, value in enumerate(between, start=1):
        await service.one(values_16(number, from_s + 300 * index, value))
    await service.one(stop_16(number, from_s + 300 * (len(between) + 1), end))
    return number


def energy(found: Transaction) -> tuple[float, list[str]]:
    """Energy and flags."""
    return found.energy_wh, list(found.flags)


# How they are kept


async def test_a_profile_is_kept_and_replaced(service: Service) -> None:
    """Profiles are replaced by their stations, without regard to case; each tenant has its own."""
    first = await set_profile(service, vendor_name="Vendor", model="M", max_power_w=22000, **KWH_AS_WH)
    assert first.meter_profile_id
    assert (first.updated_by, first.update_time.ToMicroseconds()) == ("ada", service.clock())
    second = await set_profile(
        service,
        vendor_name="VENDOR",
        model="m",
        evse_kind=EVSE_KIND_AC,
        begin_end_exponent=0,
        register_source=REGISTER_SOURCE_SAMPLED,
        register_location=meter.MEASURAND_LOCATION_INLET,
        zero_begin=ZERO_BEGIN_READING,
    )
    assert second.meter_profile_id == first.meter_profile_id
    await set_profile(service, tenant="other", vendor_name="Vendor", model="M")
    assert list((await list_profiles(service)).meter_profiles) == [second]
    request = contract.GetMeterProfileRequest(meter_profile_id=first.meter_profile_id)
    found = (await service.profiles.GetMeterProfile(request, CONTEXT)).meter_profile
    assert found == second
    assert found.HasField("begin_end_exponent")
    assert not found.HasField("sampled_exponent")


async def test_profiles_are_listed_in_pages_and_filtered(service: Service) -> None:
    """Sorted by vendor, model, firmware version and station."""
    for vendor, model, firmware, station in (
        ("b", "", "", ""),
        ("A", "x", "1", ""),
        ("A", "x", "", "CP1"),
        ("", "", "", "CP2"),
        ("A", "x", "", ""),
    ):
        await set_profile(service, vendor_name=vendor, model=model, firmware_version=firmware, station_id=station)
    first = await list_profiles(service, page_size=3)
    rest = await list_profiles(service, page_size=3, page_token=first.next_page_token)
    assert not rest.next_page_token
    listed = [
        (profile.vendor_name, profile.model, profile.firmware_version, profile.station_id)
        for profile in [*first.meter_profiles, *rest.meter_profiles]
    ]
    assert listed == [
        ("", "", "", "CP2"),
        ("A", "x", "", ""),
        ("A", "x", "", "CP1"),
        ("A", "x", "1", ""),
        ("b", "", "", ""),
    ]
    found = await list_profiles(service, filter='vendor_name = "a" AND firmware_version = "1"')
    assert [profile.firmware_version for profile in found.meter_profiles] == ["1"]


async def test_a_profile_is_removed(service: Service) -> None:
    """A second removal fails with its reason."""
    profile = await set_profile(service, station_id="CP1", **KWH_AS_WH)
    request = contract.DeleteMeterProfileRequest(meter_profile_id=profile.meter_profile_id)
    await service.profiles.DeleteMeterProfile(request, CONTEXT)
    for call in (
        service.profiles.DeleteMeterProfile(request, CONTEXT),
        service.profiles.GetMeterProfile(
            contract.GetMeterProfileRequest(meter_profile_id=profile.meter_profile_id), CONTEXT
        ),
        service.profiles.GetMeterProfile(contract.GetMeterProfileRequest(meter_profile_id="a\0"), CONTEXT),
    ):
        with pytest.raises(MeshError) as caught:
            await call
        assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.NOT_FOUND, "METER_PROFILE_NOT_FOUND")
    number = await play_16(service, 936, [937], 938)
    assert not (await service.get(number)).meter_profile_id


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("max_power_w", {"max_power_w": 999}),
        ("max_power_w", {"max_power_w": -1}),
        ("max_power_w", {"max_power_w": 4_000_001}),
        ("begin_end_exponent", {"begin_end_exponent": 7}),
        ("sampled_exponent", {"sampled_exponent": -7}),
        ("evse_kind", {"evse_kind": 3}),
        ("register_source", {"register_source": 3}),
        ("register_location", {"register_location": 9}),
        ("zero_begin", {"zero_begin": 3}),
        ("vendor_name", {"vendor_name": "v" * 256}),
        ("model", {"model": "m\0"}),
        ("firmware_version", {"firmware_version": " 1"}),
        ("station_id", {"station_id": "CP\n1"}),
    ],
)
async def test_a_wrong_field_is_refused(service: Service, field: str, fields: dict[str, Any]) -> None:
    """The error names the field, and no profile is stored."""
    with pytest.raises(MeshError) as caught:
        await set_profile(service, **fields)
    assert (caught.value.reason, caught.value.metadata) == ("INVALID_FIELD", {"field": f"meter_profile.{field}"})
    assert not (await list_profiles(service)).meter_profiles


async def test_their_number_is_bounded(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """An existing one can still be replaced."""
    monkeypatch.setattr(meter_profile_servicer, "MOST_PROFILES", 1)
    await set_profile(service, station_id="CP1")
    await set_profile(service, station_id="CP1", max_power_w=4_000_000)
    with pytest.raises(MeshError) as caught:
        await set_profile(service, station_id="CP2")
    assert caught.value.reason == "METER_PROFILE_LIMIT_REACHED"


# Which one applies


def test_the_most_specific_one_applies() -> None:
    """The station decides before firmware version, model and vendor."""
    identity = Identity("CP1", "v", "m", "1")
    ranked = [
        Identity("CP1", "", "", ""),
        Identity("", "", "", "1"),
        Identity("", "v", "m", ""),
        Identity("", "", "m", ""),
        Identity("", "v", "", ""),
        Identity("", "", "", ""),
    ]
    known: dict[Identity, Any] = {wanted: wanted for wanted in [*ranked, Identity("CP2", "v", "m", "1")]}
    for wanted in ranked:
        found: Any = most_specific(known, identity)
        assert found == wanted
        del known[wanted]
    assert most_specific(known, identity) is None


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


# Any order


def reported_state(
    session: Session, pins: Pins, *, counted: bool, order: Sequence[int] | None = None
) -> TransactionState:
    """The assessment of a session with a profile."""
    records = records_of(session, counted=counted)
    state = TransactionState(meter=Metering(terms=Terms(pins=pins)))
    return state_of(records if order is None else [records[index] for index in order], state)


@EXAMPLES
@given(sessions(least_kwh=1), st.integers(-3, 3), st.integers(-3, 3), COUNTED)
def test_pinned_scales(session: Session, begin_end: int, between: int, counted: bool) -> None:
    """With any two scales the energy is that of the meter, without a flag."""

    def reported(mwh: int, exponent: int) -> int:
        factor: int = 10 ** abs(exponent)
        return mwh * factor if exponent < 0 else mwh // factor

    assert session.begin
    assert session.end
    coarse = session.everywhere(lambda mwh: mwh // 1000 * 1000)
    assert coarse.begin
    assert coarse.end
    changed = replace(
        coarse.with_between(lambda mwh: reported(mwh, between)),
        begin=replace(coarse.begin, mwh=reported(coarse.begin.mwh, begin_end)),
        end=replace(coarse.end, mwh=reported(coarse.end.mwh, begin_end)),
    )
    state = reported_state(changed, Pins(begin_end_exponent=begin_end, sampled_exponent=between), counted=counted)
    assert (state.meter.energy_mwh, list(state.meter.flags)) == (coarse.mwh, [])


@EXAMPLES
@given(sessions(least_kwh=1), st.sampled_from([BEGIN_AND_END, SAMPLED]), st.data(), COUNTED)
def test_a_pinned_source(session: Session, source: int, data: st.DataObject, counted: bool) -> None:
    """Readings that do not count may have any value, and events come in any order."""
    wrong = st.sampled_from([-1, 0, 7, 10**18])
    assert session.begin
    assert session.end
    if source == SAMPLED:
        begin, end = replace(session.begin, mwh=data.draw(wrong)), replace(session.end, mwh=data.draw(wrong))
        changed = replace(session, begin=begin, end=end)
        values = [sample.mwh for sample in session.between]
        expected = values[-1] - values[0] if values else 0
    else:
        changed = session.with_between(lambda _mwh: data.draw(wrong))
        expected = session.mwh
    count = len(records_of(changed))
    order = data.draw(st.permutations(range(count)))
    for state in (
        reported_state(changed, Pins(source=source), counted=counted),
        reported_state(changed, Pins(source=source), counted=counted, order=order),
    ):
        assert (state.meter.energy_mwh, list(state.meter.flags)) == (expected, [])
        assert (state.meter.meter_start_mwh, state.meter.meter_stop_mwh) == (
            changed.begin and changed.begin.mwh,
            changed.end and changed.end.mwh,
        )


@EXAMPLES
@given(sessions(least_kwh=100), COUNTED)
def test_signed_readings_in_another_scale(session: Session, counted: bool) -> None:
    """They do not differ where the scale of the others is pinned; a true difference is flagged."""
    assert session.begin
    assert session.end
    signed = series_number(0, 0, proof=SIGNED)
    pins = Pins(begin_end_exponent=0, sampled_exponent=0)
    for surplus, flags in ((0, []), (50 * KWH, ["signed_differs"])):
        more = [
            Sample(0, session.begin.mwh // 1000, signed),
            Sample(session.end.at_s, (session.end.mwh + surplus) // 1000, signed),
        ]
        state = reported_state(replace(session, more=more), pins, counted=counted)
        if abs(session.mwh - (more[1].mwh - more[0].mwh)) >= 1000:
            assert (state.meter.energy_mwh, list(state.meter.flags)) == (session.mwh, flags)


@EXAMPLES
@given(sessions(least_kwh=100), st.sampled_from([BEGIN_AND_END, SAMPLED]), COUNTED)
def test_proven_readings_count_whatever_is_pinned(session: Session, source: int, counted: bool) -> None:
    """Valid signatures at begin and end win over every pin."""
    assert session.begin
    assert session.end
    signed = series_number(0, 0, proof=VERIFIED)
    wrong = session.everywhere(lambda mwh: mwh // 2)
    more = [Sample(0, session.begin.mwh, signed), Sample(session.end.at_s, session.end.mwh, signed)]
    pins = Pins(begin_end_exponent=3, sampled_exponent=3, source=source, location=1)
    state = reported_state(replace(wrong, more=more), pins, counted=counted)
    assert (state.meter.energy_mwh, state.meter.basis) == (session.mwh, Basis.SIGNED_REGISTER)
