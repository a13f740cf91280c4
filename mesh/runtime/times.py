"""Time as the mesh keeps it: microseconds since 1970 in UTC, as an int, in every table and between functions."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

SECOND_US = 1_000_000
DAY_US = 24 * 3600 * SECOND_US
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now_us() -> int:
    """The present. Code that decides by time uses a `Clock` instead, so that tests can stop it."""
    return time.time_ns() // 1000


Clock = Callable[[], int]
"""Returns the present in microseconds since 1970 in UTC."""


def to_timestamp(us: int) -> Timestamp:
    """Microseconds as protobuf's Timestamp."""
    return Timestamp(seconds=us // SECOND_US, nanos=us % SECOND_US * 1000)


def from_timestamp(stamp: Timestamp) -> int:
    """Protobuf's Timestamp as microseconds, cut below that."""
    return stamp.seconds * SECOND_US + stamp.nanos // 1000


def to_datetime(us: int) -> datetime:
    """Microseconds as an aware datetime in UTC. Raises OverflowError beyond the years 1 to 9999."""
    return _EPOCH + timedelta(microseconds=us)


def from_datetime(moment: datetime) -> int:
    """An aware datetime as microseconds."""
    return (moment - _EPOCH) // timedelta(microseconds=1)
