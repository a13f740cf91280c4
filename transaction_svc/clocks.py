"""Plausibility of a station's clock (quirk 12). Pure."""

from google.protobuf.message import Message

from mesh.runtime.clocks import AHEAD_US, EARLIEST_US
from mesh.runtime.times import DAY_US, SECOND_US

# The years 1 to 9999, protobuf's own bounds, in seconds.
_FIRST_S, _LAST_S = -62_135_596_800, 253_402_300_799

# Local time labelled as UTC is wrong by 14 hours at most.
LATEST_AHEAD_US = DAY_US


def is_plausible(time_us: int, receive_us: int) -> bool:
    """Whether a station's time may be right, so that events can be ordered and identified by it."""
    return EARLIEST_US <= time_us <= receive_us + LATEST_AHEAD_US


def is_skewed(time_us: int, receive_us: int) -> bool:
    """Whether a station's time is surely wrong."""
    return not EARLIEST_US <= time_us <= receive_us + AHEAD_US


def read_time(message: Message, field: str) -> int | None:
    """Microseconds of a message's Timestamp, or None where there is none, or it is no time."""
    stamp = getattr(message, field)
    seconds: int = stamp.seconds
    # Last, since it costs as much as reading the time, and few messages get here.
    if not seconds and not message.HasField(field):
        return None
    return seconds * SECOND_US + stamp.nanos // 1_000 if _FIRST_S <= seconds <= _LAST_S else None
