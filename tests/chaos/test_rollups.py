"""The recount finds sums that are wrong, and nothing where they are right."""

from dataclasses import replace

from chaos.ledger import Entry, Kind, Recorded
from chaos.rollups import HOUR_US, Hour, compare_hours, recount

START_US = 490_000 * HOUR_US - HOUR_US // 2


def session(station_id: str = "S1") -> Recorded:
    """From half an hour before an hour to half an hour after it; all energy passes in the first three quarters."""
    readings = [(Kind.START, 0, 1000), (Kind.METER, 45, 10_000), (Kind.STOP, 60, 10_000)]
    entries = tuple(
        Entry(
            station_id=station_id,
            transaction_id="1",
            kind=kind,
            time_us=START_US + minute * 60_000_000,
            register_mwh=register_mwh,
        )
        for kind, minute, register_mwh in readings
    )
    return Recorded(
        station_id=station_id,
        transaction_id="1",
        generation=1,
        ended=True,
        energy_mwh=9000.0,
        flags=(),
        entries=entries,
    )


def test_energy_lies_in_the_hours_that_it_passed_in() -> None:
    half = HOUR_US // 2
    assert recount([session()]) == {
        ("S1", 489_999): Hour(energy_mwh=6000, connected_us=half, started=1, ended=0),
        ("S1", 490_000): Hour(energy_mwh=3000, connected_us=half, started=0, ended=1),
    }


def test_each_difference_is_a_fault() -> None:
    """Of energy, sessions and times; an hour that is missing, and one too many."""
    right = dict(recount([session("S1"), session("S2")]))
    figure = compare_hours(right, right)
    assert (figure.told, figure.found, list(figure.faults)) == (18, 18, [])
    name = ("S1", 490_000)
    for wrong in (
        right | {name: replace(right[name], energy_mwh=3001)},
        right | {name: replace(right[name], ended=2)},
        {each: hour for each, hour in right.items() if each != name},
        right | {("S3", 1): right[name]},
    ):
        assert len(compare_hours(right, wrong).faults) == 1
