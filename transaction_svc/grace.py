"""Grace periods: the time after which a hanging transaction is ended. Pure.

A station that boots, or reports a connector as available, may still have messages about the transaction in its queue.
By OCPP 1.6 section 3.7.1 and 2.0.1 E13.FR.02 to FR.04 it sends a message that fails up to `count` times in all, and
waits `interval_s` times the number of preceding attempts before the next. So the last attempt comes within
`interval_s` x (1 + 2 + ... + (count - 1)), and the time that each attempt itself takes.
"""

from dataclasses import dataclass

import msgspec

from mesh.runtime.times import DAY_US, SECOND_US

# Longest time after which a station treats an attempt without an answer as failed; usually it is 20 s to 30 s.
_ATTEMPT_S = 60
# A year: the bound for settings and stations.
MOST_GRACE_US = 366 * DAY_US


class MessageAttempts(msgspec.Struct, frozen=True, kw_only=True):
    """Number of attempts at a message that fails, and the wait after the first (TransactionMessageAttempts, 1.6)."""

    count: int
    interval_s: int

    @property
    def duration_us(self) -> int:
        """The longest time between the first attempt and the last."""
        waits = self.count * (self.count - 1) // 2
        return (self.interval_s * waits + _ATTEMPT_S * self.count) * SECOND_US


@dataclass(frozen=True, kw_only=True)
class Grace:
    """The grace periods by the settings."""

    default_us: int  # of a station whose attempts are not known
    least_us: int  # of one whose attempts are known: longer than the usual time between two meter values

    def of(self, attempts: MessageAttempts | None) -> int:
        """The grace period of a station, in microseconds."""
        if attempts is None:
            return self.default_us
        return min(max(attempts.duration_us, self.least_us), MOST_GRACE_US)
