"""Which lines of the parts' logs a person sees at the terminal: errors, briefly, and not too many."""

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


def last_words(line: bytes) -> str:
    """What the last line of a log says, for a person: the event of a JSON line, another line as it is."""
    entry = _parse(line)
    text = line.decode(errors="replace").strip() if entry is None else _brief(entry)
    return text[:LONGEST]


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _brief(entry: dict[str, Any]) -> str:
    detail = entry.get("error") or str(entry.get("exception") or "").strip().rpartition("\n")[2]
    event = str(entry.get("event", ""))
    return f"{event}: {detail}" if detail else event
