"""The two clocks of a simulated station: its life may run faster than ours, its messages carry the real time."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class StationClock:
    """Milliseconds of the station's life since it was switched on, `speed` times as fast as real ones.

    Drivers, vehicles and meter samples live by it. What is agreed with the central system (heartbeats, retries,
    time-outs) goes by real time, and so do the timestamps: a record of the future would help nobody.
    """

    def __init__(
        self,
        *,
        speed: float,
        monotonic_s: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._speed = speed
        self._monotonic_s = monotonic_s
        self._start_s = monotonic_s()
        self._start = now()

    @property
    def speed(self) -> float:
        """How many times as fast it goes."""
        return self._speed

    def life_ms(self) -> int:
        """The present, in the station's life."""
        return int((self._monotonic_s() - self._start_s) * 1000 * self._speed)

    def to_real(self, life_ms: int) -> datetime:
        """When that moment of its life was, or will be, by real time."""
        return self._start + timedelta(milliseconds=life_ms / self._speed)

    def real_seconds(self, life_s: float) -> float:
        """How long `life_s` seconds of its life take."""
        return life_s / self._speed
