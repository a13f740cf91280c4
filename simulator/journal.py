"""A station's own log: the latest of what it did, of which the central system may ask for a file."""

from collections import deque
from collections.abc import Iterator
from datetime import datetime

from station_kit.times import format_time

MOST_LINES = 2_000


class Journal:
    """The latest lines, each with its moment; security events are marked, for they have a log of their own."""

    def __init__(self, *, most: int = MOST_LINES) -> None:
        self._lines: deque[tuple[datetime, str, bool]] = deque(maxlen=most)

    def note(self, moment: datetime, text: str, *, security: bool = False) -> None:
        """Adds a line."""
        self._lines.append((moment, text, security))

    def text(
        self, *, oldest: datetime | None = None, latest: datetime | None = None, security_only: bool = False
    ) -> str:
        """The lines from `oldest` to `latest`, one each."""
        return "".join(self._chosen(oldest, latest, security_only=security_only))

    def _chosen(self, oldest: datetime | None, latest: datetime | None, *, security_only: bool) -> Iterator[str]:
        for moment, text, security in self._lines:
            early = oldest is not None and moment < oldest
            late = latest is not None and moment > latest
            if not early and not late and (security or not security_only):
                yield f"{format_time(moment)} {text}\n"
