"""The comparison finds every kind of fault, and nothing where there is none."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from chaos.ledger import Entry, Kind, Recorded, compare

START_US = 1_760_000_000_000_000


def entries(station_id: str, transaction_id: str) -> list[Entry]:
    """A session of 7.5 Wh with two meter values."""
    told = [(Kind.START, 1_000_000), (Kind.METER, 1_002_500), (Kind.METER, 1_005_000), (Kind.STOP, 1_007_500)]
    return [
        Entry(
            station_id=station_id,
            transaction_id=transaction_id,
            kind=kind,
            time_us=START_US + 1000 * n,
            register_mwh=register_mwh,
        )
        for n, (kind, register_mwh) in enumerate(told)
    ]


def record(found: Sequence[Entry]) -> Recorded:
    """The transaction of these messages."""
    return Recorded(
        station_id=found[0].station_id,
        transaction_id=found[0].transaction_id,
        generation=1,
        ended=True,
        energy_mwh=7_500.0,
        flags=(),
        entries=tuple(found),
    )


TOLD = [*entries("S1", "1"), *entries("S1", "2"), *entries("S2", "3")]


def right() -> list[Recorded]:
    """The records of a mesh in which all is well."""
    return [record(TOLD[start : start + 4]) for start in (0, 4, 8)]


def faults(told: Sequence[Entry], recorded: Sequence[Recorded]) -> dict[str, Sequence[str]]:
    """The faults, by figure."""
    return {figure.name: figure.faults for figure in compare(told, recorded) if figure.faults}


def test_nothing_is_wrong_where_all_is_there_once() -> None:
    """The figures add up, and there is no fault."""
    figures = {figure.name: (figure.told, figure.found) for figure in compare(TOLD, right())}
    assert figures == {
        "starts": (3, 3),
        "meter values": (6, 6),
        "stops": (3, 3),
        "transactions": (3, 3),
        "energy, Wh": (22, 22),
        "ended": (3, 3),
        "flagged": (0, 0),
    }
    assert faults(TOLD, right()) == {}


def without(kind: Kind) -> Callable[[list[Recorded]], None]:
    """Loses the first message of a kind."""

    def change(recorded: list[Recorded]) -> None:
        lost = next(entry for entry in recorded[0].entries if entry.kind is kind)
        recorded[0] = replace(recorded[0], entries=tuple(entry for entry in recorded[0].entries if entry != lost))

    return change


def doubled(kind: Kind) -> Callable[[list[Recorded]], None]:
    """Records the first message of a kind twice."""

    def change(recorded: list[Recorded]) -> None:
        twice = next(entry for entry in recorded[0].entries if entry.kind is kind)
        recorded[0] = replace(recorded[0], entries=(*recorded[0].entries, twice))

    return change


def wrong_transaction(recorded: list[Recorded]) -> None:
    """Records a meter value with another transaction of its station."""
    first, second = recorded[0], recorded[1]
    moved = first.entries[1]
    recorded[0] = replace(first, entries=(first.entries[0], *first.entries[2:]))
    recorded[1] = replace(second, entries=(*second.entries, replace(moved, transaction_id=second.transaction_id)))


def two_transactions(recorded: list[Recorded]) -> None:
    """Gives a start that came twice two numbers, of which the station knows one."""
    other = replace(recorded[0].entries[0], transaction_id="9")
    recorded.append(replace(record([other]), ended=False, energy_mwh=0.0))


def two_generations(recorded: list[Recorded]) -> None:
    """Takes a repeated start for a new use of the name."""
    recorded.append(replace(recorded[0], generation=2))


def no_transaction(recorded: list[Recorded]) -> None:
    """Loses a whole transaction."""
    del recorded[2]


def wrong_register(recorded: list[Recorded]) -> None:
    """Keeps a stop with another reading."""
    stop = replace(recorded[0].entries[3], register_mwh=1_007_501)
    recorded[0] = replace(recorded[0], entries=(*recorded[0].entries[:3], stop))


def wrong_energy(recorded: list[Recorded]) -> None:
    """Is off by a milliwatt-hour."""
    recorded[0] = replace(recorded[0], energy_mwh=7_501.0)


def still_open(recorded: list[Recorded]) -> None:
    """Leaves a stopped transaction open."""
    recorded[0] = replace(recorded[0], ended=False)


def flagged(recorded: list[Recorded]) -> None:
    """Mends what needed no mending."""
    recorded[0] = replace(recorded[0], flags=("superseded",))


@pytest.mark.parametrize(
    ("change", "figures"),
    [
        (without(Kind.START), {"starts", "transactions"}),
        (without(Kind.METER), {"meter values"}),
        (without(Kind.STOP), {"stops"}),
        (doubled(Kind.START), {"starts", "transactions"}),
        (doubled(Kind.METER), {"meter values"}),
        (doubled(Kind.STOP), {"stops"}),
        (wrong_transaction, {"meter values"}),
        (two_transactions, {"starts", "transactions"}),
        (two_generations, {"starts", "meter values", "stops", "transactions"}),
        (no_transaction, {"starts", "meter values", "stops", "transactions"}),
        (wrong_register, {"stops"}),
        (wrong_energy, {"energy, Wh"}),
        (still_open, {"ended"}),
        (flagged, {"flagged"}),
    ],
)
def test_each_fault_is_found(change: Callable[[list[Recorded]], None], figures: set[str]) -> None:
    recorded = right()
    change(recorded)
    assert set(faults(TOLD, recorded)) == figures


def test_a_transaction_nobody_stopped_must_not_have_ended() -> None:
    """An end without an acknowledged stop is a fault, too."""
    told = [entry for entry in TOLD if entry != TOLD[3]]
    assert set(faults(told, right())) == {"stops", "ended"}


def test_a_start_acknowledged_twice_is_a_fault_of_the_test_itself() -> None:
    """A station that counts an acknowledgement twice would hide a loss."""
    assert "starts" in faults([*TOLD, TOLD[0]], right())
