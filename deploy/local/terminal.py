"""The terminal of the local run: plain lines, of which none could stop the run; and whether it is still there."""

import asyncio
import os
import select
import sys
from contextlib import suppress

LOOK_S = 1.0


def say(line: str) -> None:
    """Prints a line. A closed terminal, or a pipe without a reader, is no reason to fail."""
    with suppress(OSError, ValueError):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


class Terminal:
    """The terminal that a file descriptor belongs to, if it is this process's own and it runs in its foreground.

    A closed terminal signals only the leader of its session (SIGHUP), and that process may pass nothing on:
    `make`, where a window was opened with `make run` as its command. So one has to look.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._in_front = False
        self.is_gone()

    def is_gone(self) -> bool:
        """Whether it was closed since the last check. A process in the background by then is meant to continue."""
        poll = select.poll()
        poll.register(self._descriptor, 0)
        if any(events & select.POLLHUP for _, events in poll.poll(0)):
            return self._in_front
        try:
            self._in_front = os.tcgetpgrp(self._descriptor) == os.getpgrp()
        except OSError:  # no terminal, or that of another session: nothing ends with it
            self._in_front = False
        return False


async def until_gone(terminal: Terminal, look_s: float = LOOK_S) -> None:
    """Waits until the terminal is closed."""
    while not terminal.is_gone():  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(look_s)
