"""The charging profile for a vehicle's needs: of each moment the strictest limit, to the digit."""

from typing import Any

import pytest
from csms.station.v1 import charging_profile_pb2 as pb
from csms.station.v1 import ev_charging_pb2 as ev

from mesh.runtime.times import SECOND_US, to_timestamp
from station_svc.features.smart_charging import ev_limits
from station_svc.features.smart_charging.ev_limits import Step

NOW_US = 1_800_000_000 * SECOND_US
HOUR_S, DAY_S = 3600, 86_400
AMPERES, WATTS = pb.CHARGING_RATE_UNIT_AMPERES, pb.CHARGING_RATE_UNIT_WATTS


def ac(**more: Any) -> ev.EvChargingNeeds:
    """A vehicle that takes 16 A on three phases."""
    parameters = ev.AcChargingParameters(energy_wh=20_000, min_current_a=6, max_current_a=16, max_voltage_v=230)
    fields: dict[str, Any] = {
        "energy_transfer_mode": ev.ENERGY_TRANSFER_MODE_AC_THREE_PHASE,
        "ac_parameters": parameters,
    }
    return ev.EvChargingNeeds(**(fields | more))


def dc(**more: Any) -> ev.EvChargingNeeds:
    """A vehicle that takes 125 A of 400 V."""
    parameters = ev.DcChargingParameters(max_current_a=125, max_voltage_v=400, **more)
    return ev.EvChargingNeeds(energy_transfer_mode=ev.ENERGY_TRANSFER_MODE_DC, dc_parameters=parameters)


def schedule(*periods: tuple[int, float], unit: Any = AMPERES, start_s: int = 0, **more: Any) -> pb.ChargingSchedule:
    """Limits from seconds after its begin on, which is so many seconds from now."""
    made = pb.ChargingSchedule(start_time=to_timestamp(NOW_US + start_s * SECOND_US), charging_rate_unit=unit, **more)
    for since_s, limit in periods:
        made.periods.add(start_period_s=since_s, limit=limit)
    return made


def periods_for(needs: ev.EvChargingNeeds, *held: pb.ChargingProfile) -> list[tuple[int, float]]:
    """The periods of the profile for needs, within the limits of held profiles."""
    terms, end_us = ev_limits.terms_of(needs), ev_limits.stay_end_us(needs, NOW_US)
    limits = [ev_limits.profile_steps(profile, terms, now_us=NOW_US, end_us=end_us) for profile in held]
    profile = ev_limits.make_profile(needs, limits, transaction_id="tx", now_us=NOW_US)
    assert (profile.purpose, profile.transaction_id) == (pb.CHARGING_PROFILE_PURPOSE_TX_PROFILE, "tx")
    [made] = profile.schedules
    assert made.charging_rate_unit == terms.unit
    return [(period.start_period_s, period.limit) for period in made.periods]


def absolute(*schedules: pb.ChargingSchedule, **more: Any) -> pb.ChargingProfile:
    """A profile that holds at all EVSEs."""
    return pb.ChargingProfile(kind=pb.CHARGING_PROFILE_KIND_ABSOLUTE, schedules=schedules, **more)


def test_without_limits_a_vehicle_gets_all_that_it_takes() -> None:
    assert periods_for(ac()) == [(0, 16)]
    assert periods_for(dc()) == [(0, 50_000)]
    assert periods_for(dc(max_power_w=40_000)) == [(0, 40_000)]


def test_the_strictest_limit_of_each_moment() -> None:
    """Where two overlap, the lower one; where one has ended, the other."""
    first = absolute(schedule((0, 10), (HOUR_S, 14)))
    second = absolute(schedule((0, 12), start_s=1800, duration_s=HOUR_S))
    assert periods_for(ac(), first, second) == [(0, 10), (HOUR_S, 12), (HOUR_S + 1800, 14)]


def test_a_limit_that_began_earlier_holds_now() -> None:
    held = absolute(schedule((0, 6), (2 * HOUR_S, 8.1), start_s=-HOUR_S))
    assert periods_for(ac(), held) == [(0, 6), (HOUR_S, 8.1)]


def test_tenths_are_kept_and_never_rounded_up() -> None:
    """8.1 is 8.0999... in binary; 11000 W are 15.94 A on each of three phases."""
    assert periods_for(ac(), absolute(schedule((0, 8.1)))) == [(0, 8.1)]
    assert periods_for(ac(), absolute(schedule((0, 11_000), unit=WATTS))) == [(0, 15.9)]
    assert periods_for(dc(), absolute(schedule((0, 8.1)))) == [(0, 3_240)]


def test_a_recurring_limit_comes_again() -> None:
    """Daily from an hour before now, for two hours: now, and again in 23 hours."""
    daily = pb.ChargingProfile(
        kind=pb.CHARGING_PROFILE_KIND_RECURRING,
        recurrency_kind=pb.RECURRENCY_KIND_DAILY,
        schedules=[schedule((0, 6), start_s=-HOUR_S - 3 * DAY_S, duration_s=2 * HOUR_S)],
    )
    assert periods_for(ac(), daily) == [(0, 6), (HOUR_S, 16), (23 * HOUR_S, 6)]


def test_a_profile_limits_only_while_it_is_valid() -> None:
    later = to_timestamp(NOW_US + HOUR_S * SECOND_US)
    assert periods_for(ac(), absolute(schedule((0, 6)), valid_to=later)) == [(0, 6), (HOUR_S, 16)]
    assert periods_for(ac(), absolute(schedule((0, 6)), valid_from=later)) == [(0, 16), (HOUR_S, 6)]


def test_no_more_periods_than_the_vehicle_takes() -> None:
    """The last ones become one, with the lowest of their limits."""
    held = absolute(schedule((0, 10), (60, 12), (120, 8), (180, 14)))
    assert periods_for(ac(), held) == [(0, 10), (60, 12), (120, 8), (180, 14)]
    assert periods_for(ac(max_schedule_tuples=2), held) == [(0, 10), (60, 8)]
    assert periods_for(ac(max_schedule_tuples=1), held) == [(0, 8)]
    assert periods_for(ac(max_schedule_tuples=0), held) == [(0, 8)]


@pytest.mark.parametrize(
    ("leaves_s", "stay_s"), [(None, DAY_S), (HOUR_S, HOUR_S), (-HOUR_S, DAY_S), (30 * DAY_S, 7 * DAY_S)]
)
def test_until_the_vehicle_leaves(leaves_s: int | None, stay_s: int) -> None:
    """Within a week; a time that has passed says nothing."""
    needs = ac()
    if leaves_s is not None:
        needs.departure_time.CopyFrom(to_timestamp(NOW_US + leaves_s * SECOND_US))
    [made] = ev_limits.make_profile(needs, [], transaction_id="tx", now_us=NOW_US).schedules
    assert made.duration_s == stay_s


def test_a_schedule_above_the_limits() -> None:
    """At any moment that both are about; half a tenth is no difference."""
    limit = [Step(begin_us=100, end_us=200, limit=10)]
    assert ev_limits.is_above([Step(begin_us=150, end_us=300, limit=10.1)], limit)
    assert not ev_limits.is_above([Step(begin_us=200, end_us=300, limit=16)], limit)
    assert not ev_limits.is_above([Step(begin_us=100, end_us=200, limit=10.04)], limit)
