"""Checks of commands that no schema makes, for every version: numbers that can be stored, texts that fit."""

import math
import re
from decimal import Decimal

from google.protobuf.timestamp_pb2 import Timestamp

from gateway.ocpp.translation import UnacceptableError
from gateway.ocpp.values import format_us
from mesh.runtime.times import from_timestamp

# Compared explicitly: Python checks whether a float is in a range by counting.
_MOST_32 = 2**31 - 1
_MOST_64 = 2**63 - 1


def check_int32(value: int, field: str) -> int:
    """The number itself; UnacceptableError where it does not fit into 32 bits, which the schemas do not require.

    For the JSON Schema of 2.x 1.0 is a whole number too; it is returned as 1.
    """
    if not -_MOST_32 - 1 <= value <= _MOST_32:
        raise UnacceptableError("PropertyConstraintViolation", field, "is not a whole number of 32 bits")
    return int(value)


def check_int64(value: int, field: str) -> int:
    """The number itself, 1.0 as 1; UnacceptableError where it is none of 64 bits."""
    if not -_MOST_64 - 1 <= value <= _MOST_64:
        raise UnacceptableError("PropertyConstraintViolation", field, "is not a whole number of 64 bits")
    return int(value)


def check_not_negative(value: int, field: str) -> int:
    """The number itself; UnacceptableError where it is below 0."""
    if value < 0:
        raise UnacceptableError("PropertyConstraintViolation", field, "must not be below 0")
    return value


# What operators give

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")


def check_given(text: str, field: str) -> str:
    """The text itself; UnacceptableError where it is empty."""
    if not text:
        raise UnacceptableError("OccurenceConstraintViolation", field, "is required")
    return text


def check_length(text: str, limit: int, field: str) -> str:
    """The text itself; UnacceptableError where it is longer than the station's OCPP version allows."""
    if len(text) > limit:
        raise UnacceptableError(
            "PropertyConstraintViolation", field, f"has {len(text)} characters, and the station's OCPP allows {limit}"
        )
    return text


def check_time(stamp: Timestamp, field: str) -> str:
    """The moment as stations read it; UnacceptableError beyond the years 1 to 9999."""
    try:
        return format_us(from_timestamp(stamp))
    except OverflowError as error:
        raise UnacceptableError("PropertyConstraintViolation", field, "is no time of the years 1 to 9999") from error


def check_decimal(value: float, places: int, field: str) -> int | float:
    """A number from 0 with at most so many decimals, without those where it is whole; UnacceptableError otherwise.

    It is read as the shortest decimal number that a double of its value is written as: 16.1 has one decimal.
    """
    if not math.isfinite(value) or value < 0:
        raise UnacceptableError("PropertyConstraintViolation", field, "must be a number from 0")
    exponent = Decimal(repr(value)).normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > places:
        raise UnacceptableError(
            "PropertyConstraintViolation",
            field,
            f"has {-exponent} decimals, and the station's OCPP allows {places}: it would have to be rounded",
        )
    return int(value) if value.is_integer() else value


def check_uri(text: str, field: str) -> str:
    """The text itself; UnacceptableError where it is no absolute URI."""
    if not _URI.fullmatch(check_given(text, field)):
        raise UnacceptableError("PropertyConstraintViolation", field, "is no URI, such as ftp://example.org/file")
    return text
