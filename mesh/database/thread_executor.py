"""Threads that run functions for an event loop.

What `loop.run_in_executor` does, at two thirds of its price, which every batch pays: there is one future, the loop's
own, where asyncio would copy the outcome from another with a lock and a condition of its own.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from typing import Any, TypeVar

T = TypeVar("T")

_Job = tuple[asyncio.Future[Any], Callable[..., Any], tuple[Any, ...]]


class ThreadExecutor:
    """At most a fixed number of threads, each started when all others are busy; they take jobs in the order of arrival.

    A job goes to the idle thread that was busy last, so that one thread serves a quiet service, with all that a thread
    keeps: its database connection, and the statements that are prepared on it.
    """

    def __init__(self, *, threads: int, name: str) -> None:
        self._most = threads
        self._name = name
        self._lock = threading.Lock()  # guards all below; each is held for some instructions only
        self._jobs: deque[_Job] = deque()  # wait while all threads are busy
        self._idle: list[_Thread] = []  # busy last is last
        self._threads: list[threading.Thread] = []
        self._closed = False

    def run(self, function: Callable[..., T], *arguments: Any) -> "asyncio.Future[T]":
        """A future of the function's result or error. A job that is cancelled before it starts is not run at all.

        The function has the caller's context variables, as with `asyncio.to_thread`. Raises RuntimeError after `close`.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        job: _Job = (future, copy_context().run, (function, *arguments))
        with self._lock:
            if self._closed:
                raise RuntimeError("these workers are closed")
            if self._idle:
                self._idle.pop().give(job)
            else:
                if len(self._threads) < self._most:
                    self._start()
                self._jobs.append(job)
        return future

    def close(self) -> None:
        """Waits until all submitted jobs are done. Blocks: not for the event loop's own thread."""
        with self._lock:
            self._closed = True
            for thread in self._idle:
                thread.give(None)
            self._idle.clear()
        for started in self._threads:
            started.join()

    def _start(self) -> None:
        thread = threading.Thread(target=self._work, name=f"{self._name}-{len(self._threads)}", daemon=True)
        thread.start()
        self._threads.append(thread)

    def _work(self) -> None:
        own = _Thread()
        self._assign(own)
        while job := own.take():
            future, function, arguments = job
            outcome = None if future.cancelled() else _run(function, arguments)
            self._assign(own)  # first: whoever awaits the outcome finds this thread idle
            if outcome is not None:
                _deliver(future, *outcome)
            del job, future, function, arguments, outcome  # what they hold is not kept until the next job

    def _assign(self, own: "_Thread") -> None:
        """Gives a thread that is done its next job, or its end, or has it wait for one."""
        with self._lock:
            if self._jobs:
                own.give(self._jobs.popleft())
            elif self._closed:
                own.give(None)
            else:
                self._idle.append(own)


class _Thread:
    """Where a thread is given its next job."""

    def __init__(self) -> None:
        self._given = threading.Lock()
        self._given.acquire()
        self._job: _Job | None = None

    def give(self, job: _Job | None) -> None:
        """Has the thread run a job; None: it has to end. Once for each `take`."""
        self._job = job
        self._given.release()

    def take(self) -> _Job | None:
        """Waits for the job."""
        self._given.acquire()
        job, self._job = self._job, None
        return job


def _run(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, BaseException | None]:
    try:
        return function(*arguments), None
    except BaseException as error:
        return None, error


def _deliver(future: asyncio.Future[Any], result: Any, failure: BaseException | None) -> None:
    with suppress(RuntimeError):  # the loop is closed, and nothing awaits the future any more
        future.get_loop().call_soon_threadsafe(_tell, future, result, failure)


def _tell(future: asyncio.Future[Any], result: Any, failure: BaseException | None) -> None:
    if future.cancelled():
        return
    if failure is None:
        future.set_result(result)
    else:
        future.set_exception(failure)
