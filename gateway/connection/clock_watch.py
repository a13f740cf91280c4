"""Whether a station's clock is right, from the times in its messages (quirk 12). Pure, one per connection."""

from typing import Any

from gateway.ocpp.values import parse_us
from mesh.runtime.clocks import AHEAD_US, EARLIEST_US
from mesh.runtime.times import SECOND_US

# A message may be late because it waited in the station's queue. Two that were read this far apart, and are late by the
# same, did not: the clock is behind.
APART_US = 60 * SECOND_US
SAME_US = 10 * SECOND_US
# A skew that changes by less is reported as it was.
DRIFT_S = 60


class ClockWatch:
    """Judges a station's clock. `skew_s` is the seconds by which it is ahead; 0: it is right; None: not known."""

    def __init__(self) -> None:
        self.skew_s: int | None = None
        self._late: tuple[int, int] | None = None  # by how much a message was late (negative), and when it was read

    def observe(self, time_us: int, receive_us: int) -> bool:
        """Takes the time in a message, and when it was read; true where the station's clock is surely wrong."""
        lead_us = time_us - receive_us
        if (
            time_us < EARLIEST_US
            or lead_us > AHEAD_US
            or (lead_us < -AHEAD_US and self._is_behind(lead_us, receive_us))
        ):
            lead_s = lead_us // SECOND_US
            if not self.skew_s or abs(lead_s - self.skew_s) > DRIFT_S:
                self.skew_s = lead_s
            return True
        if lead_us >= -AHEAD_US:
            self.skew_s, self._late = 0, None
        return False

    def _is_behind(self, lead_us: int, receive_us: int) -> bool:
        if self._late is None or abs(lead_us - self._late[0]) > SAME_US:
            self._late = lead_us, receive_us
            return False
        return receive_us - self._late[1] >= APART_US


def stated_us(payload: dict[str, Any]) -> int | None:
    """The time that a message of a station states; None where it has none that can be read."""
    text = payload.get("timestamp")
    if text is None and (entries := payload.get("meterValue")):
        text = entries[-1]["timestamp"]
    return parse_us(text) if isinstance(text, str) else None
