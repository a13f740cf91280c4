"""Times, numbers and text as stations write them."""

from datetime import UTC, datetime

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from gateway.ocpp.values import clean, decimal_text, format_us, is_number, parse_us, set_time, shorten
from mesh.runtime.times import from_datetime, from_timestamp

NOON_US = from_datetime(datetime(2025, 1, 1, 12, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "after_noon_us"),
    [
        ("2025-01-01T12:00:00Z", 0),
        ("2025-01-01T12:00:00.000Z", 0),
        ("2025-01-01T12:00:00.1Z", 100_000),
        ("2025-01-01T12:00:00.123456789Z", 123_456),
        ("2025-01-01T12:00:00", 0),
        ("2025-01-01T12:00:00.5", 500_000),
        ("2025-01-01 12:00:00", 0),
        ("2025-01-01 12:00:00Z", 0),
        ("2025-01-01t12:00:00z", 0),
        ("2025-01-01T12:00:00z", 0),
        ("2025-01-01T14:00:00+02", 0),
        ("2025-01-01T14:00:00+0200", 0),
        ("2025-01-01T14:00:00+02:00", 0),
        ("2025-01-01T06:30:00.25-05:30", 250_000),
        ("2025-01-01T12:00:00+00:00", 0),
        (" 2025-01-01T12:00:00Z ", 0),
        ("2025-01-01T11:59:60Z", -1_000_000),
        ("2025-01-01T12:00", 0),
        ("1970-01-01T00:00:00Z", -NOON_US),
    ],
)
def test_parse(text: str, after_noon_us: int) -> None:
    """Quirk 11: every form that stations send is read."""
    assert parse_us(text) == NOON_US + after_noon_us


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2025-01-01",
        "2025-13-01T00:00:00Z",
        "2025-01-01T25:00:00Z",
        "0000-00-00T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "1735732800",
        "01/01/2025 12:00:00",
        "2025-01-01T12:00:00Z" + "0" * 100,
        "٢٠٢٥-01-01T12:00:00Z",
    ],
)
def test_unreadable(text: str) -> None:
    """A text that is no time is None, not an error."""
    assert parse_us(text) is None


@given(st.text(max_size=40))
def test_parse_never_fails(text: str) -> None:
    """No text is an error."""
    us = parse_us(text)
    assert us is None or isinstance(us, int)


@given(st.datetimes(timezones=st.just(UTC)))
def test_round_trip(moment: datetime) -> None:
    """A written time is read back to the millisecond, in the one form that every station reads (quirk 13)."""
    us = from_datetime(moment)
    text = format_us(us)
    assert len(text) == len("2025-01-01T12:00:00.000Z")
    assert text.endswith("Z")
    assert parse_us(text) == us // 1000 * 1000


@given(st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999))
def test_set_time(us: int) -> None:
    """Written in place is what is read, also before 1970."""
    stamp = Timestamp()
    set_time(stamp, us)
    assert from_timestamp(stamp) == us
    assert 0 <= stamp.nanos < 1_000_000_000


def test_set_time_1970() -> None:
    """The epoch itself counts as given, though all its fields are zero."""
    from csms.common.v1.meter_value_pb2 import MeterValue  # noqa: PLC0415

    meter_value = MeterValue()
    set_time(meter_value.sample_time, 0)
    assert meter_value.HasField("sample_time")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (5, "5"),
        (-3, "-3"),
        (12.5, "12.5"),
        (0.1, "0.1"),
        (1e-05, "0.00001"),
        (1e22, "10000000000000000000000"),
        (-0.0, "-0.0"),
    ],
)
def test_decimal_text(number: float, text: str) -> None:
    """Numbers become plain decimal text, nothing rounded."""
    assert decimal_text(number) == text


@pytest.mark.parametrize("text", ["0", "12", "-1.50", "+3", ".5", "5.", "1E3", "2.5e-3"])
def test_is_number(text: str) -> None:
    """Decimal numbers."""
    assert is_number(text)


@pytest.mark.parametrize(
    "text", ["", " ", " 12", "12 ", "12,5", "12 kWh", "NaN", "inf", "0x1F", "1_000", "-", ".", "²", "\u0661"]
)
def test_is_no_number(text: str) -> None:
    """All else."""
    assert not is_number(text)


def test_clean() -> None:
    """No U+0000 is left anywhere, and nothing else changes."""
    dirty = {"a\0": ["x\0y", {"b": "\0"}, 1, None, True, 2.5], "c": "clean"}
    assert clean(dirty) == {"a\ufffd": ["x\ufffdy", {"b": "\ufffd"}, 1, None, True, 2.5], "c": "clean"}


def test_shorten() -> None:
    """Text is cut with a mark, at the limit."""
    assert shorten("x" * 32) == "x" * 32
    assert shorten("x" * 33) == "x" * 31 + "…"
