"""The charging profile for a vehicle's needs, within the limits that hold at its EVSE. Pure. docs/SMART_CHARGING.md.

As long as there is no load management, a vehicle is offered all that it can take and that no limit forbids, from now
until it leaves. ADR 40.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from csms.station.v1 import charging_profile_pb2 as pb
from csms.station.v1 import ev_charging_pb2 as ev

from mesh.runtime.times import DAY_US, SECOND_US, from_timestamp, to_timestamp

# A vehicle that does not say when it leaves.
_DEFAULT_STAY_US = DAY_US
MOST_STAY_US = 7 * DAY_US
_MOST_PERIODS = 1024
_RECURRENCE_US = {pb.RECURRENCY_KIND_DAILY: DAY_US, pb.RECURRENCY_KIND_WEEKLY: 7 * DAY_US}
_PHASES = {
    ev.ENERGY_TRANSFER_MODE_AC_SINGLE_PHASE: 1,
    ev.ENERGY_TRANSFER_MODE_AC_TWO_PHASE: 2,
    ev.ENERGY_TRANSFER_MODE_AC_THREE_PHASE: 3,
}
# Of a vehicle that gives no voltage.
_DEFAULT_VOLTAGE_V = 230
_TENTHS = 10


@dataclass(frozen=True, kw_only=True)
class Step:
    """A limit from a moment to another, in the unit of the profile."""

    begin_us: int
    end_us: int
    limit: float


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The terms of a vehicle: the unit of its profile, the most that it takes in it, and how others are converted."""

    unit: pb.ChargingRateUnit.ValueType
    most: float
    watts_per_ampere: int
    phases: int | None = None
    least: float | None = None

    def convert(self, limit: float, unit: pb.ChargingRateUnit.ValueType) -> float:
        """A limit in the unit of the profile."""
        if unit == self.unit:
            return limit
        watts = self.watts_per_ampere
        return limit / watts if self.unit == pb.CHARGING_RATE_UNIT_AMPERES else limit * watts


def terms_of(needs: ev.EvChargingNeeds) -> Terms:
    """Amperes per phase for AC, watts for DC."""
    if needs.energy_transfer_mode == ev.ENERGY_TRANSFER_MODE_DC or needs.HasField("dc_parameters"):
        dc = needs.dc_parameters
        voltage = dc.max_voltage_v or _DEFAULT_VOLTAGE_V
        most = dc.max_current_a * voltage
        if dc.HasField("max_power_w"):
            most = min(most, dc.max_power_w) if most else dc.max_power_w
        return Terms(unit=pb.CHARGING_RATE_UNIT_WATTS, most=most, watts_per_ampere=voltage)
    ac = needs.ac_parameters
    phases = _PHASES.get(needs.energy_transfer_mode, 3)
    return Terms(
        unit=pb.CHARGING_RATE_UNIT_AMPERES,
        most=ac.max_current_a,
        watts_per_ampere=(ac.max_voltage_v or _DEFAULT_VOLTAGE_V) * phases,
        phases=phases,
        least=ac.min_current_a,
    )


def make_profile(
    needs: ev.EvChargingNeeds, limits: Iterable[Sequence[Step]], *, transaction_id: str, now_us: int
) -> pb.ChargingProfile:
    """The profile for a transaction: of each moment the strictest limit, and no more than the vehicle takes."""
    terms = terms_of(needs)
    end_us = stay_end_us(needs, now_us)
    most = needs.max_schedule_tuples if needs.HasField("max_schedule_tuples") else _MOST_PERIODS
    steps = _fit(_merge(strictest(limits, terms.most, now_us, end_us)), max(1, min(most, _MOST_PERIODS)))
    schedule = pb.ChargingSchedule(
        start_time=to_timestamp(now_us),
        duration_s=max(1, (end_us - now_us) // SECOND_US),
        charging_rate_unit=terms.unit,
        min_charging_rate=terms.least,
    )
    for step in steps:
        period = schedule.periods.add(start_period_s=(step.begin_us - now_us) // SECOND_US, limit=step.limit)
        if terms.phases is not None:
            period.number_phases = terms.phases
    return pb.ChargingProfile(
        purpose=pb.CHARGING_PROFILE_PURPOSE_TX_PROFILE,
        kind=pb.CHARGING_PROFILE_KIND_ABSOLUTE,
        transaction_id=transaction_id,
        schedules=[schedule],
    )


def stay_end_us(needs: ev.EvChargingNeeds, now_us: int) -> int:
    """The moment at which the vehicle leaves, within bounds."""
    if not needs.HasField("departure_time"):
        return now_us + _DEFAULT_STAY_US
    leaves_us = from_timestamp(needs.departure_time)
    return min(leaves_us, now_us + MOST_STAY_US) if leaves_us > now_us + SECOND_US else now_us + _DEFAULT_STAY_US


def profile_steps(profile: pb.ChargingProfile, terms: Terms, *, now_us: int, end_us: int) -> Sequence[Step]:
    """The limits of a profile in the time from now to an end, as far as it is valid."""
    first_us = max(now_us, from_timestamp(profile.valid_from)) if profile.HasField("valid_from") else now_us
    last_us = min(end_us, from_timestamp(profile.valid_to)) if profile.HasField("valid_to") else end_us
    steps: list[Step] = []
    for schedule in profile.schedules[:1]:  # of several a vehicle chooses one: the first stands for them
        for begin_us in _begins(profile, schedule, now_us, end_us):
            steps.extend(schedule_steps(schedule, terms, begin_us=begin_us, first_us=first_us, last_us=last_us))
    return steps


def _begins(profile: pb.ChargingProfile, schedule: pb.ChargingSchedule, now_us: int, end_us: int) -> Sequence[int]:
    begin_us = from_timestamp(schedule.start_time) if schedule.HasField("start_time") else now_us
    every_us = _RECURRENCE_US.get(profile.recurrency_kind)
    if profile.kind != pb.CHARGING_PROFILE_KIND_RECURRING or every_us is None:
        return [begin_us]
    if begin_us < now_us:
        begin_us += (now_us - begin_us) // every_us * every_us
    return range(begin_us, end_us, every_us)


def schedule_steps(
    schedule: pb.ChargingSchedule, terms: Terms, *, begin_us: int, first_us: int, last_us: int
) -> Sequence[Step]:
    """The limits of a schedule that begins then, as far as they are between two moments."""
    over_us = begin_us + schedule.duration_s * SECOND_US if schedule.HasField("duration_s") else last_us
    starts = [begin_us + period.start_period_s * SECOND_US for period in schedule.periods]
    ends = [*starts[1:], max(over_us, starts[-1])] if starts else []
    steps = []
    for period, start_us, stop_us in zip(schedule.periods, starts, ends, strict=True):
        since_us, until_us = max(start_us, first_us), min(stop_us, over_us, last_us)
        if since_us < until_us:
            limit = terms.convert(period.limit, schedule.charging_rate_unit)
            steps.append(Step(begin_us=since_us, end_us=until_us, limit=limit))
    return steps


def strictest(limits: Iterable[Sequence[Step]], most: float, begin_us: int, end_us: int) -> Sequence[Step]:
    """Of each moment the lowest limit, and no more than `most`, in tenths, rounded down."""
    steps = [step for one in limits for step in one]
    moments = {begin_us, *(moment for step in steps for moment in (step.begin_us, step.end_us))}
    starts = sorted(moment for moment in moments if begin_us <= moment < end_us)
    found = []
    for since_us, until_us in zip(starts, [*starts[1:], end_us], strict=True):
        here = [step.limit for step in steps if step.begin_us <= since_us < step.end_us]
        found.append(Step(begin_us=since_us, end_us=until_us, limit=_tenths(min([most, *here]))))
    return found


def _tenths(limit: float) -> float:
    # The addend keeps 8.1, which is 8.0999... times ten in binary, from becoming 8.0.
    return math.floor(max(limit, 0) * _TENTHS + 1e-6) / _TENTHS


def _merge(steps: Iterable[Step]) -> list[Step]:
    merged: list[Step] = []
    for step in steps:
        before = merged[-1] if merged else None
        same_second = before is not None and (step.begin_us - before.begin_us) < SECOND_US
        if before is not None and (step.limit == before.limit or same_second):
            limit = min(step.limit, before.limit)
            merged[-1] = Step(begin_us=before.begin_us, end_us=step.end_us, limit=limit)
        else:
            merged.append(step)
    return merged


def _fit(steps: Sequence[Step], most: int) -> Sequence[Step]:
    """No more than so many steps: the last ones become one, with the lowest of their limits."""
    if len(steps) <= most:
        return steps
    rest = steps[most - 1 :]
    last = Step(begin_us=rest[0].begin_us, end_us=rest[-1].end_us, limit=min(step.limit for step in rest))
    return [*steps[: most - 1], last]


def is_above(schedule: Sequence[Step], limits: Sequence[Step]) -> bool:
    """Whether a vehicle's schedule is above the limits at any moment that both are about."""
    return any(
        step.limit > limit.limit + 1 / _TENTHS / 2
        for step in schedule
        for limit in limits
        if step.begin_us < limit.end_us and limit.begin_us < step.end_us
    )
