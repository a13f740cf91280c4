"""Rate limits by key: a token bucket each, in one number, with a bound on how many are remembered.

A bucket is kept as the time at which it is full again (GCRA, ITU-T I.371): a key that used nothing lately needs no
entry. The least recently used one is forgotten where there are too many.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import grpc

from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError

MOST_KEYS = 20_000
# A float of seconds since 1970 is no more precise than this.
_ROUNDING_S = 1e-6


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A rate: `burst` at once, then `per_s` each second. `per_s` 0: no limit."""

    burst: int
    per_s: float


class RateLimit:
    """A token bucket for each key, in this process. No key waits for longer because its clock is set back."""

    def __init__(self, rate: Rate, *, clock_s: Callable[[], float], most_keys: int = MOST_KEYS) -> None:
        self._clock_s = clock_s
        self._most_keys = most_keys
        self._interval_s = 1 / rate.per_s if rate.per_s else 0.0
        self._capacity_s = rate.burst * self._interval_s
        self._full_s: OrderedDict[Hashable, float] = OrderedDict()  # when the bucket of a key is full again

    def __len__(self) -> int:
        return len(self._full_s)

    def take(self, key: Hashable) -> float:
        """Takes one token. Returns 0.0, or, with nothing taken, the seconds until there is one."""
        interval_s = self._interval_s
        if not interval_s:
            return 0.0
        now_s, full = self._clock_s(), self._full_s
        full_s = full.get(key)
        if full_s is None:
            if len(full) >= self._most_keys:
                full.popitem(last=False)
            full[key] = now_s + interval_s
            return 0.0
        full.move_to_end(key)
        # Emptier than empty: the clock was set back, and nothing is known.
        full_s = now_s if full_s > now_s + self._capacity_s + _ROUNDING_S else max(full_s, now_s)
        wait_s = full_s + interval_s - now_s - self._capacity_s
        if wait_s > _ROUNDING_S:
            full[key] = full_s
            return wait_s
        full[key] = full_s + interval_s
        return 0.0

    def give_back(self, key: Hashable) -> None:
        """Returns a token that was taken for nothing."""
        full_s = self._full_s.get(key)
        if full_s is None:
            return
        full_s -= self._interval_s
        if full_s <= self._clock_s():
            del self._full_s[key]
        else:
            self._full_s[key] = full_s


def exhausted(reason: Reason, message: str, wait_s: float) -> MeshError:
    """RESOURCE_EXHAUSTED: `message` and when to try again; programs find whole seconds in `retry_after_s`."""
    seconds = max(1, math.ceil(wait_s))
    return MeshError(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        reason,
        f"{message}: try again in {seconds} second{'' if seconds == 1 else 's'}",
        {"retry_after_s": str(seconds)},
    )
