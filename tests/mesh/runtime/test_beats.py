"""Waits that end at shared moments."""

import pytest

from mesh.runtime.beats import BEAT_S, until_beat


@pytest.mark.parametrize("every_s", [BEAT_S, 2 * BEAT_S, 100 * BEAT_S])
@pytest.mark.parametrize("after_s", [0.0, 0.004, 1.0, 2.89])
def test_a_wait_of_whole_beats_ends_at_a_beat_and_not_later_than_it_would_have(every_s: float, after_s: float) -> None:
    now_s = 7_000 * BEAT_S + after_s
    wait_s = until_beat(every_s, now_s)
    assert (now_s + wait_s) % BEAT_S == pytest.approx(0)
    assert every_s - BEAT_S < wait_s <= every_s


def test_a_timer_that_fires_early_makes_no_second_turn_at_the_same_beat() -> None:
    assert until_beat(BEAT_S, 7_000 * BEAT_S - 0.001) == pytest.approx(BEAT_S + 0.001)


@pytest.mark.parametrize("every_s", [0.0, 0.5, 2.9, 5.0, 10.0])
def test_other_waits_are_as_they_are(every_s: float) -> None:
    assert until_beat(every_s, 12_345.6) == every_s
