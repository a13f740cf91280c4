"""DataTransfer, 1.6 sections 4.3 and 5.6, both ways."""

from collections.abc import Sequence

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.command_service_pb2 import DataTransferRequest, DataTransferResponse
from csms.station.v1.station_ingest_service_pb2 import TransferDataItem

from gateway.ocpp.checks import check_given, check_length
from gateway.ocpp.enums import DATA_TRANSFER_STATUSES
from gateway.ocpp.results import transfer_response
from gateway.ocpp.translation import Inbound, IngestRpc, Items, Outbound, Payload


def to_items(payload: Payload, origin: Origin) -> Items:
    """A vendor's own message."""
    item = TransferDataItem(
        origin=origin,
        vendor_id=payload["vendorId"],
        message_id=payload.get("messageId", ""),
        data=payload.get("data", ""),
    )
    return {IngestRpc.DATA_TRANSFERS: item}


def to_calls(command: DataTransferRequest) -> Sequence[Payload]:
    """A vendor's own message to a station; what is empty is left out."""
    check_given(command.vendor_id, "vendor_id")
    payload = {"vendorId": check_length(command.vendor_id, 255, "vendor_id")}
    if command.message_id:
        payload["messageId"] = check_length(command.message_id, 50, "message_id")
    if command.data:
        payload["data"] = command.data
    return [payload]


def to_answer(_command: DataTransferRequest, payloads: Sequence[Payload]) -> DataTransferResponse:
    """The outcome."""
    [payload] = payloads
    return DataTransferResponse(status=DATA_TRANSFER_STATUSES[payload["status"]], data=payload.get("data", ""))


INBOUND = Inbound(to_items=to_items, to_response=transfer_response)
OUTBOUND = Outbound(action="DataTransfer", to_calls=to_calls, to_answer=to_answer)
