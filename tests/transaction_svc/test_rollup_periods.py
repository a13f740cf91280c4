"""Hours, days and months of time zones, with the days on which clocks are set."""

from datetime import UTC, datetime
from zoneinfo import available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transaction_svc.rollup_form import QUARTER_US
from transaction_svc.rollup_periods import Granularity, Period, Periods, find_zone

ZONES = sorted(available_timezones() - {"localtime"})
FIRST = int(datetime(2015, 10, 1, tzinfo=UTC).timestamp() * 1_000_000) // QUARTER_US
LAST = int(datetime(2037, 1, 1, tzinfo=UTC).timestamp() * 1_000_000) // QUARTER_US


def quarter(text: str) -> int:
    """The quarter hour that begins at a time, RFC 3339."""
    return int(datetime.fromisoformat(text).timestamp() * 1_000_000) // QUARTER_US


def periods(name: str, granularity: Granularity) -> Periods:
    """The periods of a zone."""
    zone = find_zone(name)
    assert zone is not None
    return Periods(zone, granularity)


def hours_of(name: str, since: str, until: str) -> list[float]:
    """The lengths in hours of the hours from one time to another."""
    found = periods(name, Granularity.HOUR)
    at, lengths = quarter(since), []
    while at < quarter(until):
        period = found.period_of(at)
        assert period.first == at
        lengths.append((period.end - period.first) / 4)
        at = period.end
    assert at == quarter(until)
    return lengths


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ZONES), st.integers(FIRST, LAST), st.sampled_from(Granularity))
def test_every_quarter_hour_is_in_one_period(name: str, at: int, granularity: Granularity) -> None:
    """In every zone, periods follow one another without a gap, and each has whole quarter hours."""
    found = periods(name, granularity)
    period = found.period_of(at)
    assert period.first <= at < period.end
    assert found.period_of(period.first) == found.period_of(period.end - 1) == period
    assert found.period_of(period.end).first == period.end
    assert found.period_of(period.first - 1).end == period.first
    assert (period.first * QUARTER_US) % QUARTER_US == 0


def test_the_hour_that_comes_twice_in_berlin_is_two_hours() -> None:
    day = periods("Europe/Berlin", Granularity.DAY)
    autumn = day.period_of(quarter("2026-10-25T12:00:00Z"))
    assert autumn == Period(quarter("2026-10-25T00:00:00+02:00"), quarter("2026-10-26T00:00:00+01:00"))
    assert hours_of("Europe/Berlin", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00") == [1] * 25
    assert hours_of("Europe/Berlin", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00") == [1] * 23


def test_a_month_of_berlin_begins_and_ends_by_different_offsets() -> None:
    month = periods("Europe/Berlin", Granularity.MONTH).period_of(quarter("2026-10-15T12:00:00Z"))
    assert month == Period(quarter("2026-10-01T00:00:00+02:00"), quarter("2026-11-01T00:00:00+01:00"))


def test_hours_of_kolkata_begin_in_the_middle_of_those_of_utc() -> None:
    hour = periods("Asia/Kolkata", Granularity.HOUR).period_of(quarter("2026-06-01T12:45:00Z"))
    assert hour == Period(quarter("2026-06-01T12:30:00Z"), quarter("2026-06-01T13:30:00Z"))
    day = periods("Asia/Kathmandu", Granularity.DAY).period_of(quarter("2026-06-01T18:15:00Z"))
    assert day == Period(quarter("2026-06-01T18:15:00Z"), quarter("2026-06-02T18:15:00Z"))


def test_clocks_of_lord_howe_are_set_by_half_an_hour() -> None:
    """The hour in whose midst that happens has a half of its own, before or after."""
    assert hours_of("Australia/Lord_Howe", "2026-04-05T00:00:00+11:00", "2026-04-05T04:00:00+10:30") == [
        *(1, 1, 0.5, 1, 1)
    ]
    assert hours_of("Australia/Lord_Howe", "2026-10-04T00:00:00+10:30", "2026-10-04T05:00:00+11:00") == [
        *(1, 1, 0.5, 1, 1)
    ]


def test_a_day_that_begins_at_one_o_clock() -> None:
    """Clocks of Cairo leap over midnight."""
    day = periods("Africa/Cairo", Granularity.DAY).period_of(quarter("2024-04-26T12:00:00Z"))
    assert day == Period(quarter("2024-04-25T22:00:00Z"), quarter("2024-04-26T21:00:00Z"))


@pytest.mark.parametrize("name", ["Berlin", "localtime", "../UTC", "", "europe/berlin", "right/UTC"])
def test_other_names_are_no_zones(name: str) -> None:
    assert find_zone(name) is None
