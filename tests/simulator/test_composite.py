"""Composite schedules are computed as the specification says, for whatever profiles there are."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from simulator.charging_profiles import Kind, Period, Profile, Purpose, Recurrency, Schedule, Unit, by_level
from simulator.composite import Stack, Supply, TokenBucket, allowance_at, composite, in_unit, leading, period_at

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # a Monday
SUPPLY = Supply(power_w=22_000, voltage_v=230, phases=3)
DAY_S = 86_400


def profile(*limits: tuple[int, float], **given_: Any) -> Profile:
    """A profile in watts of (second, limit) pairs; absolute, and from NOW on unless told otherwise."""
    schedule = Schedule(
        unit=given_.pop("unit", Unit.WATT),
        periods=tuple(Period(start_s=at, limit=limit, phases=given_.get("phases")) for at, limit in limits),
        duration_s=given_.pop("duration_s", None),
        start=given_.pop("start", NOW),
    )
    given_.pop("phases", None)
    defaults: dict[str, Any] = {"profile_id": 1, "stack_level": 0, "purpose": Purpose.TX_DEFAULT, "kind": Kind.ABSOLUTE}
    return Profile(schedule=schedule, **(defaults | given_))


def watts(stack: Stack, at_s: float) -> float:
    """The limit so many seconds after NOW."""
    return allowance_at(stack, SUPPLY, NOW + timedelta(seconds=at_s)).power_w


def told(stack: Stack, duration_s: int) -> list[tuple[int, float]]:
    """The composite schedule from NOW on, in watts."""
    return [(s.start_s, s.allowance.power_w) for s in composite(stack, SUPPLY, start=NOW, duration_s=duration_s)]


def test_without_profiles_the_hardware_limits() -> None:
    """One slot, with all that the connector can give."""
    assert told(Stack(begun=NOW), 3_600) == [(0, 22_000)]


def test_the_specification_s_example() -> None:
    """Of three layers the lowest limit holds at each time (OCPP 1.6, 3.13.4): default, station, transaction."""
    stack = Stack(
        station=[profile((0, 11_000), (1_800, 6_000), (2_400, 20_000), purpose=Purpose.STATION_MAX)],
        transaction=[profile((0, 8_000), purpose=Purpose.TX, duration_s=1_200)],
        default=[profile((0, 10_000), (3_000, 4_000))],
        begun=NOW,
    )
    assert told(stack, 3_600) == [(0, 8_000), (1_200, 10_000), (1_800, 6_000), (2_400, 10_000), (3_000, 4_000)]


def test_a_higher_level_leads_while_it_says_anything() -> None:
    """Where its schedule has ended, or it is not valid, the next level counts."""
    high = profile((0, 5_000), stack_level=3, duration_s=600, valid_from=NOW + timedelta(seconds=60))
    low = profile((0, 9_000), stack_level=1)
    stack = Stack(default=by_level([low, high]), begun=NOW)
    assert told(stack, 1_000) == [(0, 9_000), (60, 5_000), (600, 9_000)]


def test_a_daily_schedule_comes_again() -> None:
    """Nights are cheap, days are not, every day; before its first start it says nothing."""
    start = NOW.replace(hour=22)
    daily = profile((0, 20_000), (8 * 3_600, 5_000), kind=Kind.RECURRING, recurrency=Recurrency.DAILY, start=start)
    stack = Stack(default=[daily], begun=NOW)
    assert watts(stack, 0) == 22_000
    hours = [(s // 3_600, w) for s, w in told(stack, 3 * DAY_S)]
    assert hours == [(0, 22_000), (10, 20_000), (18, 5_000), (34, 20_000), (42, 5_000), (58, 20_000), (66, 5_000)]


def test_a_weekly_schedule_with_a_duration_leaves_the_rest_of_the_week_free() -> None:
    """Between its end and its next start it says nothing."""
    weekly = profile((0, 1_000), kind=Kind.RECURRING, recurrency=Recurrency.WEEKLY, start=NOW, duration_s=DAY_S)
    stack = Stack(default=[weekly], begun=NOW)
    days = [(s // DAY_S, w) for s, w in told(stack, 9 * DAY_S)]
    assert days == [(0, 1_000), (1, 22_000), (7, 1_000), (8, 22_000)]


def test_a_relative_schedule_counts_from_the_start_of_charging() -> None:
    """Its own startSchedule does not matter."""
    relative = profile((0, 3_000), (900, 7_000), kind=Kind.RELATIVE, start=NOW - timedelta(days=3))
    stack = Stack(default=[relative], begun=NOW - timedelta(seconds=300))
    assert told(stack, 3_600) == [(0, 3_000), (600, 7_000)]


def test_amperes_are_per_phase() -> None:
    """16 A are 11 kW on three phases, 3.7 kW on one; told in amperes they are what they were."""
    three = Stack(default=[profile((0, 16), unit=Unit.AMPERE)], begun=NOW)
    one = Stack(default=[profile((0, 16), unit=Unit.AMPERE, phases=1)], begun=NOW)
    assert watts(three, 0) == 11_040
    assert watts(one, 0) == 3_680
    assert [in_unit(allowance_at(x, SUPPLY, NOW), Unit.AMPERE, 230) for x in (three, one)] == [16, 16]


def test_one_phase_gives_a_third_of_the_hardware() -> None:
    """A limit in watts that is above what one phase can give."""
    one = Stack(default=[profile((0, 20_000), phases=1)], begun=NOW)
    assert allowance_at(one, SUPPLY, NOW) == TokenBucket(power_w=22_000 / 3, phases=1)


moments = st.integers(-2 * DAY_S, 9 * DAY_S).map(lambda s: NOW + timedelta(seconds=s))


@st.composite
def profiles(draw: st.DrawFn, purpose: Purpose) -> Profile:
    """Any sound profile of a purpose."""
    kinds = [Kind.ABSOLUTE, Kind.RECURRING] + ([] if purpose is Purpose.STATION_MAX else [Kind.RELATIVE])
    kind = draw(st.sampled_from(kinds))
    marks = sorted({0, *draw(st.lists(st.integers(1, DAY_S), max_size=4))})
    unit = draw(st.sampled_from(Unit))
    most = 60 if unit is Unit.AMPERE else 30_000
    phases = draw(st.sampled_from([None, 1, 2, 3]))
    return profile(
        *((mark, draw(st.integers(0, most * 10)) / 10) for mark in marks),
        profile_id=draw(st.integers(1, 99)),
        unit=unit,
        phases=phases,
        purpose=purpose,
        kind=kind,
        stack_level=draw(st.integers(0, 5)),
        start=draw(moments),
        duration_s=draw(st.none() | st.integers(1, 2 * DAY_S)),
        recurrency=draw(st.sampled_from(Recurrency)) if kind is Kind.RECURRING else None,
        valid_from=draw(st.none() | moments),
        valid_to=draw(st.none() | moments),
    )


@st.composite
def stacks(draw: st.DrawFn) -> Stack:
    """Any profiles that may count somewhere."""
    return Stack(
        station=by_level(draw(st.lists(profiles(Purpose.STATION_MAX), max_size=2))),
        transaction=by_level(draw(st.lists(profiles(Purpose.TX), max_size=2))),
        default=by_level(draw(st.lists(profiles(Purpose.TX_DEFAULT), max_size=3))),
        begun=NOW - timedelta(milliseconds=draw(st.integers(0, 7_200_000))),
    )


@given(stack=stacks(), duration_s=st.integers(1, 8 * DAY_S), data=st.data())
def test_a_composite_says_at_each_second_what_counts_then(stack: Stack, duration_s: int, data: st.DataObject) -> None:
    """Evaluating it at any whole second gives what the profiles give at that moment."""
    slots = composite(stack, SUPPLY, start=NOW, duration_s=duration_s)
    second = data.draw(st.integers(0, duration_s - 1))
    slot = next(slot for slot in reversed(slots) if slot.start_s <= second)
    assert slot.allowance == allowance_at(stack, SUPPLY, NOW + timedelta(seconds=second))


@given(stack=stacks(), duration_s=st.integers(1, 8 * DAY_S))
def test_a_composite_is_well_formed(stack: Stack, duration_s: int) -> None:
    """It begins at 0, rises, ends within the duration, its neighbours differ, and nothing exceeds the hardware."""
    slots = composite(stack, SUPPLY, start=NOW, duration_s=duration_s)
    starts = [slot.start_s for slot in slots]
    assert starts[0] == 0
    assert starts == sorted(set(starts))
    assert starts[-1] < duration_s
    assert all(a.allowance != b.allowance for a, b in pairwise(slots))
    assert all(0 <= s.allowance.power_w <= SUPPLY.power_w and 1 <= s.allowance.phases <= 3 for s in slots)


@given(stack=stacks(), moment=moments)
def test_every_leading_profile_is_kept(stack: Stack, moment: datetime) -> None:
    """The limit exceeds neither the station's leading limit nor the connector's, taken alone."""
    allowed = allowance_at(stack, SUPPLY, moment)
    for part in (stack.station, [*stack.transaction, *stack.default]):
        found = leading(part, moment, stack.begun)
        if found is not None:
            unit, period = found
            limit_w = period.limit if unit is Unit.WATT else period.limit * 230 * (period.phases or 3)
            assert allowed.power_w <= limit_w + 1e-9


@given(stack=stacks(), moment=moments, unit=st.sampled_from(Unit))
def test_what_is_told_promises_no_more_than_is_allowed(stack: Stack, moment: datetime, unit: Unit) -> None:
    """And falls short by less than a watt, or a tenth of an ampere."""
    allowed = allowance_at(stack, SUPPLY, moment)
    step, factor = (1, 1) if unit is Unit.WATT else (0.1, 230 * allowed.phases)
    short = allowed.power_w / factor - in_unit(allowed, unit, 230)
    assert -1e-6 < short < step + 1e-9


@given(one=profiles(Purpose.TX_DEFAULT), moment=moments)
def test_a_profile_says_nothing_outside_of_its_validity(one: Profile, moment: datetime) -> None:
    """From valid_from up to valid_to, which is no part of it."""
    if one.valid_from is not None and moment < one.valid_from:
        assert period_at(one, moment, NOW) is None
    if one.valid_to is not None and moment >= one.valid_to:
        assert period_at(one, moment, NOW) is None
