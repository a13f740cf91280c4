"""A plain recount of rollups, from transactions and events as operators read them: no code of the rollups is in it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from csms.transaction.v1 import transaction_event_pb2 as tx
from csms.transaction.v1.transaction_event_pb2 import TransactionEvent
from csms.transaction.v1.transaction_service_pb2 import Transaction

from tests.transaction_svc.kit import Service

QUARTER_US = 900_000_000
POWER_W = 400_000
SLACK_US = 900_000_000
_ENERGY_FLAGS = {
    *("begin_implausible", "begin_placeholder", "end_implausible", "energy_implausible", "meter_restart"),
    *("meter_rollback", "other_counter", "scale_mismatch", "series_mismatch", "signed_differs"),
}
_RANKS = {
    tx.TRANSACTION_EVENT_TYPE_STARTED: 0,
    tx.TRANSACTION_EVENT_TYPE_UPDATED: 1,
    tx.TRANSACTION_EVENT_TYPE_ENDED: 2,
}

Counts = tuple[int, ...]
"""Energy and flagged energy in mWh, connected and charging time in µs, starts, ends."""

Recount = Mapping[tuple[str, int, int, int], Counts]
"""By station, EVSE, connector and quarter hour."""


def _us(event: TransactionEvent) -> int:
    return event.event_time.ToMicroseconds()


@dataclass
class _Readings:
    """The readings of a transaction that count, each with its rank, time and register in mWh."""

    found: list[tuple[int, int, int, int]] = field(default_factory=list)

    @classmethod
    def of(cls, events: Sequence[TransactionEvent]) -> "_Readings":
        """The readings of its events, which are listed by kind, seq_no and time."""
        readings = cls()
        stop = next((event for event in events if event.event_type == tx.TRANSACTION_EVENT_TYPE_ENDED), None)
        times = [_us(event) for event in events if event.HasField("seq_no")]
        goes_back = any(later < earlier for earlier, later in pairwise(times))
        seen = set()
        for event in events:
            rank = _RANKS[event.event_type]
            if rank in seen or _is_after(event, stop):
                continue
            if rank != 1:
                seen.add(rank)
            for value in event.meter_values:
                for sample in value.sampled_values:
                    mwh = round(float(sample.value) * 1000)
                    if mwh >= 0:
                        at_us = value.sample_time.ToMicroseconds()
                        readings.found.append((rank, event.seq_no if goes_back else 0, at_us, mwh))
        readings.found.sort()
        return readings


def _is_after(event: TransactionEvent, stop: TransactionEvent | None) -> bool:
    """Whether an event of 2.x is after the end."""
    if stop is None or not event.HasField("seq_no") or event.event_type != tx.TRANSACTION_EVENT_TYPE_UPDATED:
        return False
    if stop.seq_no:
        return (event.seq_no, _us(event)) > (stop.seq_no, _us(stop))
    return _us(event) > _us(stop)


def _curve(found: Transaction, events: Sequence[TransactionEvent], begin_us: int, end_us: int) -> list[tuple[int, int]]:
    """Points of time and energy."""
    total = round(found.energy_wh * 1000)
    readings = [(at_us, mwh) for _rank, _seq_no, at_us, mwh in _Readings.of(events).found]
    low, high = round(found.believed_meter_start_wh * 1000), round(found.believed_meter_stop_wh * 1000)
    if found.HasField("believed_meter_start_wh") and high - low == total:
        inner = [(at_us, mwh - low) for at_us, mwh in readings if low <= mwh <= high]
    else:
        rises = [0]
        for (since_us, before), (until_us, after) in pairwise(readings):
            possible = POWER_W * (max(until_us - since_us, 0) + SLACK_US)
            rises.append(after - before if 0 < (after - before) * 3_600_000 <= possible else 0)
        sums = [sum(rises[: n + 1]) for n in range(len(rises))]
        inner = [
            (at_us, total * up_to // sums[-1]) for (at_us, _), up_to in zip(readings, sums, strict=False) if sums[-1]
        ]
    points = [(begin_us, 0)]
    for at_us, mwh in [*inner, (end_us, total)]:
        points.append((max(points[-1][0], min(at_us, end_us)), max(points[-1][1], mwh)))
    return points


def _up_to(points: Sequence[tuple[int, int]], time_us: int) -> int:
    """The energy up to a moment, rounded down within the rise that it lies in; a rise at one moment comes after it."""
    for (since_us, begin), (until_us, end) in pairwise(points):
        if time_us <= since_us:
            return begin
        if time_us < until_us or (time_us == until_us and until_us > since_us):
            return begin + (end - begin) * (time_us - since_us) // (until_us - since_us)
    return points[-1][1]


def recount(found: Transaction, events: Sequence[TransactionEvent]) -> dict[int, Counts]:
    """One transaction by quarter hour."""
    starts = [_us(event) for event in events if event.event_type == tx.TRANSACTION_EVENT_TYPE_STARTED]
    stops = [_us(event) for event in events if event.event_type == tx.TRANSACTION_EVENT_TYPE_ENDED]
    begin_us = starts[0] if starts else min(map(_us, events))
    if stops:
        end_us = stops[0]
    elif found.stopped_reason == tx.STOPPED_REASON_SUPERSEDED:
        end_us = found.end_time.ToMicroseconds()
    else:
        end_us = max(map(_us, events))
    end_us = max(begin_us, end_us)
    points = _curve(found, events, begin_us, end_us)
    flagged = bool(_ENERGY_FLAGS & set(found.flags))
    counts: dict[int, Counts] = {}
    for quarter in range(begin_us // QUARTER_US, end_us // QUARTER_US + 1):
        since_us, until_us = quarter * QUARTER_US, (quarter + 1) * QUARTER_US
        last = until_us > end_us
        energy = (points[-1][1] if last else _up_to(points, until_us)) - _up_to(points, since_us)
        charging = sum(
            max(min(until_us, end) - max(since_us, start), 0)
            for (start, low), (end, high) in pairwise(points)
            if high > low
        )
        counts[quarter] = (
            energy,
            energy if flagged else 0,
            max(min(until_us, end_us) - max(since_us, begin_us), 0),
            charging,
            int(quarter == begin_us // QUARTER_US),
            int(found.state == 2 and last),
        )
    return counts


async def recount_all(service: Service, stations: Iterable[str]) -> Recount:
    """All transactions of stations, by quarter hour; without those of which nothing counts."""
    sums: dict[tuple[str, int, int, int], list[int]] = defaultdict(lambda: [0] * 6)
    for station in stations:
        for found in await service.all(station_id=station):
            listed = await service.events(found.transaction_id, station=station, generation=found.generation)
            events = [recorded.event for recorded in listed]
            for quarter, counts in recount(found, events).items():
                unit = (station, found.evse.evse_id, found.evse.connector_id, quarter)
                sums[unit] = [have + more for have, more in zip(sums[unit], counts, strict=True)]
    return {unit: tuple(counts) for unit, counts in sums.items() if any(counts)}
