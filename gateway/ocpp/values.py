"""Values as stations write them, and as the gateway does: times, decimal numbers, text. Pure, and on the hot path."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from mesh.contract.texts import replace_nul
from mesh.runtime.times import SECOND_US

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - in UTC too, where there is no zone to parse
_FIRST_US = -62_135_596_800 * SECOND_US  # the years 1 to 9999, which is also what Timestamp can hold
_LAST_US = 253_402_300_800 * SECOND_US - 1
_SHORTEST = len("20240101T120000")  # shorter texts have no time of day
_LONGEST = 64
_LEAP_SECOND = re.compile(r"(?<=T\d\d:\d\d:)60")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


@lru_cache(maxsize=4)  # messages have the same time in several places, and their clock is watched besides
def parse_us(text: str) -> int | None:
    """A station's timestamp as microseconds since 1970 in UTC, cut below that; None where it is unreadable.

    Takes what RFC 3339 allows and what stations send beside it (quirk 11): no zone (read as UTC), `+02`, `+0200`, a
    space for T, a lower-case t or z, any number of fractional digits or none, a leap second (read as second 59).
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return _parse_odd_us(text)
    if len(text) < _SHORTEST:
        return None
    return _since_epoch_us(moment)


def _parse_odd_us(text: str) -> int | None:
    if not _SHORTEST <= len(text) <= _LONGEST:
        return None
    try:
        return _since_epoch_us(datetime.fromisoformat(_LEAP_SECOND.sub("59", text.strip().upper())))
    except ValueError:
        return None


def _since_epoch_us(moment: datetime) -> int | None:
    since = moment - (_NAIVE_EPOCH if moment.tzinfo is None else _EPOCH)
    us = (since.days * 86_400 + since.seconds) * SECOND_US + since.microseconds
    return us if _FIRST_US <= us <= _LAST_US else None


def format_us(us: int) -> str:
    """Microseconds since 1970 as `YYYY-MM-DDTHH:MM:SS.mmmZ`, cut below that: the form every station reads (quirk 13).

    Raises OverflowError beyond the years 1 to 9999.
    """
    return _format_ms(us // 1000)


@lru_cache(maxsize=4)  # under load several are answered in the same millisecond
def _format_ms(ms: int) -> str:
    second, rest_ms = divmod(ms, 1000)
    return f"{_format_second(second)}.{rest_ms:03d}Z"


@lru_cache(maxsize=4)  # answers of one second share nearly all of their text
def _format_second(second: int) -> str:
    return (_NAIVE_EPOCH + timedelta(seconds=second)).isoformat()


def set_time(stamp: Timestamp, us: int) -> None:
    """Writes microseconds since 1970 into a Timestamp in place: half the price of assigning a new one."""
    stamp.seconds, rest_us = divmod(us, SECOND_US)
    stamp.nanos = rest_us * 1000


def decimal_text(number: float) -> str:
    """A JSON number as plain decimal text, without exponent: 1e-05 is "0.00001", 5.0 is "5.0"."""
    if isinstance(number, int):
        return str(number)
    text = repr(number)
    return format(Decimal(text), "f") if "e" in text else text


def is_number(text: str) -> bool:
    """Whether text is a decimal number: "12", "-1.50", ".5", "1E3"; not "", "NaN", "12,5" or "12 kWh"."""
    if text.isdigit() and text.isascii():  # most meters count in whole watt-hours
        return True
    return _NUMBER.fullmatch(text) is not None


def clean(value: Any) -> Any:
    """A JSON value with U+0000 replaced by U+FFFD in every text at any depth: PostgreSQL cannot store it."""
    if isinstance(value, str):
        return replace_nul(value)
    if isinstance(value, list):
        return [clean(item) for item in value]
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}
    return value


def shorten(text: str, limit: int = 32) -> str:
    """Text cut to `limit` characters, for messages that quote what a station sent."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
