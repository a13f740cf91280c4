"""A plain recount of energy and sessions per hour from the transactions that the mesh has recorded. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from chaos.ledger import Entry, Figure, Kind, Recorded

HOUR_US = 3_600_000_000

_ORDER = (Kind.START, Kind.METER, Kind.STOP)


@dataclass(frozen=True, kw_only=True)
class Hour:
    """Energy and sessions of a station in an hour."""

    energy_mwh: int
    connected_us: int
    started: int
    ended: int


Hours = Mapping[tuple[str, int], Hour]
"""By station and number of the hour since 1970."""


def recount(recorded: Iterable[Recorded]) -> Hours:
    """The hours of transactions, of which each has a start and a stop, and a register that rises."""
    sums: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for one in recorded:
        entries = sorted(one.entries, key=lambda entry: (_ORDER.index(entry.kind), entry.time_us))
        begin_us, end_us = entries[0].time_us, max(entry.time_us for entry in entries)
        for hour in range(begin_us // HOUR_US, end_us // HOUR_US + 1):
            since_us, until_us = hour * HOUR_US, (hour + 1) * HOUR_US
            found = sums[one.station_id, hour]
            found[0] += _register_at(entries, until_us) - _register_at(entries, since_us)
            found[1] += min(until_us, end_us) - max(since_us, begin_us)
            found[2] += begin_us >= since_us
            found[3] += end_us < until_us
    return {
        name: Hour(energy_mwh=energy, connected_us=connected, started=started, ended=ended)
        for name, (energy, connected, started, ended) in sums.items()
    }


def _register_at(entries: Sequence[Entry], time_us: int) -> int:
    """The register at a moment: linear between two readings, rounded down above the first of them."""
    if time_us <= entries[0].time_us:
        return entries[0].register_mwh
    for before, after in pairwise(entries):
        if time_us <= after.time_us:
            rise, length_us = after.register_mwh - before.register_mwh, after.time_us - before.time_us
            return before.register_mwh + rise * (time_us - before.time_us) // length_us
    return entries[-1].register_mwh


def compare_hours(expected: Hours, found: Hours) -> Figure:
    """The rollups are what the recount makes. In whole Wh at the foot."""
    wrong = [name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)]
    return Figure(
        name="rolled up, Wh",
        told=sum(hour.energy_mwh for hour in expected.values()) // 1000,
        found=sum(hour.energy_mwh for hour in found.values()) // 1000,
        faults=[f"{name}: recounted {expected.get(name)}, rolled up {found.get(name)}" for name in sorted(wrong)],
    )
