"""Small real processes that stand for parts of the mesh."""

import asyncio
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

from deploy.local.keeper import Keeper, Part
from deploy.local.log_file import LogFile
from deploy.probes import Probe

# Runs before each of them. A process id is printed whole or not at all: a child can be killed at any line.
PRELUDE = """
import os
os.chdir({directory!r})
def tell(name, pid):
    with open(name + ".new", "w") as file:
        file.write(str(pid))
    os.replace(name + ".new", name + ".pid")
"""

# Prints its process id, and serves until a signal stops it or its standard input ends.
WELL_BEHAVED = """
    import os, signal, sys
    signal.signal(signal.SIGTERM, lambda *_: (open("stopped", "a").write(sys.argv[1] + "\\n"), sys.exit(0)))
    tell(sys.argv[1], os.getpid())
    while sys.stdin.read(1): pass
"""
# Prints its process id, and ignores signals.
STUBBORN = """
    import os, signal, sys, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    tell(sys.argv[1], os.getpid())
    while True: time.sleep(60)
"""

# Has a process of its own, which shares its pipes.
PARENT = """
    import os, subprocess, sys
    child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
    tell("grandchild", child.pid)
    tell("parent", os.getpid())
    child.wait()
"""


def command(program: str, name: str) -> list[str]:
    """A command line that runs this program text, with `name` as its argument."""
    return [sys.executable, "-S", "-c", textwrap.dedent(program), name]


def has_file(path: Path) -> Probe:
    """Whether this file is there."""

    async def probe() -> bool:
        return await asyncio.to_thread(path.exists)

    return probe


class Keepers:
    """Makes keepers of such processes, which are ready once they have printed their id."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._logs: list[LogFile] = []

    def __call__(
        self,
        name: str,
        program: str = WELL_BEHAVED,
        *,
        grace_s: float = 60.0,
        on_back: Callable[[], None] = lambda: None,
    ) -> Keeper:
        """One of them."""
        log = LogFile(self.directory / f"{name}.log")
        self._logs.append(log)
        text = PRELUDE.format(directory=str(self.directory)) + textwrap.dedent(program)
        ready = has_file(self.directory / f"{name}.pid")
        part = Part(name=name, command=command(text, name), env={}, ready=ready, grace_s=grace_s)
        return Keeper(part, log=log, on_back=on_back)

    def close(self) -> None:
        """Closes their logs."""
        for log in self._logs:
            log.close()


def pid_of(directory: Path, name: str) -> int:
    """The process id that a child told."""
    return int((directory / f"{name}.pid").read_text())
