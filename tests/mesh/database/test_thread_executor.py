"""Threads for an event loop: outcomes, order, cancellation, closing."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from mesh.database.thread_executor import ThreadExecutor


@pytest.fixture
async def workers() -> AsyncIterator[ThreadExecutor]:
    """One thread, which is done with everything afterwards."""
    workers = ThreadExecutor(threads=1, name="test")
    yield workers
    await asyncio.to_thread(workers.close)


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


async def test_as_many_at_once_as_there_are_threads() -> None:
    """Two that wait for each other, on two threads."""
    workers, barrier = ThreadExecutor(threads=2, name="test"), threading.Barrier(2)
    await asyncio.gather(workers.run(barrier.wait, 10), workers.run(barrier.wait, 10))
    await asyncio.to_thread(workers.close)


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
