"""DataTransfer of 1.6, both ways."""

import pytest
from csms.station.v1.command_service_pb2 import DataTransferRequest, DataTransferResponse
from csms.station.v1.station_ingest_service_pb2 import DataTransferStatus, TransferDataItem, TransferDataResult

from gateway.ocpp.translation import IngestRpc, UnacceptableError
from tests.gateway.v16 import helpers

ACTION = "DataTransfer"


def test_from_the_station() -> None:
    """Vendor, kind and data are passed on; data that is no text as JSON."""
    payload = {"vendorId": "org.v", "messageId": "m", "data": "d"}
    item = helpers.item(ACTION, payload, IngestRpc.DATA_TRANSFERS)
    assert item == TransferDataItem(origin=helpers.ORIGIN, vendor_id="org.v", message_id="m", data="d")
    item = helpers.item(ACTION, {"vendorId": "v", "data": {"a": 1}}, IngestRpc.DATA_TRANSFERS)
    assert item == TransferDataItem(origin=helpers.ORIGIN, vendor_id="v", data='{"a":1}')
    for payload in helpers.request_payloads(ACTION):
        helpers.item(ACTION, payload, IngestRpc.DATA_TRANSFERS)


def test_answer_to_the_station() -> None:
    """Every status has its word."""
    told = {}
    for status in DataTransferStatus.values():
        results = {IngestRpc.DATA_TRANSFERS: TransferDataResult(status=status)}
        told[DataTransferStatus.Name(status)] = helpers.to_response(ACTION, {}, results)["status"]
    assert told == {
        "DATA_TRANSFER_STATUS_UNSPECIFIED": "Rejected",
        "DATA_TRANSFER_STATUS_ACCEPTED": "Accepted",
        "DATA_TRANSFER_STATUS_REJECTED": "Rejected",
        "DATA_TRANSFER_STATUS_UNKNOWN_MESSAGE_ID": "UnknownMessageId",
        "DATA_TRANSFER_STATUS_UNKNOWN_VENDOR_ID": "UnknownVendorId",
    }


def test_to_the_station() -> None:
    """Empty fields are left out."""
    assert helpers.to_calls("data_transfer", DataTransferRequest(vendor_id="v")) == [{"vendorId": "v"}]
    full = DataTransferRequest(vendor_id="v" * 255, message_id="m" * 50, data="d" * 1000)
    assert helpers.to_calls("data_transfer", full) == [
        {"vendorId": "v" * 255, "messageId": "m" * 50, "data": "d" * 1000}
    ]


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (DataTransferRequest(), "vendor_id"),
        (DataTransferRequest(vendor_id="v" * 256), "vendor_id"),
        (DataTransferRequest(vendor_id="v", message_id="m" * 51), "message_id"),
    ],
)
def test_impossible(command: DataTransferRequest, field: str) -> None:
    """A command that 1.6 cannot express is refused with the name of the field."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls("data_transfer", command)
    assert caught.value.field == field


def test_answer_of_the_station() -> None:
    """Every word of the station has its status, and its data comes along."""
    command = DataTransferRequest(vendor_id="v")
    for word in helpers.answer_words(ACTION):
        answer = helpers.to_answer("data_transfer", command, {"status": word, "data": "d"})
        assert answer.status
        assert answer.data == "d"
    answer = helpers.to_answer("data_transfer", command, {"status": "Accepted"})
    assert answer == DataTransferResponse(status=DataTransferStatus.Value("DATA_TRANSFER_STATUS_ACCEPTED"))
