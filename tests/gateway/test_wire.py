"""What we write of protobuf's wire format ourselves, held against protobuf."""

import pytest
from csms.station.v1.station_ingest_service_pb2 import RecordMessagesRequest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.wire import repeated


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 128, 16_382, 16_383, 16_384, 300_000, 2_200_000])
def test_a_batch_is_what_protobuf_would_have_written(length: int) -> None:
    """Messages of every size of length there is."""
    whole = RecordMessagesRequest()
    for size in (length, 3, length):
        whole.items.add(tenant_id="x" * size)
    data = repeated(1, [item.SerializeToString() for item in whole.items])
    assert data == whole.SerializeToString()
    assert RecordMessagesRequest.FromString(data) == whole


def test_no_messages() -> None:
    """An empty batch, as a probe sends it, is an empty message."""
    assert repeated(1, []) == b""


def test_a_tag_of_two_bytes() -> None:
    """Field numbers from 16 on take more than one byte."""
    assert repeated(16, [b"abc"]) == b"\x82\x01\x03abc"
    assert FileDescriptorSet.FromString(repeated(16, [b"abc"])).file == []
