"""Waits between attempts: their lengths, their bound, and their jitter."""

from random import Random

from mesh.runtime.backoff import NO_JITTER, Backoff


def test_waits_double_up_to_the_bound() -> None:
    backoff = Backoff(first_s=0.5, most_s=5.0, jitter=NO_JITTER)
    assert [backoff.after(failures) for failures in range(1, 7)] == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    assert backoff.after(10**6) == 5.0


def test_waits_grow_by_another_factor() -> None:
    backoff = Backoff(first_s=1.0, most_s=3.0, factor=1.5, jitter=NO_JITTER)
    assert [backoff.after(failures) for failures in range(1, 5)] == [1.0, 1.5, 2.25, 3.0]


def test_callers_that_failed_together_wait_for_different_times_within_the_jitter() -> None:
    ones = Backoff(first_s=8.0, most_s=60.0, jitter=(0.75, 1.25), uniform=Random(1).uniform)  # noqa: S311 - no secret
    others = Backoff(first_s=8.0, most_s=60.0, jitter=(0.75, 1.25), uniform=Random(2).uniform)  # noqa: S311 - no secret
    waits = [backoff.after(1) for backoff in (ones, others) for _ in range(50)]
    assert len(set(waits)) == 100
    assert 6.0 <= min(waits) < max(waits) <= 10.0
