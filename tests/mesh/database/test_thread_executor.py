"""Threads for an event loop: outcomes, order, choice of the thread, cancellation, closing."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from mesh.database.thread_executor import ThreadExecutor
from tests.waiting import until


@pytest.fixture
async def workers() -> AsyncIterator[ThreadExecutor]:
    """One thread, which is done with everything afterwards."""
    workers = ThreadExecutor(threads=1, name="test")
    yield workers
    await asyncio.to_thread(workers.close)


@pytest.fixture
async def three() -> AsyncIterator[ThreadExecutor]:
    """Three threads, which are done with everything afterwards."""
    workers = ThreadExecutor(threads=3, name="test")
    yield workers
    await asyncio.to_thread(workers.close)


class Held:
    """A job that runs until it is let go; its result is the name of its thread."""

    def __init__(self, workers: ThreadExecutor) -> None:
        self._begun, self._leave = threading.Event(), threading.Event()
        self.future = workers.run(self._work)

    async def running(self) -> "Held":
        """Itself, once a thread has begun it."""
        assert await asyncio.to_thread(self._begun.wait, 10)
        return self

    def let_go(self) -> "asyncio.Future[str]":
        """Has it end; the future of its thread's name."""
        self._leave.set()
        return self.future

    def _work(self) -> str:
        self._begun.set()
        assert self._leave.wait(10)
        return threading.current_thread().name


def _thread_name() -> str:
    return threading.current_thread().name


def _threads(name: str) -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith(name)}


async def test_what_a_function_returns_or_raises(workers: ThreadExecutor) -> None:
    """Comes to the caller, from another thread; one failure does not end the thread."""
    assert await workers.run(int, "7") == 7
    with pytest.raises(ValueError, match="invalid literal"):
        await workers.run(int, "x")
    assert await workers.run(threading.current_thread) is not threading.current_thread()


async def test_jobs_keep_their_order(workers: ThreadExecutor) -> None:
    """One thread does them one after the other."""
    done: list[int] = []
    await asyncio.gather(*(workers.run(done.append, number) for number in range(50)))
    assert done == list(range(50))


async def test_jobs_that_wait_for_a_thread_begin_in_the_order_of_arrival(three: ThreadExecutor) -> None:
    begun: list[int] = []
    held = [await Held(three).running() for _ in range(3)]
    waiting = [three.run(begun.append, number) for number in range(20)]
    assert not begun
    held[1].let_go()  # one thread alone takes them all
    await asyncio.gather(*waiting)
    assert begun == list(range(20))
    await asyncio.gather(*(one.let_go() for one in held))


async def test_as_many_at_once_as_there_are_threads() -> None:
    """Two that wait for each other, on two threads."""
    workers, barrier = ThreadExecutor(threads=2, name="test"), threading.Barrier(2)
    await asyncio.gather(workers.run(barrier.wait, 10), workers.run(barrier.wait, 10))
    await asyncio.to_thread(workers.close)


async def test_jobs_that_come_one_at_a_time_have_one_thread(three: ThreadExecutor) -> None:
    """An awaited job's thread is idle again before its caller goes on: no other one is started."""
    names = {await three.run(_thread_name) for _ in range(200)}
    assert names == {"test-0"}


async def test_the_thread_that_was_busy_last_has_the_next_job(three: ThreadExecutor) -> None:
    held = [await Held(three).running() for _ in range(3)]
    assert [await held[index].let_go() for index in (2, 0, 1)] == ["test-2", "test-0", "test-1"]
    assert {await three.run(_thread_name) for _ in range(50)} == {"test-1"}
    second = await Held(three).running(), await Held(three).running()
    assert [await one.let_go() for one in second] == ["test-1", "test-0"]
    assert await three.run(_thread_name) == "test-0"


async def test_a_cancelled_job(workers: ThreadExecutor) -> None:
    """Is not begun where it still waits, and is done to its end where it is under way. The next one is done."""
    begun, leave = threading.Event(), threading.Event()
    done: list[str] = []

    def first() -> None:
        begun.set()
        assert leave.wait(10)
        done.append("first")

    running, waiting = workers.run(first), workers.run(done.append, "second")
    await asyncio.to_thread(begun.wait, 10)
    running.cancel()
    waiting.cancel()
    leave.set()
    await workers.run(done.append, "third")
    assert done == ["first", "third"]


async def test_closing_waits_for_what_was_asked_for() -> None:
    """And nothing more can be asked for then; workers that never worked close too."""
    workers = ThreadExecutor(threads=2, name="test")
    done: list[int] = []
    jobs = [workers.run(done.append, number) for number in range(20)]
    await asyncio.to_thread(workers.close)
    await asyncio.gather(*jobs)
    assert sorted(done) == list(range(20))
    with pytest.raises(RuntimeError):
        workers.run(done.append, 1)
    ThreadExecutor(threads=2, name="test").close()


async def test_closing_ends_idle_threads_at_once_and_a_busy_one_after_its_job(three: ThreadExecutor) -> None:
    workers = ThreadExecutor(threads=2, name="closing")
    busy = await Held(workers).running()
    assert await workers.run(_thread_name) == "closing-1"
    closing = three.run(workers.close)
    await until(lambda: _threads("closing") == {"closing-0"})
    assert not closing.done()
    assert await busy.let_go() == "closing-0"
    await closing
    assert not _threads("closing")
