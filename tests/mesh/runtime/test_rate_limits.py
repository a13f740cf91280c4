"""Rate limits by key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.runtime.error_reasons import Reason
from mesh.runtime.rate_limits import Rate, RateLimit, exhausted


class Seconds:
    """A clock that stands still."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        """The present."""
        return self.now_s


def test_a_burst_then_the_rate() -> None:
    clock = Seconds()
    limit = RateLimit(Rate(burst=3, per_s=2), clock_s=clock)
    assert [limit.take("a") for _ in range(4)] == [0, 0, 0, pytest.approx(0.5)]
    clock.now_s += 0.5
    assert [limit.take("a") for _ in range(2)] == [0, pytest.approx(0.5)]
    assert limit.take("b") == 0
    clock.now_s += 100
    assert [limit.take("a") for _ in range(4)] == [0, 0, 0, pytest.approx(0.5)]


def test_a_rate_of_nothing_is_no_limit() -> None:
    limit = RateLimit(Rate(burst=0, per_s=0), clock_s=Seconds())
    assert not any(limit.take("a") for _ in range(1_000))
    assert len(limit) == 0


def test_a_token_that_is_given_back_can_be_taken_again() -> None:
    limit = RateLimit(Rate(burst=2, per_s=1), clock_s=Seconds())
    for _ in range(100):
        assert limit.take("a") == 0
        limit.give_back("a")
    assert len(limit) == 0
    limit.give_back("never seen")
    assert [limit.take("a") for _ in range(3)] == [0, 0, pytest.approx(1)]


def test_the_least_recently_used_key_is_forgotten_first() -> None:
    limit = RateLimit(Rate(burst=1, per_s=1), clock_s=Seconds(), most_keys=3)
    for key in ("a", "b", "c"):
        limit.take(key)
    assert limit.take("a") > 0  # refused, and so in use
    limit.take("d")
    assert len(limit) == 3
    assert limit.take("a") > 0
    assert limit.take("b") == 0


def test_a_clock_that_is_set_back_makes_no_wait_longer() -> None:
    clock = Seconds()
    limit = RateLimit(Rate(burst=2, per_s=1), clock_s=clock)
    while not limit.take("a"):
        pass
    clock.now_s -= 500
    assert [limit.take("a") for _ in range(3)] == [0, 0, pytest.approx(1)]


@given(st.lists(st.floats(0, 3), max_size=60), st.integers(1, 5), st.sampled_from([0.1, 1.0, 7.0]))
def test_it_allows_as_much_as_a_bucket_with_tokens(gaps: list[float], burst: int, per_s: float) -> None:
    clock, tokens = Seconds(), float(burst)
    limit = RateLimit(Rate(burst=burst, per_s=per_s), clock_s=clock)
    for gap in gaps:
        clock.now_s += gap
        tokens = min(burst, tokens + gap * per_s)
        wait_s = limit.take("a")
        if abs(tokens - 1) > 1e-4:  # else rounding decides
            assert (wait_s == 0) == (tokens >= 1)
        if wait_s:
            assert wait_s == pytest.approx((1 - tokens) / per_s, abs=1e-4)
        else:
            tokens -= 1


def test_a_refusal_says_when_to_try_again() -> None:
    error = exhausted(Reason.TOO_MANY_REQUESTS, "too many calls", 1.2)
    assert (error.message, error.metadata) == ("too many calls: try again in 2 seconds", {"retry_after_s": "2"})
    assert exhausted(Reason.TOO_MANY_REQUESTS, "too many calls", 0.01).metadata == {"retry_after_s": "1"}
