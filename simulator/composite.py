"""The limit that all charging profiles of a station make together, now and over a time (OCPP 1.6, 3.13 and 5.7).

Pure computation. Of the profiles of one purpose, the highest level that says anything at a moment counts; a
transaction's own profiles come before the default ones; the station's limit holds beside them. What no profile limits,
the hardware does.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from simulator.charging_profiles import Kind, Period, Profile, Recurrency, Unit

_RHYTHM = {Recurrency.DAILY: timedelta(days=1), Recurrency.WEEKLY: timedelta(weeks=1)}
_ALL_PHASES = 3
_ROUNDING = 1e-6  # of a float that was a whole number before it was multiplied and divided


@dataclass(frozen=True, kw_only=True)
class Supply:
    """The most that the hardware of a connector, or of all of them, can give."""

    power_w: float
    voltage_v: int
    phases: int


@dataclass(frozen=True, kw_only=True)
class TokenBucket:
    """A limit: watts over all the phases that may be used."""

    power_w: float
    phases: int

    def lower_of(self, other: "TokenBucket") -> "TokenBucket":
        """Both limits hold."""
        return TokenBucket(power_w=min(self.power_w, other.power_w), phases=min(self.phases, other.phases))


@dataclass(frozen=True, kw_only=True)
class Stack:
    """The profiles that count somewhere, each list with the leading one first, and since when energy flows there."""

    station: Sequence[Profile] = ()
    transaction: Sequence[Profile] = ()
    default: Sequence[Profile] = ()
    begun: datetime

    @property
    def profiles(self) -> Iterator[Profile]:
        """All of them."""
        yield from (*self.station, *self.transaction, *self.default)


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A part of a composite schedule: from `start_s` seconds on, until the next one."""

    start_s: int
    allowance: TokenBucket


def allowance_at(stack: Stack, supply: Supply, moment: datetime) -> TokenBucket:
    """The limit at a moment."""
    allowance = TokenBucket(power_w=supply.power_w, phases=supply.phases)
    for profiles in (stack.station, (*stack.transaction, *stack.default)):
        found = leading(profiles, moment, stack.begun)
        if found is not None:
            unit, period = found
            allowance = allowance.lower_of(_allowance(period, unit, supply))
    return allowance


def leading(profiles: Iterable[Profile], moment: datetime, begun: datetime) -> tuple[Unit, Period] | None:
    """The period that counts at a moment: of the first profile that has one."""
    for profile in profiles:
        period = period_at(profile, moment, begun)
        if period is not None:
            return profile.schedule.unit, period
    return None


def composite(stack: Stack, supply: Supply, *, start: datetime, duration_s: int) -> list[Slot]:
    """The limits over `duration_s` seconds from `start`. The first slot is at 0; neighbours differ."""
    offsets = {0}
    for profile in stack.profiles:
        offsets |= _offsets(profile, stack.begun, start, duration_s)
    slots: list[Slot] = []
    for offset in sorted(offsets):
        allowance = allowance_at(stack, supply, start + timedelta(seconds=offset))
        if not slots or slots[-1].allowance != allowance:
            slots.append(Slot(start_s=offset, allowance=allowance))
    return slots


def period_at(profile: Profile, moment: datetime, begun: datetime) -> Period | None:
    """The limit of a profile at a moment, or None if it has none then. `begun`: since when energy flows."""
    if profile.valid_from is not None and moment < profile.valid_from:
        return None
    if profile.valid_to is not None and moment >= profile.valid_to:
        return None
    offset = moment - _schedule_start(profile, moment, begun)
    if offset < timedelta(0) or (
        profile.schedule.duration_s is not None and offset >= timedelta(seconds=profile.schedule.duration_s)
    ):
        return None
    return next((p for p in reversed(profile.schedule.periods) if timedelta(seconds=p.start_s) <= offset), None)


def in_unit(allowance: TokenBucket, unit: Unit, voltage_v: int) -> float:
    """A limit as it is reported: whole watts, tenths of amperes, both cut so that they never exceed the limit."""
    if unit is Unit.WATT:
        return math.floor(allowance.power_w)
    tenths = allowance.power_w / (voltage_v * allowance.phases) * 10
    return math.floor(tenths + _ROUNDING) / 10


def _schedule_start(profile: Profile, moment: datetime, begun: datetime) -> datetime:
    start = profile.schedule.start
    if start is None or profile.kind is Kind.RELATIVE:
        return begun
    if profile.recurrency is None or profile.kind is not Kind.RECURRING or moment < start:
        return start
    rhythm = _RHYTHM[profile.recurrency]
    return start + (moment - start) // rhythm * rhythm


def _allowance(period: Period, unit: Unit, supply: Supply) -> TokenBucket:
    phases = min(period.phases or _ALL_PHASES, supply.phases)
    power_w = period.limit if unit is Unit.WATT else period.limit * supply.voltage_v * phases
    return TokenBucket(power_w=min(power_w, supply.power_w * phases / supply.phases), phases=phases)


def _offsets(profile: Profile, begun: datetime, start: datetime, duration_s: int) -> set[int]:
    """The whole seconds after `start` from which a profile may say something else than before."""
    edges = [edge for edge in (profile.valid_from, profile.valid_to) if edge is not None]
    marks = [period.start_s for period in profile.schedule.periods]
    if profile.schedule.duration_s is not None:
        marks.append(profile.schedule.duration_s)
    end = start + timedelta(seconds=duration_s)
    for first in _starts(profile, begun, start, end):
        edges += [first + timedelta(seconds=mark) for mark in marks]
    offsets = {math.ceil((edge - start) / timedelta(seconds=1)) for edge in edges}
    return {offset for offset in offsets if 0 < offset < duration_s}


def _starts(profile: Profile, begun: datetime, start: datetime, end: datetime) -> Iterator[datetime]:
    """When the schedule begins: once, or each time within a window."""
    first = _schedule_start(profile, start, begun)
    yield first
    if profile.kind is Kind.RECURRING and profile.recurrency is not None:
        while (first := first + _RHYTHM[profile.recurrency]) < end:
            yield first
