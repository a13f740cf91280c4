"""Limits of the events that are kept of one station, so that no storm of one fills the database. Pure.

Readings and alerts have limits of their own: readings never displace an alarm. An event that closes an open alarm is
always taken.
"""

from dataclasses import dataclass, replace

from mesh.runtime.times import SECOND_US

WINDOW_US = 60 * SECOND_US
MOST_READINGS = 120
"""Most events with the trigger Delta or Periodic of a station in a window."""
MOST_ALERTS = 60
"""Most events with the trigger Alerting of a station in a window."""
MOST_BYTES = 64 * 1024
"""Most bytes of the events of one frame, as they are stored."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The events of a station in the window that began at `window_us`, taken and dropped."""

    tenant_id: str
    station_id: str
    window_us: int
    readings: int = 0
    alerts: int = 0
    dropped: int = 0

    def at(self, now_us: int) -> "Budget":
        """Itself, or that of a new window where this one is over."""
        if 0 <= now_us - self.window_us < WINDOW_US:
            return self
        return Budget(tenant_id=self.tenant_id, station_id=self.station_id, window_us=now_us)

    def with_event(self, *, is_alert: bool) -> "tuple[Budget, bool]":
        """Itself after one more event, and whether the event is taken."""
        if is_alert and self.alerts < MOST_ALERTS:
            return replace(self, alerts=self.alerts + 1), True
        if not is_alert and self.readings < MOST_READINGS:
            return replace(self, readings=self.readings + 1), True
        return replace(self, dropped=self.dropped + 1), False
