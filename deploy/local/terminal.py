"""What the person in front of the local run sees: plain lines, and nothing that could stop the run."""

import sys
from contextlib import suppress


def say(line: str) -> None:
    """Prints a line. A terminal that is gone, or a pipe that nobody reads any more, is no reason to fail."""
    with suppress(OSError, ValueError):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
