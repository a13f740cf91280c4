"""Hours, days and months of a time zone, as ranges of quarter hours. Pure.

Clocks of all zones have differed from UTC by whole quarter hours for longer than stations exist, so that each hour
consists of whole ones. Where a clock is set back or forward, days have 23, 25 or other numbers of hours; an hour that
comes twice is two hours, and one that a clock is set in the midst of is as long as it lasts.
"""

from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from transaction_svc.rollup_form import QUARTER_US

_QUARTER = timedelta(microseconds=QUARTER_US)
_HOUR_QUARTERS = 4
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Granularity(IntEnum):
    """Length of a period, numbered as csms.transaction.v1.RollupGranularity."""

    HOUR = 1
    DAY = 2
    MONTH = 3


class Period(NamedTuple):
    """The quarter hours from `first` to before `end`."""

    first: int
    end: int


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    """The zones that are known. Not "localtime", which is this machine's own."""
    return frozenset(available_timezones() - {"localtime"})


def find_zone(name: str) -> ZoneInfo | None:
    """A zone of the IANA time zone database; None for a name that it does not have."""
    return ZoneInfo(name) if name in _names() else None


class Periods:
    """The periods of a zone, of one length."""

    def __init__(self, zone: ZoneInfo, granularity: Granularity) -> None:
        self._zone = zone
        self._find = _FINDERS[granularity]
        self._last = Period(0, 0)

    def period_of(self, quarter: int) -> Period:
        """The period that a quarter hour is in."""
        if not self._last.first <= quarter < self._last.end:
            self._last = self._find(self._zone, quarter)
        return self._last


def _local(zone: ZoneInfo, quarter: int) -> datetime:
    return (_EPOCH + quarter * _QUARTER).astimezone(zone)


def _quarter(local: datetime) -> int:
    return (local - _EPOCH) // _QUARTER


def _hour(zone: ZoneInfo, quarter: int) -> Period:
    """The quarter hours around one that are in the same hour by the same offset from UTC."""
    local = _local(zone, quarter)

    def is_same(other: int) -> bool:
        found = _local(zone, other)
        return (found.date(), found.hour, found.utcoffset()) == (local.date(), local.hour, local.utcoffset())

    first, end = quarter, quarter + 1
    while is_same(first - 1):
        first -= 1
    while is_same(end):
        end += 1
    return Period(first, end)


def _day(zone: ZoneInfo, quarter: int) -> Period:
    date = _local(zone, quarter).date()
    return _from_to(datetime(date.year, date.month, date.day, tzinfo=zone), timedelta(days=1))


def _month(zone: ZoneInfo, quarter: int) -> Period:
    date = _local(zone, quarter).date()
    return _from_to(
        datetime(date.year, date.month, 1, tzinfo=zone), timedelta(days=monthrange(date.year, date.month)[1])
    )


def _from_to(midnight: datetime, length: timedelta) -> Period:
    """From one local midnight to another. One that a clock leaps over is the moment of the leap."""
    return Period(_quarter(midnight), _quarter(midnight + length))


_FINDERS: Mapping[Granularity, Callable[[ZoneInfo, int], Period]] = {
    Granularity.HOUR: _hour,
    Granularity.DAY: _day,
    Granularity.MONTH: _month,
}
