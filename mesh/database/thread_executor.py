"""Threads that run functions for an event loop.

What `loop.run_in_executor` does, at two thirds of its price, which every batch pays: there is one future, the loop's
own, where asyncio would copy the outcome from another with a lock and a condition of its own.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

_Job = tuple[asyncio.Future[Any], Callable[..., Any], tuple[Any, ...]]


class ThreadExecutor:
    """A fixed number of threads, started when they are first needed; they run jobs in the order of arrival."""

    def __init__(self, *, threads: int, name: str) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True) for number in range(threads)
        ]
        self._started = False
        self._closed = False

    def run(self, function: Callable[..., T], *arguments: Any) -> "asyncio.Future[T]":
        """A future of the function's result or error. A job that is cancelled before it starts is not run at all.

        The function has the caller's context variables, as with `asyncio.to_thread`. Raises RuntimeError after `close`.
        """
        if self._closed:
            raise RuntimeError("these workers are closed")
        if not self._started:
            self._started = True
            for thread in self._threads:
                thread.start()
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put((future, copy_context().run, (function, *arguments)))
        return future

    def close(self) -> None:
        """Waits until all submitted jobs are done. Blocks: not for the event loop's own thread."""
        self._closed = True
        for _thread in self._threads:
            self._jobs.put(None)
        if self._started:
            for thread in self._threads:
                thread.join()

    def _work(self) -> None:
        while job := self._jobs.get():
            future, function, arguments = job
            if not future.cancelled():
                _do(future, function, arguments)
            del job, future, function, arguments  # what they hold is not kept until the next job


def _do(future: asyncio.Future[Any], function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    result, failure = None, None
    try:
        result = function(*arguments)
    except BaseException as error:
        failure = error
    with suppress(RuntimeError):  # the loop is closed, and nothing awaits the future any more
        future.get_loop().call_soon_threadsafe(_tell, future, result, failure)


def _tell(future: asyncio.Future[Any], result: Any, failure: BaseException | None) -> None:
    if future.cancelled():
        return
    if failure is None:
        future.set_result(result)
    else:
        future.set_exception(failure)
