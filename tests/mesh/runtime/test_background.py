"""Work that recurs."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from mesh.runtime.background import PeriodicTask, wait_until_beat
from mesh.runtime.beats import BEAT_S
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import unavailable
from tests.waiting import until


@asynccontextmanager
async def _running(task: PeriodicTask) -> AsyncIterator[None]:
    running = asyncio.create_task(task.run())
    try:
        yield
    finally:
        running.cancel()
        assert isinstance((await asyncio.gather(running, return_exceptions=True))[0], asyncio.CancelledError)


class Turns:
    """A turn, which counts itself and raises the errors of a list, one after the other."""

    def __init__(self, *errors: Exception | None) -> None:
        self._errors: Iterator[Exception | None] = iter(errors)
        self.count = 0

    async def __call__(self) -> None:
        """One turn."""
        self.count += 1
        if (error := next(self._errors, None)) is not None:
            raise error

    def reach(self, count: int) -> Callable[[], bool]:
        """Whether there have been so many."""
        return lambda: self.count >= count


async def test_a_turn_begins_at_once_and_again_after_each_wait() -> None:
    turns = Turns()
    async with _running(PeriodicTask("test", turns, every_s=0.001)):
        await until(turns.reach(5))


async def test_the_first_turn_can_wait() -> None:
    """Its wait has the jitter of all others."""
    turns, jitters = Turns(), []

    def uniform(low: float, high: float) -> float:
        jitters.append((low, high, turns.count))
        return low

    task = PeriodicTask("test", turns, every_s=0.001, at_once=False, jitter=(0.75, 1.25), uniform=uniform)
    async with _running(task):
        await until(turns.reach(2))
    assert jitters[:2] == [(0.75, 1.25, 0), (0.75, 1.25, 1)]


async def test_a_turn_that_fails_is_logged_and_the_next_goes_on() -> None:
    turns = Turns(RuntimeError("once"))
    with capture_logs() as logs:
        async with _running(PeriodicTask("test", turns, every_s=0.001)):
            await until(turns.reach(3))
    assert [(entry["event"], entry["task"]) for entry in logs] == [("periodic task failed", "test")]
    assert logs[0]["exc_info"]


@pytest.mark.parametrize("times", [1, 3])
async def test_an_unavailable_database_is_logged_once_for_as_long_as_it_lasts(times: int) -> None:
    error = unavailable(Reason.DATABASE_UNAVAILABLE, "try again")
    turns = Turns(*[error] * times, None, None, *[error] * times)
    with capture_logs() as logs:
        async with _running(PeriodicTask("test", turns, every_s=0.001)):
            await until(turns.reach(2 * times + 4))
    put_off = {"event": "periodic task put off", "task": "test", "reason": "DATABASE_UNAVAILABLE"}
    assert [{**entry, "log_level": ""} for entry in logs] == [
        {**put_off, "log_level": ""},
        {"event": "periodic task runs again", "task": "test", "log_level": ""},
    ] * 2


async def test_a_turn_waits_until_it_is_due() -> None:
    turns, due = Turns(), asyncio.Event()

    async def turn() -> None:
        due.clear()
        await turns()

    async with _running(PeriodicTask("test", turn, every_s=0, due=due)):
        for count in range(1, 4):
            due.set()
            await until(turns.reach(count))
            for _ in range(10):
                await asyncio.sleep(0)
            assert turns.count == count


async def test_a_wait_may_be_another_one_each_time() -> None:
    turns, waits = Turns(), iter([0.002, 0.001, 0.0])

    def every_s() -> float:
        return next(waits, 3600.0)

    async with _running(PeriodicTask("test", turns, every_s=every_s)):
        await until(turns.reach(4))
    assert next(waits, None) is None


async def test_tasks_of_whole_beats_wake_up_together() -> None:
    """Though they began at different times, and one has an interval of two beats."""
    loop, woken = asyncio.get_running_loop(), []

    async def turn() -> None:
        woken.append(loop.time())

    first, second = (PeriodicTask("test", turn, every_s=beats * BEAT_S, at_once=False) for beats in (1, 2))
    async with _running(first):
        await until(lambda: loop.time() % BEAT_S > BEAT_S / 4)
        async with _running(second):
            await until(lambda: len(woken) >= 3)
    assert woken[2] - woken[1] < BEAT_S / 4
    assert woken[1] - woken[0] == pytest.approx(BEAT_S, abs=BEAT_S / 4)


async def test_an_event_ends_the_wait_for_a_beat() -> None:
    event = asyncio.Event()
    waiting = asyncio.create_task(wait_until_beat(event, 1000 * BEAT_S))
    await asyncio.sleep(0)
    event.set()
    assert await waiting
    event.clear()
    assert not await wait_until_beat(event, 0.001)
