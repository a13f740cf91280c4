"""Login throttling: limits in front of the slow hash that delay attempts and lock no account.

Counted are failures; an attempt counts as one before it is made, so that many at once do not slip through together,
and a right password takes that back. In this order:

1. by source and username: each failure beyond a few doubles the wait for the next attempt;
2. by source, by username and over all, only where the user has not logged in from that source before: an attack with
   other names, or from elsewhere, never delays those who have.

It is the same whether there is such a user or not. Each replica counts for itself (docs/adr/0025).
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mesh.runtime.backoff import NO_JITTER, Backoff
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.rate_limits import Rate, RateLimit, exhausted
from mesh.runtime.times import SECOND_US, Clock

# Attempts on one user from one source that do not wait for each other.
FREE = 10
MOST_DELAY_S = 60.0
DELAY = Backoff(first_s=1.0, most_s=MOST_DELAY_S, jitter=NO_JITTER)
FORGET_S = 3600.0
PER_SOURCE = Rate(burst=30, per_s=0.1)
PER_USER = Rate(burst=20, per_s=0.2)
# At a fifth of a second of argon2id each, less than half a core.
OVERALL = Rate(burst=60, per_s=2.0)
MOST_REMEMBERED = 20_000


@dataclass(slots=True)
class _Failures:
    """The failures of one source and username."""

    count: int = 0
    last_s: float = 0.0
    not_before_s: float = 0.0


class LoginThrottle:
    """Decides whether a password is verified at all. What is remembered is bounded; the least recent is forgotten."""

    def __init__(self, *, clock: Clock, most_remembered: int = MOST_REMEMBERED) -> None:
        self._clock = clock
        self._most_remembered = most_remembered
        self._failures: OrderedDict[tuple[str, str], _Failures] = OrderedDict()
        self._sources = RateLimit(PER_SOURCE, clock_s=self._now_s, most_keys=most_remembered)
        self._users = RateLimit(PER_USER, clock_s=self._now_s, most_keys=most_remembered)
        self._overall = RateLimit(OVERALL, clock_s=self._now_s, most_keys=1)

    def begin(self, network: str, username_key: str) -> "Attempt":
        """Counts an attempt from a network as failed. Raises MeshError TOO_MANY_ATTEMPTS; it must not be made then."""
        pair, now_s = (network, username_key), self._now_s()
        failures = self._failures.get(pair)
        if failures is None or now_s - failures.last_s > FORGET_S:
            failures = self._failures[pair] = _Failures()
            if len(self._failures) > self._most_remembered:
                self._failures.popitem(last=False)
        self._failures.move_to_end(pair)
        # A clock that is set back makes no wait longer.
        if 0.0 < (wait_s := failures.not_before_s - now_s) <= MOST_DELAY_S:
            raise _too_many(wait_s)
        failures.count += 1
        failures.last_s = now_s
        if failures.count >= FREE:
            failures.not_before_s = now_s + DELAY.after(failures.count - FREE + 1)
        limits = ((self._sources, network), (self._users, username_key), (self._overall, ""))
        return Attempt(failures, limits, forget=lambda: self._failures.pop(pair, None))

    def __len__(self) -> int:
        """The most entries that one of its tables has."""
        return max(len(self._failures), len(self._sources), len(self._users))

    def _now_s(self) -> float:
        return self._clock() / SECOND_US


class Attempt:
    """An attempt that has begun. It stays counted as a failure unless it ends in one of the ways below."""

    def __init__(
        self, failures: _Failures, limits: Sequence[tuple[RateLimit, str]], *, forget: Callable[[], object]
    ) -> None:
        self._failures = failures
        self._limits = limits
        self._forget = forget
        self._taken: list[tuple[RateLimit, str]] = []

    def admit(self, *, is_known: bool) -> None:
        """Whether the user has logged in from there before. Raises MeshError TOO_MANY_ATTEMPTS, and takes it back."""
        for limit, key in () if is_known else self._limits:
            if wait_s := limit.take(key):
                self.give_back()
                raise _too_many(wait_s)
            self._taken.append((limit, key))

    def give_back(self) -> None:
        """The password was not verified."""
        for limit, key in self._taken:
            limit.give_back(key)
        self._taken.clear()
        self._failures.count -= 1
        if self._failures.count < FREE:
            self._failures.not_before_s = 0.0
        if not self._failures.count:
            self._forget()

    def succeeded(self) -> None:
        """The password was right: what failed before, from there, was a slip."""
        self._failures.count = 1  # this one
        self.give_back()


def _too_many(wait_s: float) -> MeshError:
    return exhausted(Reason.TOO_MANY_ATTEMPTS, "too many attempts", wait_s)
