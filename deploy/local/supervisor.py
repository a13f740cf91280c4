"""Runs all parts of the mesh: up together, down in order, and nothing left behind."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from deploy.local.keeper import Keeper, PartFailedError
from deploy.local.terminal import say
from deploy.probes import Probe

OPEN_TIMEOUT_S = 30.0
OPEN_INTERVAL_S = 0.05


class Supervisor:
    """Starts the keepers' parts, keeps them, and stops them group by group."""

    def __init__(self, *, groups: Sequence[Sequence[Keeper]], is_open: Probe) -> None:
        self._groups = groups
        self._keepers = [keeper for group in groups for keeper in group]
        self._is_open = is_open

    async def start(self) -> None:
        """Starts every part, and waits until the mesh as a whole is open. Raises PartFailedError."""
        tasks = [asyncio.create_task(keeper.start()) for keeper in self._keepers]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await self._until_open()

    async def keep(self) -> None:
        """Starts parts again that die, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for keeper in self._keepers:
                tasks.create_task(keeper.keep())

    async def stop(self) -> None:
        """Stops every part, each group after the one before."""
        for keeper in self._keepers:
            keeper.silence()
        for group in self._groups:
            await asyncio.gather(*(keeper.stop() for keeper in group))

    def kill(self) -> None:
        """Ends every part at once."""
        for keeper in self._keepers:
            keeper.kill()

    async def _until_open(self) -> None:
        deadline_s = time.monotonic() + OPEN_TIMEOUT_S
        while not await self._is_open():
            for keeper in self._keepers:
                keeper.check()
            if time.monotonic() > deadline_s:
                raise PartFailedError(
                    f"every part runs, but the front door is not open after {OPEN_TIMEOUT_S:.0f} s: "
                    "GET /healthz says more, and the logs"
                )
            await asyncio.sleep(OPEN_INTERVAL_S)


async def run_until(
    stop: asyncio.Event, kill: asyncio.Event, supervisor: Supervisor, announce: Callable[[], None]
) -> None:
    """Runs the mesh until `stop` is set; `kill` shortens the stop. Raises PartFailedError before ready."""
    try:
        if await _unless(stop, supervisor.start()):
            announce()
            await _unless(stop, supervisor.keep())
        say("stopping")
    finally:
        if not await _unless(kill, supervisor.stop()):
            supervisor.kill()
            await supervisor.stop()


async def _unless(event: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Does the work, and returns True; gives it up, and returns False, once `event` is set."""
    working = asyncio.create_task(work)
    waiting = asyncio.create_task(event.wait())
    try:
        await asyncio.wait((working, waiting), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working
            return True
        return False
    finally:
        for task in (working, waiting):
            task.cancel()
        await asyncio.gather(working, waiting, return_exceptions=True)
