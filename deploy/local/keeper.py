"""Keeps one part of the mesh running: started until it is ready, started again when it dies, stopped when all is."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from deploy.local.child import Child, describe
from deploy.local.log_echo import LastWords, LogEcho
from deploy.local.log_file import LogFile
from deploy.local.terminal import say
from deploy.probes import Probe

READY_TIMEOUT_S = 60.0
PROBE_INTERVAL_S = 0.05
# Between a part's death and its next start; doubled each time it dies young.
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 15.0
STEADY_S = 30.0


class PartFailedError(Exception):
    """A part died, or did not become ready in time. Its text is one line for the person at the terminal."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of the local run: its command, and the probe of its readiness."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(repr=False)
    ready: Probe | None = None  # None: as soon as it runs
    grace_s: float = 8.0  # seconds that it has to stop
    before_start: Callable[[], None] = lambda: None
    on_output: Callable[[str], bool] = lambda line: False  # whether it handled the line; then it is not logged


class Keeper:
    """Runs a part."""

    def __init__(self, part: Part, *, log: LogFile, on_back: Callable[[], None] = lambda: None) -> None:
        """`on_back` is called each time the part is ready after a restart."""
        self.part = part
        self._on_back = on_back
        self._log = log
        self._echo = LogEcho(part.name, log.path)
        self._last = LastWords()
        self._child: Child | None = None
        self._ready_s = 0.0

    @property
    def pid(self) -> int | None:
        """The present process's id."""
        return None if self._child is None else self._child.pid

    async def start(self) -> None:
        """Starts the part and waits until it is ready. Raises PartFailedError; the part may be running then."""
        self.part.before_start()
        self._last = LastWords()
        try:
            child = await Child.start(
                self.part.command, env=self.part.env, on_output=self._take_output, on_log=self._take_log
            )
        except OSError as error:
            raise PartFailedError(f"{self.part.name} cannot be started: {error.strerror}") from error
        self._child = child
        await self._until_ready(child)
        self._ready_s = time.monotonic()

    def check(self) -> None:
        """Raises PartFailedError where the part has died."""
        if self._child is not None and (status := self._child.exit_status) is not None:
            raise PartFailedError(self._obituary(status))

    async def keep(self) -> None:
        """Starts the part again whenever it dies, until cancelled."""
        pause_s = FIRST_PAUSE_S
        while self._child is not None:
            status = await self._child.wait()
            # Nothing of it may be left when it is started again: its ports, its lock on the database.
            self._child.kill()
            await self._child.close()
            lived_s = time.monotonic() - self._ready_s
            pause_s = FIRST_PAUSE_S if lived_s > STEADY_S else pause_s
            say(f"{self.part.name} died ({describe(status)}) and is started again; its log: {self._log.path}")
            died_s = time.monotonic()
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            try:
                await self.start()
            except PartFailedError as error:
                say(str(error))
                self.kill()
            else:
                self._on_back()
                say(f"{self.part.name} is back, {time.monotonic() - died_s:.1f} s later")

    async def stop(self) -> None:
        """Asks the part to stop, and kills it where it does not in time."""
        if self._child is not None and not await self._child.stop(self.part.grace_s):
            say(f"{self.part.name} did not stop within {self.part.grace_s:.0f} s and was killed")

    def silence(self) -> None:
        """Echoes no more of its log: output of a part while everything stops is not of interest."""
        self._echo.silenced = True

    def kill(self) -> None:
        """Ends the part at once."""
        if self._child is not None:
            self._child.kill()

    async def _until_ready(self, child: Child) -> None:
        ended = asyncio.create_task(child.wait())
        ready = asyncio.create_task(self._probe())
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                await asyncio.wait((ended, ready), return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            raise PartFailedError(
                f"{self.part.name} was not ready within {READY_TIMEOUT_S:.0f} s; its log: {self._log.path}"
            ) from None
        finally:
            ready.cancel()
            ended.cancel()
        self.check()

    async def _probe(self) -> None:
        while self.part.ready is not None and not await self.part.ready():  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(PROBE_INTERVAL_S)

    def _obituary(self, status: int) -> str:
        words = self._last.text or describe(status)
        own = words.removeprefix(f"{self.part.name}: ")
        return f"{self.part.name} stopped before it was ready: {own} (its log: {self._log.path})"

    def _take_output(self, line: bytes) -> None:
        if not self.part.on_output(line.decode(errors="replace")):
            self._log.write(line)

    def _take_log(self, line: bytes) -> None:
        self._log.write(line)
        self._last.take(line)
        self._echo.take(line)
