"""Quirk 12: signs that a station's clock is wrong, and by how much."""

import pytest

from gateway.connection.clock_watch import ClockWatch, stated_us

NOW_US = 1_790_000_000_000_000
MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US


def test_a_clock_that_is_right() -> None:
    """Within five minutes either way."""
    watch = ClockWatch()
    for lead_us in (0, 5 * MINUTE_US, -5 * MINUTE_US):
        assert not watch.observe(NOW_US + lead_us, NOW_US)
        assert watch.skew_s == 0


@pytest.mark.parametrize(("time_us", "skew_s"), [(NOW_US + 2 * HOUR_US, 7200), (0, -1_790_000_000)])
def test_a_time_that_cannot_be(time_us: int, skew_s: int) -> None:
    """Ahead, or from before OCPP was: told at once."""
    watch = ClockWatch()
    assert watch.observe(time_us, NOW_US)
    assert watch.skew_s == skew_s


def test_behind_is_told_from_late() -> None:
    """One late message may have waited in a queue; two that are late by the same, a minute apart, did not."""
    watch = ClockWatch()
    assert not watch.observe(NOW_US - 5 * HOUR_US, NOW_US)
    assert not watch.observe(NOW_US - 5 * HOUR_US + MINUTE_US // 2, NOW_US + MINUTE_US // 2)
    sizes = [watch.skew_s]
    assert watch.observe(NOW_US - 5 * HOUR_US + MINUTE_US, NOW_US + MINUTE_US)
    assert [*sizes, watch.skew_s] == [None, -5 * 3600]
    assert watch.observe(NOW_US - 5 * HOUR_US + 2 * MINUTE_US, NOW_US + 2 * MINUTE_US)


def test_a_queue_that_is_emptied_is_no_skew() -> None:
    """Its messages are late by less and less; a message sent again and again by more and more."""
    watch = ClockWatch()
    for step in range(60):
        assert not watch.observe(NOW_US - 5 * HOUR_US + step * 4 * MINUTE_US, NOW_US + step * MINUTE_US)
        assert not watch.observe(NOW_US - 5 * HOUR_US, NOW_US + step * MINUTE_US)
    assert not watch.skew_s


def test_a_clock_that_is_set_right() -> None:
    """The next right time ends it, and one late message after that is no skew again."""
    watch = ClockWatch()
    watch.observe(NOW_US + 2 * HOUR_US, NOW_US)
    assert not watch.observe(NOW_US + MINUTE_US, NOW_US + MINUTE_US)
    assert watch.skew_s == 0
    assert not watch.observe(NOW_US - HOUR_US, NOW_US)
    assert watch.skew_s == 0


def test_a_skew_that_drifts_is_told_again_after_a_minute() -> None:
    """So that the reported size does not change with every message."""
    watch = ClockWatch()
    sizes = []
    for lead_s in (7200, 7230, 7259, 7261):
        watch.observe(NOW_US + lead_s * 1_000_000, NOW_US)
        sizes.append(watch.skew_s)
    assert sizes == [7200, 7200, 7200, 7261]


@pytest.mark.parametrize(
    ("payload", "us"),
    [
        ({}, None),
        ({"timestamp": "yesterday"}, None),
        ({"timestamp": "2026-01-01T00:00:00Z"}, 1_767_225_600_000_000),
        (
            {"meterValue": [{"timestamp": "2025-01-01T00:00:00Z"}, {"timestamp": "2026-01-01T00:00:00Z"}]},
            1_767_225_600_000_000,
        ),
        ({"meterValue": []}, None),
    ],
)
def test_what_a_message_says(payload: dict[str, object], us: int | None) -> None:
    """Its own time, or that of its last meter values."""
    assert stated_us(payload) == us
