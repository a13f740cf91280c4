"""Waits between attempts to connect."""

from random import Random

from station_kit.backoff import Backoff


def test_backoff_grows_with_jitter_and_resets() -> None:
    """Pauses double up to a limit, and no two stations pause alike."""
    backoff, other = (Backoff(random=Random(seed), most_s=8) for seed in (1, 2))  # noqa: S311 - no secret
    pauses = [backoff.next_s() for _ in range(5)]
    assert all(span / 2 <= pause <= span for pause, span in zip(pauses, (1, 2, 4, 8, 8), strict=True))
    assert pauses != [other.next_s() for _ in range(5)]
    backoff.reset()
    assert backoff.next_s() <= 1
