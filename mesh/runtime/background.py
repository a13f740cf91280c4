"""Work beside a server: background tasks, which are started again when they fail, and those that recur."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from mesh.runtime.backoff import NO_JITTER, Uniform
from mesh.runtime.beats import until_beat
from mesh.runtime.errors import MeshError
from mesh.runtime.logs import get_logger

log = get_logger(__name__)

Background = Callable[[], Awaitable[None]]
"""Runs beside the servers until it is cancelled."""

Turn = Callable[[], Awaitable[object]]
"""One turn of work that recurs."""


async def keep(task: Background) -> None:
    """Runs a background task again when it fails: one failure must not end it for good."""
    while True:
        try:
            await task()
        except Exception:
            log.exception("background task failed, and is started again")
        await asyncio.sleep(1)


class PeriodicTask:
    """Has `turn` run at once, and again `every_s` seconds after each of its ends. Run `run` beside the servers.

    Waits of whole beats end at one, somewhat earlier (beats.py), unless there is a jitter. Where `every_s` is a
    function, it is called for each wait.

    A turn that fails is logged, and the next one comes in its time. Where turns raise MeshError, as they do while the
    database is unavailable, the first of them in a row is logged, and so is the first one that succeeds again.

    With `at_once=False` the first turn also waits for `every_s`. Each wait is multiplied by a random number between the
    two of `jitter`. With `due` a turn begins only while that event is set; the turn clears it.
    """

    def __init__(
        self,
        name: str,
        turn: Turn,
        *,
        every_s: float | Callable[[], float],
        at_once: bool = True,
        jitter: tuple[float, float] = NO_JITTER,
        uniform: Uniform = random.uniform,
        due: asyncio.Event | None = None,
    ) -> None:
        self._name = name
        self._turn = turn
        self._every_s = every_s
        self._at_once = at_once
        self._jitter = jitter
        self._uniform = uniform
        self._due = due
        self._put_off = False

    async def run(self) -> None:
        """Runs turns until it is cancelled."""
        if not self._at_once:
            await self._rest()
        while True:
            if self._due is not None:
                await self._due.wait()
            await self.attempt()
            await self._rest()

    async def attempt(self) -> None:
        """Runs one turn. Raises nothing but CancelledError."""
        try:
            await self._turn()
        except MeshError as error:
            if not self._put_off:
                log.warning("periodic task put off", task=self._name, reason=error.reason)
            self._put_off = True
        except Exception:
            log.exception("periodic task failed", task=self._name)
        else:
            if self._put_off:
                log.info("periodic task runs again", task=self._name)
            self._put_off = False

    async def _rest(self) -> None:
        every_s = self._every_s() if callable(self._every_s) else self._every_s
        if self._jitter == NO_JITTER:
            await asyncio.sleep(until_beat(every_s, asyncio.get_running_loop().time()))
        else:
            await asyncio.sleep(every_s * self._uniform(*self._jitter))


async def wait_until_beat(event: asyncio.Event, every_s: float) -> bool:
    """Waits for an event, at most until the last beat within `every_s` seconds; whether it is set."""
    loop = asyncio.get_running_loop()
    try:
        # Not wait_for: before Python 3.12 it forgets a cancellation that comes together with what it waits for.
        async with asyncio.timeout(until_beat(every_s, loop.time())):
            await event.wait()
    except TimeoutError:
        return False
    return True
