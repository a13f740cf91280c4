"""The cost of one station is bounded, by any messages and any number of connections."""

import pytest

from gateway.connection import station_budgets
from gateway.connection.station_budgets import Budgets
from gateway.token_bucket import TokenBucket
from mesh.runtime.times import SECOND_US

NOW_US = 1_780_000_000_000_000


def _allowance() -> TokenBucket:
    return TokenBucket(burst=10, per_period=60, period_us=60 * SECOND_US)


def _take_all(allowance: TokenBucket, now_us: int) -> int:
    count = 0
    while allowance.take(1, now_us):
        count += 1
    return count


def test_a_burst_then_so_much_in_a_time() -> None:
    """And no more than a burst after a silence."""
    allowance = _allowance()
    assert _take_all(allowance, NOW_US) == 10
    assert _take_all(allowance, NOW_US + 3 * SECOND_US) == 3
    assert _take_all(allowance, NOW_US + 3_600 * SECOND_US) == 10


def test_asking_often_takes_nothing_away() -> None:
    """Parts of one allowance add up, however often it is asked for."""
    allowance = _allowance()
    _take_all(allowance, NOW_US)
    step_us = SECOND_US // 10
    assert sum(allowance.take(1, NOW_US + number * step_us) for number in range(1, 601)) == 60


def test_a_clock_that_is_set_back_takes_nothing_away() -> None:
    """The next allowance is counted from the new time."""
    allowance = _allowance()
    _take_all(allowance, NOW_US)
    assert not allowance.take(1, NOW_US - 3_600 * SECOND_US)
    assert _take_all(allowance, NOW_US - 3_598 * SECOND_US) == 2


def test_a_station_that_connects_again_has_the_budgets_it_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are kept for the stations that were here last."""
    monkeypatch.setattr(station_budgets, "MAX_STATIONS", 3)
    budgets = Budgets()
    first = budgets.of(("default", "CP1"))
    for name in ("CP2", "CP3", "CP1", "CP4"):
        budgets.of(("default", name))
    assert budgets.of(("default", "CP1")) is first
    for name in ("CP2", "CP3", "CP4"):
        budgets.of(("default", name))
    assert budgets.of(("default", "CP1")) is not first
