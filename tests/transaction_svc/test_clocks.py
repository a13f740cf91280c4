"""Times as stations and gateways write them: what is missing is none, however early the time."""

import pytest
from csms.transaction.v1.transaction_event_pb2 import TransactionEvent
from google.protobuf.timestamp_pb2 import Timestamp

from transaction_svc.clocks import read_time


def test_a_missing_time_is_none() -> None:
    """A field that was not set is no time, though its seconds read as zero."""
    assert read_time(TransactionEvent(), "event_time") is None


@pytest.mark.parametrize(
    ("stamp", "us"),
    [
        (Timestamp(), 0),
        (Timestamp(nanos=5_999), 5),
        (Timestamp(seconds=-1), -1_000_000),
        (Timestamp(seconds=1_700_000_000, nanos=999_999_999), 1_700_000_000_999_999),
    ],
)
def test_a_time_is_read_as_it_is(stamp: Timestamp, us: int) -> None:
    """1970 itself is the time of a station that lost its clock, and not a missing one."""
    assert read_time(TransactionEvent(event_time=stamp), "event_time") == us


@pytest.mark.parametrize("seconds", [-62_135_596_801, 253_402_300_800])
def test_times_outside_of_the_calendar_are_none(seconds: int) -> None:
    """Beyond the years 1 to 9999 there is no time."""
    assert read_time(TransactionEvent(event_time=Timestamp(seconds=seconds)), "event_time") is None
