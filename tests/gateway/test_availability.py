"""Whether a service answers, and when a failed batch is sent again, with a clock of the test's own."""

from gateway.batching.availability import BACKOFF, Availability

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


def test_the_backoff_grows_with_each_failure_in_a_row_and_begins_anew_after_a_success() -> None:
    availability = Availability()
    for failures in range(1, 30):
        availability.on_failure(NOW_S)
        most_s = min(BACKOFF.most_s, BACKOFF.first_s * 2 ** (failures - 1))
        assert all(most_s / 2 <= availability.backoff_s() <= most_s for _ in range(20))
    availability.on_success()
    availability.on_failure(NOW_S)
    assert availability.backoff_s() <= BACKOFF.first_s
