"""Which frames wait, and for how long, with a timer and a clock of the test's own."""

from asyncio import TimerHandle
from collections.abc import Callable
from typing import Any, cast

import pytest

from gateway.connection.frame_linger import COMPANIONS, LINGER_S, MAX_WAITING, FrameLinger

SECOND_US = 1_000_000
BEGIN_US = 1_800_000_000_000_000


class Timer:
    """The only timer that is set, if one is."""

    def __init__(self) -> None:
        self.delay_s: float | None = None
        self._callback: Callable[[], None] | None = None

    def __call__(self, delay_s: float, callback: Callable[[], None], /) -> TimerHandle:
        assert self.delay_s is None
        self.delay_s, self._callback = delay_s, callback
        return cast("TimerHandle", self)

    def cancel(self) -> None:
        self.delay_s = self._callback = None

    def fire(self) -> None:
        callback = self._callback
        assert callback is not None
        callback()


@pytest.fixture
def timer() -> Timer:
    return Timer()


@pytest.fixture
def linger(timer: Timer) -> FrameLinger:
    return FrameLinger(timer)


def _waits_at(linger: FrameLinger, per_s: float, *, seconds: float = 4.0) -> list[bool]:
    """Whether each frame waits where so many come a second, evenly."""
    step_us = SECOND_US / per_s
    return [linger.should_wait(int(BEGIN_US + number * step_us)) for number in range(int(per_s * seconds))]


def test_the_first_frames_after_quiet_do_not_wait(linger: FrameLinger) -> None:
    assert not any(_waits_at(linger, 500.0)[:20])


@pytest.mark.parametrize("per_s", [1.0, 10.0, 0.9 * COMPANIONS / LINGER_S])
def test_no_frame_waits_where_too_few_others_would_come_meanwhile(linger: FrameLinger, per_s: float) -> None:
    assert not any(_waits_at(linger, per_s))


@pytest.mark.parametrize("per_s", [1.2 * COMPANIONS / LINGER_S, 500.0, 5000.0])
def test_frames_wait_once_others_are_expected_meanwhile(linger: FrameLinger, per_s: float) -> None:
    assert all(_waits_at(linger, per_s)[-20:])


def test_no_frame_waits_when_it_has_become_quiet_again(linger: FrameLinger) -> None:
    last_us = BEGIN_US + 4 * SECOND_US
    assert _waits_at(linger, 500.0)[-1]
    assert not linger.should_wait(last_us + 5 * SECOND_US)


def test_a_clock_that_is_set_back_changes_nothing(linger: FrameLinger) -> None:
    _waits_at(linger, 500.0)
    assert linger.should_wait(BEGIN_US - 3600 * SECOND_US)
    assert not linger.should_wait(BEGIN_US)


def test_frames_are_handed_over_together_in_the_order_they_came(linger: FrameLinger, timer: Timer) -> None:
    taken: list[Any] = []
    linger.add(lambda *frame: taken.append(("A", *frame)), b"1", 7, 100)
    linger.add(lambda *frame: taken.append(("B", *frame)), b"2", 3, 101)
    assert timer.delay_s == LINGER_S
    assert taken == []
    timer.fire()
    assert taken == [("A", b"1", 7, 100), ("B", b"2", 3, 101)]
    assert timer.delay_s is None


def test_the_wait_of_the_first_is_not_prolonged_by_later_ones(linger: FrameLinger, timer: Timer) -> None:
    for number in range(MAX_WAITING - 1):
        linger.add(lambda *_frame: None, b"", number, 0)
    assert timer.delay_s == LINGER_S  # and set once: Timer holds it to that


def test_a_full_turn_ends_the_wait(linger: FrameLinger, timer: Timer) -> None:
    taken: list[int] = []
    for number in range(MAX_WAITING):
        linger.add(lambda _data, ordinal, _us: taken.append(ordinal), b"", number, 0)
    assert taken == list(range(MAX_WAITING))
    assert timer.delay_s is None


def test_a_frame_that_is_added_while_others_are_handed_over_waits_for_the_next_turn(
    linger: FrameLinger, timer: Timer
) -> None:
    taken: list[bytes] = []

    def take(data: bytes, ordinal: int, now_us: int) -> None:
        taken.append(data)
        if data == b"first":
            linger.add(take, b"second", ordinal, now_us)

    linger.add(take, b"first", 1, 0)
    timer.fire()
    assert taken == [b"first"]
    timer.fire()
    assert taken == [b"first", b"second"]
