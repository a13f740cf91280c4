"""Compares the acknowledgements of the fleet with the records of the mesh. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """Kinds of transaction messages."""

    START = "start"
    METER = "meter value"
    STOP = "stop"


@dataclass(frozen=True, kw_only=True, order=True)
class Entry:
    """One transaction message: acknowledged to a station, or recorded by the mesh.

    A station's messages all differ by their time.
    """

    station_id: str
    transaction_id: str
    kind: Kind
    time_us: int
    register_mwh: int  # of the energy meter

    def __str__(self) -> str:
        name = f"{self.station_id}/{self.transaction_id}"
        return f"{self.kind} of {name} at {self.time_us} with {self.register_mwh / 1000} Wh"


@dataclass(kw_only=True)
class Ledger:
    """The notes of the fleet while it runs."""

    acknowledged: list[Entry] = field(default_factory=list)
    # Answers that no station may get, whichever part is down: a CALLERROR to a transaction message, for one.
    violations: list[str] = field(default_factory=list)
    # Events that may happen; they are reported at the end because they show how rough the run was.
    happened: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A transaction as the mesh has it."""

    station_id: str
    transaction_id: str
    generation: int
    ended: bool
    energy_mwh: float
    flags: tuple[str, ...]
    entries: tuple[Entry, ...]

    def __str__(self) -> str:
        generation = f" (generation {self.generation})" if self.generation != 1 else ""
        return f"{self.station_id}/{self.transaction_id}{generation}"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the result: acknowledgements, records, and every way in which the two differ."""

    name: str
    told: int
    found: int
    faults: Sequence[str]


def compare(acknowledged: Sequence[Entry], recorded: Sequence[Recorded]) -> list[Figure]:
    """Compares acknowledgements with records, once every station has all of its acknowledgements."""
    told = Counter(acknowledged)
    found = Counter(entry for one in recorded for entry in one.entries)
    return [
        *(_messages(kind, told, found) for kind in Kind),
        _transactions(acknowledged, recorded),
        _energy(acknowledged, recorded),
        _open(acknowledged, recorded),
        _flags(recorded),
    ]


def _messages(kind: Kind, told: Counter[Entry], found: Counter[Entry]) -> Figure:
    """Every message of a kind is there exactly once, in its own transaction, and nothing else is."""
    mine = {entry: count for entry, count in told.items() if entry.kind is kind}
    theirs = {entry: count for entry, count in found.items() if entry.kind is kind}
    return Figure(
        name=f"{kind}s",
        told=sum(mine.values()),
        found=sum(theirs.values()),
        faults=sorted(
            [
                *(f"acknowledged more than once: {entry}" for entry, count in mine.items() if count > 1),
                *(f"lost: {entry}" for entry in mine if entry not in theirs),
                *(f"recorded {count} times: {entry}" for entry, count in theirs.items() if count > 1),
                *(f"recorded, and never acknowledged as this: {entry}" for entry in theirs if entry not in mine),
            ]
        ),
    )


def _transactions(acknowledged: Sequence[Entry], recorded: Sequence[Recorded]) -> Figure:
    """Each start has one transaction, each transaction one start, and no name is used twice."""
    starts = _named(acknowledged, Kind.START)
    count = Counter((one.station_id, one.transaction_id) for one in recorded)
    faults = [f"no transaction for the {entry}" for name, entry in starts.items() if name not in count]
    faults += [f"{number} transactions are called {'/'.join(name)}" for name, number in count.items() if number > 1]
    for one in recorded:
        begun = sum(entry.kind is Kind.START for entry in one.entries)
        if begun != 1:
            faults.append(f"{one} has {begun} starts")
        elif (one.station_id, one.transaction_id) not in starts:
            faults.append(f"nobody was notified of {one}")
    return Figure(name="transactions", told=len(starts), found=len(recorded), faults=sorted(faults))


def _energy(acknowledged: Sequence[Entry], recorded: Sequence[Recorded]) -> Figure:
    """The energy of a stopped transaction is the difference of its registers, exactly. In whole Wh at the foot."""
    expected = dict(_energies(acknowledged))
    found = {(one.station_id, one.transaction_id): one.energy_mwh for one in recorded}
    faults = [
        f"{'/'.join(name)}: {energy / 1000} Wh were delivered, {found[name] / 1000} are recorded"
        for name, energy in expected.items()
        if name in found and abs(found[name] - energy) > 0.001
    ]
    stopped = sum(energy for name, energy in found.items() if name in expected)
    return Figure(
        name="energy, Wh", told=sum(expected.values()) // 1000, found=round(stopped) // 1000, faults=sorted(faults)
    )


def _open(acknowledged: Sequence[Entry], recorded: Sequence[Recorded]) -> Figure:
    """A transaction is over when its stop was acknowledged, and only then."""
    stops = _named(acknowledged, Kind.STOP)
    over = {(one.station_id, one.transaction_id) for one in recorded if one.ended}
    faults = [
        f"still open: {one}" for one in recorded if not one.ended and (one.station_id, one.transaction_id) in stops
    ]
    faults += [f"ended without a stop: {'/'.join(name)}" for name in over - stops.keys()]
    return Figure(name="ended", told=len(stops), found=len(over), faults=sorted(faults))


def _flags(recorded: Sequence[Recorded]) -> Figure:
    """The fleet sends nothing that would have to be mended: whatever is flagged was mixed up by the mesh."""
    faults = [f"{one} is flagged {', '.join(one.flags)}" for one in recorded if one.flags]
    return Figure(name="flagged", told=0, found=len(faults), faults=sorted(faults))


def _named(entries: Iterable[Entry], kind: Kind) -> Mapping[tuple[str, str], Entry]:
    return {(entry.station_id, entry.transaction_id): entry for entry in entries if entry.kind is kind}


def _energies(acknowledged: Sequence[Entry]) -> Iterator[tuple[tuple[str, str], int]]:
    starts = _named(acknowledged, Kind.START)
    for name, stop in _named(acknowledged, Kind.STOP).items():
        if name in starts:
            yield name, stop.register_mwh - starts[name].register_mwh
