"""Our own writer of protobuf's wire format, compared with protobuf."""

import pytest
from csms.station.v1.station_ingest_service_pb2 import MessageItem, RecordMessagesRequest
from csms.station.v1.station_pb2 import MESSAGE_DIRECTION_RECEIVED, MESSAGE_DIRECTION_SENT, Message, MessageDirection
from google.protobuf.descriptor_pb2 import FileOptions
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from gateway.message_log.log_entry import LogEntries
from gateway.ocpp.protobuf_wire import repeated, tag, varint

ITEMS = RecordMessagesRequest.DESCRIPTOR.fields_by_name["items"]


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 128, 16_382, 16_383, 16_384, 300_000, 2_200_000])
def test_a_batch_is_what_protobuf_would_have_written(length: int) -> None:
    """Messages of every size of length there is."""
    whole = RecordMessagesRequest()
    for size in (length, 3, length):
        whole.items.add(tenant_id="x" * size)
    assert repeated(ITEMS, [item.SerializeToString() for item in whole.items]) == whole.SerializeToString()
    assert repeated(ITEMS, []) == b""


@given(number=st.integers(0, 2**63 - 1))
def test_numbers_of_every_size(number: int) -> None:
    """As protobuf writes an int64."""
    field = Message.DESCRIPTOR.fields_by_name["epoch"]
    assert tag(field) + varint(number) == Message(epoch=number).SerializeToString() or number == 0
    assert Message.FromString(tag(field) + varint(number)).epoch == number


def test_a_tag_of_two_bytes() -> None:
    """Field numbers from 16 on take more than one byte."""
    field = FileOptions.DESCRIPTOR.fields_by_name["java_generate_equals_and_hash"]
    assert tag(field) + b"\x01" == FileOptions(java_generate_equals_and_hash=True).SerializeToString()


@given(
    station_id=st.text(max_size=300),
    epoch=st.integers(0, 2**63 - 1),
    direction=st.sampled_from((MESSAGE_DIRECTION_RECEIVED, MESSAGE_DIRECTION_SENT)),
    ordinal=st.integers(0, 2**63 - 1),
    time_us=st.integers(0, 253_402_300_799_999_999),
    message_type=st.integers(0, 6),
    message_id=st.text(max_size=300),
    action=st.text(max_size=300),
    payload=st.text(max_size=300),
)
def test_an_entry_of_the_log_is_what_protobuf_would_have_made(  # noqa: PLR0917 - as many as an entry has
    station_id: str,
    epoch: int,
    direction: MessageDirection.ValueType,
    ordinal: int,
    time_us: int,
    message_type: int,
    message_id: str,
    action: str,
    payload: str,
) -> None:
    entries = LogEntries(tenant_id="default", station_id=station_id, epoch=epoch)
    entry = entries.entry(direction, ordinal, time_us, message_type, message_id, action, payload.encode())
    [item] = RecordMessagesRequest.FromString(entry).items
    assert item == MessageItem(
        tenant_id="default",
        message=Message(
            station_id=station_id,
            direction=direction,
            message_type=message_type,
            message_id=message_id,
            action=action,
            payload=payload,
            epoch=epoch,
            ordinal=ordinal,
            message_time=Timestamp(seconds=time_us // 1_000_000, nanos=time_us % 1_000_000 * 1_000),
        ),
    )
