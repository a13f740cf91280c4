"""DataTransfer of 2.0.1, both ways."""

from typing import Any

import pytest
from csms.station.v1.command_service_pb2 import DataTransferRequest
from csms.station.v1.station_ingest_service_pb2 import DataTransferStatus, TransferDataItem, TransferDataResult

from gateway.ocpp.translation import IngestRpc, UnacceptableError
from tests.gateway.v201 import helpers

ACTION = "DataTransfer"
NAME = "data_transfer"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("d", "d"),
        ("", ""),
        ('{"a":1}', '{"a":1}'),
        ({"a": [1, 2.5, None]}, '{"a":[1,2.5,null]}'),
        ([], "[]"),
        (7, "7"),
        (True, "true"),
        (None, "null"),
        ("a\0b", "a\N{REPLACEMENT CHARACTER}b"),
        ({"k\0": "\0"}, '{"k\N{REPLACEMENT CHARACTER}":"\N{REPLACEMENT CHARACTER}"}'),
    ],
)
def test_data_from_the_station(data: Any, text: str) -> None:
    """Text is kept as it came, anything else as JSON; U+0000 is nowhere."""
    item = helpers.item(ACTION, {"vendorId": "v", "messageId": "m", "data": data}, IngestRpc.DATA_TRANSFERS)
    assert item == TransferDataItem(origin=helpers.ORIGIN, vendor_id="v", message_id="m", data=text)


def test_without_data() -> None:
    """A message may be all."""
    item = helpers.item(ACTION, {"vendorId": "v"}, IngestRpc.DATA_TRANSFERS)
    assert item == TransferDataItem(origin=helpers.ORIGIN, vendor_id="v")
    for payload in helpers.request_payloads(ACTION):
        helpers.item(ACTION, payload, IngestRpc.DATA_TRANSFERS)


def test_answer_to_the_station() -> None:
    """Every status has its word."""
    told = set()
    for status in DataTransferStatus.values():
        results = {IngestRpc.DATA_TRANSFERS: TransferDataResult(status=status)}
        word = helpers.to_response(ACTION, {}, results)["status"]
        name = DataTransferStatus.Name(status).removeprefix("DATA_TRANSFER_STATUS_").replace("_", "")
        assert word.upper() == ("REJECTED" if name == "UNSPECIFIED" else name)
        told.add(word)
    assert told == set(helpers.answer_words(ACTION, "DataTransferStatusEnumType"))


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("plain", "plain"),
        ("7", "7"),
        ("true", "true"),
        ('{"a":1}', {"a": 1}),
        (' [1, "b"]', [1, "b"]),
        ("{broken", "{broken"),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_data_to_the_station(text: str, data: Any) -> None:
    """Objects and arrays are sent as what they are, all else as text."""
    command = DataTransferRequest(vendor_id="v", message_id="m", data=text)
    assert helpers.to_calls(NAME, command) == [{"vendorId": "v", "messageId": "m", "data": data}]


def test_what_is_empty_is_left_out() -> None:
    """Only the vendor is needed."""
    assert helpers.to_calls(NAME, DataTransferRequest(vendor_id="v")) == [{"vendorId": "v"}]


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (DataTransferRequest(), "vendor_id"),
        (DataTransferRequest(vendor_id="v" * 256), "vendor_id"),
        (DataTransferRequest(vendor_id="v", message_id="m" * 51), "message_id"),
    ],
)
def test_impossible(command: DataTransferRequest, field: str) -> None:
    """A command that 2.0.1 cannot express is refused with the name of the field."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, command)
    assert caught.value.field == field


def test_answer_of_the_station() -> None:
    """Every word of the station has its status, and its data comes along as text or JSON."""
    command = DataTransferRequest(vendor_id="v")
    assert all(helpers.statuses_told(NAME, command, "DataTransferStatusEnumType").values())
    assert helpers.to_answer(NAME, command, {"status": "Accepted", "data": "d"}).data == "d"
    assert helpers.to_answer(NAME, command, {"status": "Accepted", "data": {"a": 1}}).data == '{"a":1}'
    assert helpers.to_answer(NAME, command, {"status": "Accepted"}).data == ""
