"""How long a transaction hangs before it is ended. Pure.

A station that boots, or says that a connector is available, may still have messages about the transaction there. By
OCPP 1.6 section 3.7.1 and 2.0.1 E13.FR.02 to FR.04 it sends one that fails up to `count` times in all, and waits
`interval_s` times the number of preceding attempts before the next. So the last attempt comes within
`interval_s` x (1 + 2 + ... + (count - 1)), and the time that each attempt itself takes.
"""

from dataclasses import dataclass

import msgspec

from mesh.times import SECOND_US

# For how long an attempt may be without an answer before the station takes it for failed; usually 20 s to 30 s.
_ATTEMPT_S = 60
# No setting and no station makes it longer: a year.
MOST_GRACE_US = 366 * 86_400 * SECOND_US


class MessageAttempts(msgspec.Struct, frozen=True, kw_only=True):
    """How often a station sends a message that fails, and how long it waits after the first attempt."""

    count: int
    interval_s: int

    @property
    def duration_us(self) -> int:
        """How long after its first attempt a message can still come."""
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
