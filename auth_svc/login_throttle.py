"""Login throttling: a few failed attempts per user, and a bounded number over all users."""

from collections import deque

import grpc

from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.times import SECOND_US, Clock

WINDOW_S = 300
# Per username and window, whether there is such a user or not.
MOST_PER_USER = 10
# Over all usernames, against one password tried on many of them. Bounds the memory kept here, too.
MOST_OVERALL = 1000


class LoginThrottle:
    """Remembers failed attempts for five minutes, in this process: each replica counts for itself."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._failures: deque[tuple[int, str]] = deque()

    def begin(self, username_key: str) -> None:
        """Counts an attempt as failed before it is made, so that many at once do not slip through together.

        Raises MeshError RESOURCE_EXHAUSTED, reason TOO_MANY_ATTEMPTS; the attempt must not be made then.
        """
        now_us = self._clock()
        while self._failures and self._failures[0][0] <= now_us - WINDOW_S * SECOND_US:
            self._failures.popleft()
        own = [at_us for at_us, key in self._failures if key == username_key]
        if len(own) >= MOST_PER_USER:
            raise _too_many(own[0], now_us)
        if len(self._failures) >= MOST_OVERALL:
            raise _too_many(self._failures[0][0], now_us)
        self._failures.append((now_us, username_key))

    def succeeded(self, username_key: str) -> None:
        """Forgets the attempts on a user whose password was right."""
        self._failures = deque(failure for failure in self._failures if failure[1] != username_key)


def _too_many(oldest_us: int, now_us: int) -> MeshError:
    wait_s = WINDOW_S - (now_us - oldest_us) // SECOND_US
    return MeshError(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        Reason.TOO_MANY_ATTEMPTS,
        f"too many failed attempts: try again in {wait_s} seconds",
        {"retry_after_s": str(wait_s)},
    )
