"""The share of a transaction in rollups: its energy and times, spread over quarter hours. Pure.

docs/ROLLUPS.md has the rules. The share follows from the state and the event records alone, so that neither the order
of arrival nor the number of times that it is computed matters.
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise

from mesh.runtime.times import DAY_US
from transaction_svc import ends
from transaction_svc.event_record import ENDED, STARTED, EventRecord, Reading, is_same_but_proof
from transaction_svc.register import SLACK_US, UJ_PER_MWH
from transaction_svc.rollup_form import QUARTER_US, Share
from transaction_svc.transaction_state import TransactionState

# A station's clock that was set in mid-session makes it seem longer than any session is.
MOST_US = 400 * DAY_US

Point = tuple[int, int]
"""A time in µs, and the energy up to then in mWh."""


def share_of(state: TransactionState, records: Iterable[EventRecord]) -> Share | None:
    """The share of a transaction; None where it is not one: its start has not come yet."""
    if state.waiting:
        return None
    until_us = _until_us(state)
    begin_us = max(min(state.begin_us, until_us), until_us - MOST_US)
    quarters = _spread(_points(state, records, begin_us, until_us))
    numbers = range(min(quarters), max(quarters) + 1) if quarters else range(0)
    return Share(
        evse_id=state.evse_id,
        connector_id=state.connector_id,
        begin_us=begin_us,
        until_us=until_us,
        ended=state.ended,
        flagged=bool(state.meter.flags),
        first=numbers.start,
        energy_mwh=tuple(quarters.get(number, (0, 0))[0] for number in numbers),
        charging_us=tuple(quarters.get(number, (0, 0))[1] for number in numbers),
    )


def _until_us(state: TransactionState) -> int:
    """Its end, by a clock that is plausible; its latest event where it has none, or where it ended from outside."""
    if state.stopped:
        return max(state.stop_order_us, state.begin_us)
    if state.end_origin == ends.SUPERSEDED and state.next_begin_us is not None:
        return max(state.next_begin_us, state.begin_us)
    return max(state.latest_us, state.begin_us)


def _points(state: TransactionState, records: Iterable[EventRecord], begin_us: int, until_us: int) -> Sequence[Point]:
    """Points that its energy passes through, from 0 to all of it; between two of them it rises evenly."""
    energy = state.meter.energy_mwh
    if energy <= 0:
        return ()
    counted = _counted(records)
    if state.meter.stands_on_intervals:
        found = _by_intervals(state, counted)
    else:
        readings = [reading for reading, _record in state.meter.in_order(counted)]
        found = _between(state, readings) or _by_rises(state, readings)
    points, time_us, mwh = [(begin_us, 0)], begin_us, 0
    for at_us, reached in found:
        time_us, mwh = max(time_us, min(at_us, until_us)), max(mwh, min(reached, energy))
        points.append((time_us, mwh))
    points.append((until_us, energy))
    return points


def _counted(records: Iterable[EventRecord]) -> Sequence[EventRecord]:
    """The events whose readings count, in their order: of several starts, and of several ends, the first."""
    seen: set[int] = set()
    counted = []
    for record in sorted(records, key=lambda record: record.key):
        if record.kind in seen:
            continue
        if record.kind in (STARTED, ENDED):
            seen.add(record.kind)
        counted.append(record)
    return counted


def _by_intervals(state: TransactionState, records: Iterable[EventRecord]) -> Sequence[Point]:
    """The sums of the intervals, each at its time."""
    series = state.meter.interval_series
    found = {
        at_us: mwh for at_us, of, mwh in sorted(each for record in records for each in record.intervals) if of == series
    }
    times = sorted(at_us for at_us, mwh in found.items() if mwh >= 0)
    return list(zip(times, accumulate(found[at_us] for at_us in times), strict=True))


def _between(state: TransactionState, readings: Iterable[Reading]) -> Sequence[Point] | None:
    """The readings between begin and end, signed or not; None where the energy is not the end less the begin."""
    energy = state.meter.energy
    if energy.begin_mwh is None or energy.end_mwh is None or energy.end_mwh - energy.begin_mwh != energy.mwh:
        return None
    begin, end = energy.begin_mwh, energy.end_mwh
    return [
        (reading.at_us, reading.mwh - begin)
        for reading in readings
        if is_same_but_proof(reading.series, energy.series) and begin <= reading.mwh <= end
    ]


def _by_rises(state: TransactionState, readings: Iterable[Reading]) -> Sequence[Point]:
    """The energy in proportion to the rises from reading to reading that power and time allow."""
    energy, power_w = state.meter.energy, state.meter.terms.power_w
    of_series = [reading for reading in readings if reading.series == energy.series]
    rises = [0]
    for before, after in pairwise(of_series):
        rise, passed_us = after.mwh - before.mwh, max(after.at_us - before.at_us, 0)
        rises.append(rise if 0 < rise * UJ_PER_MWH <= power_w * (passed_us + SLACK_US) else 0)
    total = sum(rises)
    if not total:
        return ()
    sums = accumulate(rises)
    return [(reading.at_us, energy.mwh * sum_ // total) for reading, sum_ in zip(of_series, sums, strict=True)]


def _spread(points: Sequence[Point]) -> dict[int, tuple[int, int]]:
    """The energy in mWh, and the time in µs, of the rises between points, by quarter hour. Their sum is the rise."""
    quarters: dict[int, tuple[int, int]] = {}

    def add(quarter: int, mwh: int, us: int) -> None:
        before = quarters.get(quarter, (0, 0))
        quarters[quarter] = before[0] + mwh, before[1] + us

    for (since_us, begin), (until_us, end) in pairwise(points):
        rise, length_us = end - begin, until_us - since_us
        if not rise:
            continue
        first, last = since_us // QUARTER_US, until_us // QUARTER_US
        if first == last:
            add(first, rise, length_us)
            continue
        reached, time_us = 0, since_us
        for quarter in range(first, last + 1):
            next_us = min((quarter + 1) * QUARTER_US, until_us)
            passed = rise * (next_us - since_us) // length_us
            if next_us > time_us:
                add(quarter, passed - reached, next_us - time_us)
            reached, time_us = passed, next_us
    return quarters
