"""One child process: started, listened to, stopped. Knows nothing of what the process is for."""

import asyncio
import os
import signal
from asyncio.subprocess import PIPE
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

# A line longer than this is cut: no log line of ours is, and what a runaway process writes must not pile up here.
MAX_LINE = 64 * 1024

OnLine = Callable[[bytes], None]


class Child:
    """A running process in a session of its own, so that Ctrl-C in the terminal reaches it only through us.

    Its standard input is a pipe whose other end ends with this process, however that ends: its lifeline.
    """

    def __init__(self, process: asyncio.subprocess.Process, readers: Sequence[asyncio.Task[None]]) -> None:
        self._process = process
        self._readers = readers

    @classmethod
    async def start(
        cls, command: Sequence[str], *, env: Mapping[str, str], on_output: OnLine, on_log: OnLine
    ) -> "Child":
        """Starts a process; lines of its standard output and standard error go to the two functions."""
        process = await asyncio.create_subprocess_exec(
            *command, env=env, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True
        )
        streams = ((process.stdout, on_output), (process.stderr, on_log))
        return cls(process, [asyncio.create_task(_read(stream, on)) for stream, on in streams if stream])

    @property
    def pid(self) -> int:
        """The process id, which is also its group's."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """None while it runs; negative where a signal ended it."""
        return self._process.returncode

    async def wait(self) -> int:
        """Waits until it has ended, and what it wrote has been read; returns its exit status."""
        status = await self._process.wait()
        # A process of its own making may hold the pipes open: not for ever.
        await asyncio.wait(self._readers, timeout=1)
        return status

    async def stop(self, grace_s: float) -> bool:
        """Asks it to stop, kills it after `grace_s` seconds. Returns whether it stopped by itself."""
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), grace_s)
        except TimeoutError:
            return False
        finally:
            self.kill()
            await self.wait()
        return True

    def kill(self) -> None:
        """Ends it, and whatever it started, at once."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


def describe(status: int) -> str:
    """An exit status in words."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"


async def _read(stream: asyncio.StreamReader, on_line: OnLine) -> None:
    rest = b""
    while chunk := await stream.read(MAX_LINE):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            on_line(line)
        rest = rest[:MAX_LINE]
    if rest:
        on_line(rest)
