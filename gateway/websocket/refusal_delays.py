"""Delays the refusal of a wrong credential: a caller that tries many is refused more and more slowly.

Per station and address, since thousands of stations share one address, and a stranger must not hold up the station
whose name it uses. Only refusals wait: a right credential is checked, and comes in, as fast as ever. What is
remembered, and how many wait, is bounded; a refusal beyond that is sent at once.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable

from mesh.identity.sources import network_of
from mesh.runtime.backoff import NO_JITTER, Backoff

MOST_DELAY_S = 8.0
# From the second wrong credential on: the first may be a slip.
DELAY = Backoff(first_s=0.25, most_s=MOST_DELAY_S, jitter=NO_JITTER)
FORGET_S = 600.0
MOST_REMEMBERED = 20_000
MOST_WAITING = 1_000
MOST_WAITING_EACH = 32

StationKey = tuple[str, str]
"""Tenant, station."""

Key = tuple[StationKey, str]
"""Station, address."""


class RefusalDelays:
    """Remembers failures for ten minutes, in this process. `delay` waits; `release` ends all waiting, for good."""

    def __init__(
        self, *, clock_s: Callable[[], float], count: Callable[[str, str], None], most_remembered: int = MOST_REMEMBERED
    ) -> None:
        self._clock_s = clock_s
        self._count = count
        self._most_remembered = most_remembered
        self._failures: OrderedDict[Key, tuple[int, float]] = OrderedDict()  # how many, and when the last was
        self._waiting: Counter[Key] = Counter()
        self._released = asyncio.Event()

    async def delay(self, station: StationKey, address: str) -> None:
        """Waits before a wrong credential is refused, as long as the failures before it ask for."""
        key = (station, network_of(address))
        delay_s = self.note(key)
        if not delay_s or self._released.is_set():
            return
        if self._waiting.total() >= MOST_WAITING or self._waiting[key] >= MOST_WAITING_EACH:
            self._count("credential_refusal", "at_once")
            return
        self._count("credential_refusal", "delayed")
        self._waiting[key] += 1
        try:
            async with asyncio.timeout(delay_s):
                await self._released.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._waiting[key]

    def note(self, key: Key) -> float:
        """Counts a failure; for how many seconds its refusal waits."""
        now_s = self._clock_s()
        count, last_s = self._failures.pop(key, (0, now_s))
        count = 1 if now_s - last_s > FORGET_S else count + 1
        self._failures[key] = (count, now_s)
        if len(self._failures) > self._most_remembered:
            self._failures.popitem(last=False)
        return 0.0 if count == 1 else DELAY.after(count - 1)

    def succeeded(self, station: StationKey, address: str) -> None:
        """A right credential came: what failed before, from there, was a slip."""
        if self._failures:
            self._failures.pop((station, network_of(address)), None)

    def release(self) -> None:
        """Ends all waiting: this gateway stops."""
        self._released.set()
