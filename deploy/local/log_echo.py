"""Selection of the lines of the parts' logs for the terminal: errors, briefly, and not too many."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deploy.local.terminal import say

# One line of a part in this time; the log has all of them.
QUIET_S = 10.0
LONGEST = 200


class LogEcho:
    """Shows the errors that one part logs."""

    def __init__(self, name: str, path: Path, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self.silenced = False
        self._name = name
        self._path = path
        self._clock_s = clock_s
        self._quiet_until_s = float("-inf")

    def take(self, line: bytes) -> None:
        """Shows the line if it is an error and none was shown lately."""
        if self.silenced or (b'"error"' not in line and b'"critical"' not in line):
            return
        entry = _parse(line)
        if entry is None or entry.get("level") not in {"error", "critical"} or self._clock_s() < self._quiet_until_s:
            return
        self._quiet_until_s = self._clock_s() + QUIET_S
        say(f"{self._name} reports: {_brief(entry)} (see {self._path})")


class LastWords:
    """The last words of a part: the event of a JSON line, the exception of a traceback, another line as it is."""

    def __init__(self) -> None:
        self._text = ""
        self._in_frames = False
        self._raised = False

    @property
    def text(self) -> str:
        """One line; empty where there is nothing to show."""
        return self._text[:LONGEST]

    def take(self, line: bytes) -> None:
        """Takes one line."""
        entry = _parse(line)
        text = line.decode(errors="replace").rstrip() if entry is None else _brief(entry)
        if entry is not None:
            self._text, self._in_frames, self._raised = text, False, False
        elif text.startswith("Traceback "):
            self._in_frames, self._raised = True, False
        elif text.strip() and not self._raised and not (self._in_frames and text.startswith(" ")):
            # The first line at the margin names the exception. Further lines of its text, and advice, follow.
            self._text, self._raised, self._in_frames = text.strip(), self._in_frames, False


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _raised(traceback: str) -> str:
    words = LastWords()
    for line in traceback.splitlines():
        words.take(line.encode())
    return words.text


def _brief(entry: dict[str, Any]) -> str:
    detail = entry.get("error") or _raised(str(entry.get("exception") or ""))
    event = str(entry.get("event", ""))
    return f"{event}: {detail}" if detail else event
