"""Signs of life of one station, and whether it reads what it is sent. Pure; the keepalive monitor judges them."""

from mesh.runtime.times import SECOND_US

# A frame that comes this long after a ping that had no pong shows that the station answers none.
PONG_WITHIN_US = 10 * SECOND_US


class Liveness:
    """The times of one connection, by the clock; `blocked_since_s` is by the loop's clock."""

    __slots__ = (
        *("_awaits_pong", "_is_mute", "blocked_since_s", "last_alive_us", "last_seen_us", "pinged_us"),
        *("look_us", "reported_us"),
    )

    def __init__(self, now_us: int) -> None:
        self.last_seen_us = self.last_alive_us = self.pinged_us = now_us  # a frame; any sign of life; the last ping
        self.blocked_since_s: float | None = None  # since when it does not read, None while it does
        self._awaits_pong = self._is_mute = False
        # Of thousands of sessions few have changed since the monitor's last sweep; only these are looked at.
        self.look_us = 0  # from when on the monitor looks at it; 0: at its next sweep
        self.reported_us = 0  # the last frame whose time was reported to station_svc

    def look_again(self) -> None:
        """Has the monitor look at the session at its next sweep: something may have changed."""
        self.look_us = 0

    def on_frame(self, now_us: int) -> None:
        """The station sent a frame."""
        self.last_seen_us = self.last_alive_us = now_us
        self.look_us = 0

    def on_ping(self, now_us: int) -> None:
        """The station is sent a ping."""
        self.pinged_us = now_us
        self._awaits_pong = True

    def on_pong(self, now_us: int) -> None:
        """The station answered a ping."""
        self.last_alive_us = now_us
        self._awaits_pong = False

    def on_blocked(self, now_s: float) -> None:
        """The station does not read what it is sent."""
        if self.blocked_since_s is None:
            self.blocked_since_s = now_s
            self.look_us = 0

    def on_unblocked(self) -> None:
        """The station reads again."""
        self.blocked_since_s = None

    def became_mute(self) -> bool:
        """Whether the station sends frames but answers no ping (quirk 4); true once a connection."""
        if self._awaits_pong and not self._is_mute and self.last_seen_us - self.pinged_us > PONG_WITHIN_US:
            self._is_mute = True
            return True
        return False
