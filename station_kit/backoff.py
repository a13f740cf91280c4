"""Waits between attempts to connect: longer each time, and never alike for all stations."""

from random import Random


class Backoff:
    """Seconds between attempts: a random part of a span that doubles from `first_s` to `most_s`."""

    def __init__(self, *, random: Random, first_s: float = 1.0, most_s: float = 30.0) -> None:
        self._random = random
        self._first_s = first_s
        self._most_s = most_s
        self._span_s = first_s

    def next_s(self) -> float:
        """The next pause."""
        pause_s = self._random.uniform(self._span_s / 2, self._span_s)
        self._span_s = min(self._most_s, self._span_s * 2)
        return pause_s

    def reset(self) -> None:
        """A connection has held: the next wait is the first one again."""
        self._span_s = self._first_s
