"""Whether a service answers, and when a failed batch is sent again, with a clock of the test's own."""

from gateway.batching.availability import FIRST_BACKOFF_S, MOST_BACKOFF_S, Availability

NOW_S = 1000.0


def test_a_service_is_available_until_a_call_fails() -> None:
    availability = Availability()
    assert availability.is_available
    assert availability.unavailable_for_s(NOW_S) == 0


def test_a_service_is_unavailable_since_the_first_failure_in_a_row() -> None:
    availability = Availability()
    availability.on_failure(NOW_S)
    availability.on_failure(NOW_S + 5)
    assert not availability.is_available
    assert availability.unavailable_for_s(NOW_S + 7) == 7


def test_a_success_ends_it() -> None:
    availability = Availability()
    availability.on_failure(NOW_S)
    availability.on_success()
    assert availability.is_available
    assert availability.unavailable_for_s(NOW_S + 7) == 0


def test_the_backoff_doubles_up_to_a_bound_with_jitter() -> None:
    availability = Availability()
    for failures in range(1, 30):
        availability.on_failure(NOW_S)
        most_s = min(MOST_BACKOFF_S, FIRST_BACKOFF_S * 2 ** min(failures, 10))
        assert all(most_s / 2 <= availability.backoff_s() <= most_s for _ in range(20))
    assert most_s == MOST_BACKOFF_S
    assert len({availability.backoff_s() for _ in range(20)}) > 1


def test_the_backoff_begins_anew_after_a_success() -> None:
    availability = Availability()
    for _ in range(20):
        availability.on_failure(NOW_S)
    availability.on_success()
    availability.on_failure(NOW_S)
    assert availability.backoff_s() <= 2 * FIRST_BACKOFF_S
