"""Runs a command that must not outlive its supervisor, and has no means of its own: Envoy.

`python tether.py COMMAND...`, run as a file so that it starts fast. On Linux the kernel ends the command with its
parent, and this process becomes the command. Elsewhere, or with `--watch` first, this process stays beside it and ends
it when standard input does: the other end of that pipe is the parent's.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1
GRACE_S = 3.0


def main(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit status where it did not replace this process."""
    if arguments[0] == "--watch":
        return watch(arguments[1:])
    if sys.platform == "linux":
        become(arguments)
    return watch(arguments)


def become(command: Sequence[str]) -> None:
    """Becomes the command, to be killed when the parent ends. Returns where the kernel does not offer that."""
    import ctypes  # noqa: PLC0415 - not needed elsewhere

    parent = os.getppid()
    if ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        return
    if os.getppid() != parent:  # it ended before the request was made
        sys.exit(1)
    os.execv(command[0], list(command))  # noqa: S606 - the supervisor's own command


def watch(command: Sequence[str]) -> int:
    """Runs the command beside this process, and ends it when standard input ends."""
    signals: list[int] = []
    children: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, _frame: object) -> None:
        signals.append(number)
        for child in children:
            child.terminate()

    # Before there is a child: one that came while it starts would end this process, and leave the child behind.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, pass_on)
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - the supervisor's own command
    children.append(child)
    if signals:
        child.terminate()
    threading.Thread(target=_end_with_input, args=(child,), daemon=True).start()
    status = child.wait()
    return status if status >= 0 else 128 - status


def _end_with_input(child: "subprocess.Popen[bytes]") -> None:
    while os.read(0, 1024):
        pass
    child.terminate()
    try:
        child.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        child.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
