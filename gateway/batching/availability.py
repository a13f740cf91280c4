"""Whether a service answers, and when a failed batch is sent again. Pure: it is given the time."""

from mesh.runtime.backoff import Backoff

BACKOFF = Backoff(first_s=0.1, most_s=1.0)


class Availability:
    """Counts the failures of a service in a row. Times are seconds by one monotonic clock."""

    __slots__ = ("_failures", "_unavailable_since_s", "is_available")

    def __init__(self) -> None:
        self.is_available = True  # whether the last call succeeded, or there was none
        self._failures = 0
        self._unavailable_since_s = 0.0

    def unavailable_for_s(self, now_s: float) -> float:
        """For how long the service has been unavailable; 0 while it answers."""
        return 0.0 if self.is_available else now_s - self._unavailable_since_s

    def on_success(self) -> None:
        """A call succeeded. Changes nothing where the service is available."""
        self._failures = 0
        self.is_available = True

    def on_failure(self, now_s: float) -> None:
        """A call failed."""
        if self.is_available:
            self.is_available = False
            self._unavailable_since_s = now_s
        self._failures += 1

    def backoff_s(self) -> float:
        """The time until the next attempt."""
        return BACKOFF.after(self._failures)
