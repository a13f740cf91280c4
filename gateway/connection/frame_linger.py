"""Frames of a busy fleet wait a moment, so that they are handled together: each for itself costs several times as much.

See docs/DESIGN.md, "Batches". A message that is handled alone finds cold caches, and leaves in a batch of its own. Only
a CALL waits, and only the first one of a station that was quiet before: a station that sends one CALL after the other
(an offline queue, a session's begin) would pay for each, and an answer is waited for by an operator.
"""

import math
from asyncio import TimerHandle
from collections.abc import Callable
from typing import Protocol

# The longest that a frame waits.
LINGER_S = 0.025
# Frames wait while at least this many others are expected to come meanwhile, from whatever stations.
COMPANIONS = 1.0
# So many are handled in one turn of the event loop, some 5 ms of CPU: then the wait ends early.
MAX_WAITING = 64
# In the estimate of how often frames come, the weight of one falls to 1/e in this time.
MEMORY_US = 500_000
_ENOUGH = COMPANIONS / LINGER_S * MEMORY_US / 1_000_000

Take = Callable[[bytes, int, int], None]
"""Takes a frame: its bytes, its ordinal, the time it came in microseconds. Must not raise."""


class CallLater(Protocol):
    """The event loop's `call_later`."""

    def __call__(self, delay_s: float, callback: Callable[[], None], /) -> TimerHandle:
        """Has `callback` called once, after a while."""


class FrameLinger:
    """Holds back frames of all stations of a gateway while they come often. Use from one event loop."""

    def __init__(self, call_later: CallLater) -> None:
        self._call_later = call_later
        self._waiting: list[tuple[Take, bytes, int, int]] = []
        self._timer: TimerHandle | None = None
        self._weight = 0.0
        self._noted_us = 0

    def should_wait(self, now_us: int) -> bool:
        """Takes note of a frame that may wait, and says whether it should."""
        elapsed_us = now_us - self._noted_us
        self._noted_us = now_us
        if elapsed_us > 0:
            self._weight *= math.exp(-elapsed_us / MEMORY_US)
        self._weight += 1.0
        return self._weight > _ENOUGH

    def add(self, take: Take, data: bytes, ordinal: int, now_us: int) -> None:
        """Holds a frame back; `take` is called with it at the latest after LINGER_S."""
        self._waiting.append((take, data, ordinal, now_us))
        if len(self._waiting) >= MAX_WAITING:
            self.flush()
        elif self._timer is None:
            self._timer = self._call_later(LINGER_S, self.flush)

    def flush(self) -> None:
        """Hands over all that waits, in the order it came."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, []
        for take, data, ordinal, now_us in waiting:
            take(data, ordinal, now_us)
