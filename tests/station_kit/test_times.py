"""Times as stations write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from station_kit.times import format_time, format_time_us, parse_time

MOMENT = datetime(2026, 1, 31, 12, 0, 0, 123_999, tzinfo=UTC)


def test_digits_are_cut_off_and_the_zone_is_utc() -> None:
    there = MOMENT.astimezone(timezone(timedelta(hours=5)))
    assert format_time(there) == "2026-01-31T12:00:00.123Z"
    assert format_time(MOMENT, timespec="seconds") == "2026-01-31T12:00:00Z"
    assert format_time_us(1_769_860_800_123_999) == "2026-01-31T12:00:00.123Z"


@pytest.mark.parametrize("text", ["2026-01-31T12:00:00", "2026-01-31T12:00:00Z", "2026-01-31T14:00:00+02:00"])
def test_a_time_without_an_offset_is_in_utc(text: str) -> None:
    assert parse_time(text) == datetime(2026, 1, 31, 12, tzinfo=UTC)
