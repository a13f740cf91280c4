"""The parts of the mesh as those who may be killed at any moment, and are started again."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from random import Random

from benchmarks.accounting import read_all, tree
from chaos.errors import ChaosError
from deploy.local.child import Child
from deploy.local.keeper import Part
from deploy.local.log_file import LogFile

READY_S = 60.0
PROBE_S = 0.1
# Between the death of a part and its next start, where nobody asked for more.
PAUSE_S = 0.25


class Victim:
    """One part. `start` it, then `keep` it as a task, then `stop` it."""

    def __init__(self, part: Part, *, log: LogFile) -> None:
        self.part = part
        self.kills = 0
        self._log = log
        self._child: Child | None = None
        self._away_s = PAUSE_S

    @property
    def name(self) -> str:
        """Its name for people."""
        return self.part.name

    @property
    def alive(self) -> bool:
        """Whether its process runs, be it ready or not."""
        return self._child is not None and self._child.exit_status is None

    async def start(self) -> None:
        """Starts it and waits until it is ready. Raises ChaosError."""
        await self._launch()
        assert self._child is not None  # noqa: S101 - it was launched
        ready = asyncio.create_task(self.ready())
        died = asyncio.create_task(self._child.wait())
        await asyncio.wait((ready, died), return_when=asyncio.FIRST_COMPLETED)
        died.cancel()
        if not ready.done():
            ready.cancel()
            raise ChaosError(f"{self.name} died at its start; its log: {self._log.path}")
        await ready

    async def ready(self, timeout_s: float = READY_S) -> None:
        """Waits until it is ready. Raises ChaosError where it is not in time."""
        try:
            async with asyncio.timeout(timeout_s):
                while self.part.ready is not None and not await self.part.ready():  # noqa: ASYNC110 - another process
                    await asyncio.sleep(PROBE_S)
        except TimeoutError:
            raise ChaosError(f"{self.name} was not ready within {timeout_s:.0f} s; its log: {self._log.path}") from None

    async def keep(self) -> None:
        """Starts it again whenever it has died, until cancelled. It may end by itself: its database was unavailable."""
        while self._child is not None:
            await self._child.wait()
            self._kill_all()
            await self._child.close()
            pause_s, self._away_s = self._away_s, PAUSE_S
            await asyncio.sleep(pause_s)
            await self._launch()

    def kill(self, *, away_s: float) -> None:
        """SIGKILL, for it and everything it has started; `away_s` seconds later it is started again."""
        self.kills += 1
        self._away_s = away_s
        self._log.write(b"--- killed, for %.2f s" % away_s)
        self._kill_all()

    async def stop(self) -> None:
        """Asks it to stop, and kills it where it does not."""
        if self._child is not None:
            await self._child.stop(self.part.grace_s)
            self._kill_all()

    async def _launch(self) -> None:
        self.part.before_start()
        self._child = await Child.start(
            self.part.command, env=self.part.env, on_output=self._log.write, on_log=self._log.write
        )

    def _kill_all(self) -> None:
        """PostgreSQL's processes each have a session of their own, so that the group is not enough."""
        if self._child is None:
            return
        family = tree(self._child.pid, read_all()) if self.alive else set()
        self._child.kill()
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


class Killer:
    """Kills one part after the other."""

    def __init__(self, victims: Sequence[Victim], *, random: Random, interval_s: float) -> None:
        self._victims = victims
        self._random = random
        self._interval_s = interval_s

    async def run(
        self,
        *,
        kills: int,
        long_absences: int,
        long_s: float,
        missed: Sequence[Victim],
        before: Callable[[int], Awaitable[None]],
    ) -> None:
        """Kills so many times; the last is dead, or just started again, when this returns.

        `long_absences` of them take one of `missed`, in turns, away for `long_s` seconds, and nothing else meanwhile.
        `before` is awaited before each kill, with its number from 0: nothing is killed until it returns.
        """
        long_ones = sorted(self._random.sample(range(kills), min(long_absences, kills)))
        for n in range(kills):
            await before(n)
            await asyncio.sleep(self._interval_s * self._random.uniform(0.5, 1.5))
            candidates, away_s = self._victims, self._random.uniform(0.05, 1.0)
            if n in long_ones:
                candidates, away_s = [missed[long_ones.index(n) % len(missed)]], long_s
            (await self._alive(candidates)).kill(away_s=away_s)
            if n in long_ones:
                # Nothing else: stations that lose their connections would not see how long they can be kept waiting.
                await asyncio.sleep(away_s)

    async def _alive(self, candidates: Sequence[Victim]) -> Victim:
        while not (alive := [victim for victim in candidates if victim.alive]):  # noqa: ASYNC110 - processes
            await asyncio.sleep(PROBE_S)
        return self._random.choice(alive)


async def start_all(stack: AsyncExitStack, groups: Sequence[Sequence[Victim]]) -> None:
    """Starts the groups in their order, each at once; what stops them goes onto the stack. Raises ChaosError."""
    for group in groups:
        for victim in group:
            stack.push_async_callback(victim.stop)
        await asyncio.gather(*(victim.start() for victim in group))
