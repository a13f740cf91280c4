"""Login throttling, without a database."""

import grpc
import pytest

from auth_svc.login_throttle import (
    FORGET_S,
    FREE,
    OVERALL,
    PER_SOURCE,
    PER_USER,
    Attempt,
    LoginThrottle,
)
from mesh.runtime.errors import MeshError
from tests.conftest import FakeClock

HOME, OFFICE = "192.0.2.1", "198.51.100.7"


def _attempt(throttle: LoginThrottle, network: str, user: str, *, is_known: bool = False) -> Attempt | None:
    """An attempt that may be made; None where it is refused."""
    try:
        attempt = throttle.begin(network, user)
        attempt.admit(is_known=is_known)
    except MeshError:
        return None
    return attempt


def _wait_s(throttle: LoginThrottle, network: str, user: str) -> int:
    with pytest.raises(MeshError) as caught:
        throttle.begin(network, user)
    assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_ATTEMPTS")
    return int(caught.value.metadata["retry_after_s"])


def test_each_failure_beyond_a_few_doubles_the_wait_up_to_a_minute(clock: FakeClock) -> None:
    throttle, waits = LoginThrottle(clock=clock), []
    for _ in range(FREE - 1):
        assert _attempt(throttle, HOME, "vera", is_known=True)
    for _ in range(9):
        assert _attempt(throttle, HOME, "vera", is_known=True)
        waits.append(_wait_s(throttle, HOME, "vera"))
        clock.advance(waits[-1])
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_attempts_that_are_refused_make_no_wait_longer(clock: FakeClock) -> None:
    throttle = LoginThrottle(clock=clock)
    for _ in range(FREE):
        _attempt(throttle, HOME, "vera", is_known=True)
    for _ in range(1_000):
        assert _wait_s(throttle, HOME, "vera") == 1
    clock.advance(1)
    assert _attempt(throttle, HOME, "vera", is_known=True)


def test_a_user_waits_only_where_the_failures_came_from(clock: FakeClock) -> None:
    throttle = LoginThrottle(clock=clock)
    while _attempt(throttle, HOME, "vera"):
        pass
    assert _attempt(throttle, OFFICE, "vera")
    assert _attempt(throttle, HOME, "otto")


def test_a_right_password_forgets_the_failures_of_that_source_and_user_only(clock: FakeClock) -> None:
    throttle = LoginThrottle(clock=clock)
    for _ in range(FREE - 1):
        _attempt(throttle, HOME, "vera", is_known=True)
        _attempt(throttle, HOME, "otto", is_known=True)
    right = _attempt(throttle, HOME, "vera", is_known=True)
    assert right is not None
    right.succeeded()
    assert all(_attempt(throttle, HOME, "vera", is_known=True) for _ in range(FREE))
    assert _attempt(throttle, HOME, "otto", is_known=True)
    assert not _attempt(throttle, HOME, "otto", is_known=True)


def test_right_passwords_use_nothing_up(clock: FakeClock) -> None:
    throttle = LoginThrottle(clock=clock)
    for number in range(10 * OVERALL.burst):
        attempt = _attempt(throttle, HOME, f"user-{number % 7}")
        assert attempt is not None
        attempt.succeeded()


def test_failures_are_forgotten_after_an_hour(clock: FakeClock) -> None:
    throttle = LoginThrottle(clock=clock)
    for _ in range(FREE):
        _attempt(throttle, HOME, "vera", is_known=True)
    clock.advance(FORGET_S + 1)
    assert all(_attempt(throttle, HOME, "vera", is_known=True) for _ in range(FREE))


def test_many_names_from_one_source_are_bounded(clock: FakeClock) -> None:
    """One password tried on everybody; those who have logged in from there before do so again."""
    throttle = LoginThrottle(clock=clock)
    made = sum(_attempt(throttle, HOME, f"user-{number}") is not None for number in range(1_000))
    assert made == PER_SOURCE.burst
    assert _attempt(throttle, HOME, "admin", is_known=True)
    assert _attempt(throttle, OFFICE, "someone")
    clock.advance(1 / PER_SOURCE.per_s)
    assert _attempt(throttle, HOME, "another")


def test_one_name_from_many_sources_is_bounded(clock: FakeClock) -> None:
    throttle = LoginThrottle(clock=clock)
    made = sum(_attempt(throttle, f"203.0.113.{number}", "admin") is not None for number in range(200))
    assert made == PER_USER.burst
    assert _attempt(throttle, HOME, "admin", is_known=True)
    assert _attempt(throttle, OFFICE, "otto")


def test_many_names_from_many_sources_are_bounded_together(clock: FakeClock) -> None:
    throttle = LoginThrottle(clock=clock)
    made = sum(_attempt(throttle, f"10.0.{n // 200}.{n % 200}", f"user-{n}") is not None for n in range(1_000))
    assert made == OVERALL.burst
    assert not _attempt(throttle, OFFICE, "otto")
    assert _attempt(throttle, OFFICE, "admin", is_known=True)
    clock.advance(1 / OVERALL.per_s)
    assert _attempt(throttle, OFFICE, "otto")


def test_an_attempt_whose_password_was_not_verified_counts_for_nothing(clock: FakeClock) -> None:
    throttle = LoginThrottle(clock=clock)
    for _ in range(10 * OVERALL.burst):
        attempt = _attempt(throttle, HOME, "vera")
        assert attempt is not None
        attempt.give_back()
    assert len(throttle) == 0


def test_a_refusal_of_a_stranger_is_no_failure(clock: FakeClock) -> None:
    """Who waits because of others is not delayed for having tried."""
    throttle = LoginThrottle(clock=clock)
    for number in range(OVERALL.burst):
        _attempt(throttle, f"10.0.0.{number}", f"user-{number}")
    for _ in range(10 * FREE):
        assert not _attempt(throttle, OFFICE, "otto")
    clock.advance(1 / OVERALL.per_s)
    assert _attempt(throttle, OFFICE, "otto")


def test_memory_is_bounded(clock: FakeClock) -> None:
    throttle = LoginThrottle(clock=clock, most_remembered=100)
    for number in range(1_000):
        _attempt(throttle, f"10.0.{number // 200}.{number % 200}", f"user-{number}")
        clock.advance(1)
    assert len(throttle) <= 100


def test_a_clock_that_is_set_back_locks_nobody_out(clock: FakeClock) -> None:
    throttle = LoginThrottle(clock=clock)
    for number in range(2 * PER_USER.burst):
        _attempt(throttle, HOME, "vera")
        _attempt(throttle, f"10.0.0.{number}", "vera")
    clock.advance(-86_400)
    assert _attempt(throttle, HOME, "vera", is_known=True)
    assert _attempt(throttle, OFFICE, "vera")
