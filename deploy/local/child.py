"""One child process: started, listened to, stopped. Knows nothing of what the process is for."""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

# A line longer than this is cut: no log line of the mesh is, and output of a runaway process must not pile up here.
MAX_LINE = 64 * 1024
DRAIN_S = 1.0

OnLine = Callable[[bytes], None]


class Child:
    """A running process in a session of its own, so that Ctrl-C in the terminal reaches it only through this process.

    Its standard input is a pipe whose other end closes when this process ends in any way: its lifeline.
    """

    def __init__(
        self, process: asyncio.subprocess.Process, lifeline: int, readers: Sequence[asyncio.Task[None]]
    ) -> None:
        self._process = process
        self._lifeline = lifeline
        self._readers = readers

    @classmethod
    async def start(
        cls, command: Sequence[str], *, env: Mapping[str, str], on_output: OnLine, on_log: OnLine
    ) -> "Child":
        """Starts a process; lines of its standard output and standard error go to the two functions."""
        # Pipes made here: with asyncio's, a process has not ended for as long as one that it started holds them.
        lifeline_end, lifeline = os.pipe()
        output, output_end = os.pipe()
        log, log_end = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *command, env=env, stdin=lifeline_end, stdout=output_end, stderr=log_end, start_new_session=True
            )
        except OSError:
            for end in (lifeline, output, log):
                os.close(end)
            raise
        finally:
            for end in (lifeline_end, output_end, log_end):
                os.close(end)
        readers = [asyncio.create_task(_read(end, take)) for end, take in ((output, on_output), (log, on_log))]
        return cls(process, lifeline, readers)

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
        # Its own children may hold its pipes open: not for ever.
        await asyncio.wait(self._readers, timeout=DRAIN_S)
        return status

    async def close(self) -> None:
        """Lets go of its pipes, once it has ended."""
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1

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
            await self.close()
        return True

    def kill(self) -> None:
        """Ends it, and all processes that it started, at once."""
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


async def _read(end: int, on_line: OnLine) -> None:
    reader = asyncio.StreamReader()
    with open(end, "rb", buffering=0) as pipe:  # noqa: ASYNC230 - it is open already
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), pipe
        )
        try:
            rest = b""
            while chunk := await reader.read(MAX_LINE):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    on_line(line)
                rest = rest[:MAX_LINE]
            if rest:
                on_line(rest)
        finally:
            transport.close()
