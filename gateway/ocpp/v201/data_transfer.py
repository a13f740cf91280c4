"""DataTransfer, P01 and P02, both ways. The data may be any JSON; behind the gateway it is text."""

from collections.abc import Sequence
from typing import Any

import msgspec
from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.command_service_pb2 import DataTransferRequest, DataTransferResponse
from csms.station.v1.station_ingest_service_pb2 import TransferDataItem

from gateway.ocpp.checks import check_given, check_length
from gateway.ocpp.enums import DATA_TRANSFER_STATUSES
from gateway.ocpp.results import transfer_response
from gateway.ocpp.translation import Inbound, IngestRpc, Items, Outbound, Payload
from gateway.ocpp.v2.parts import status_info
from gateway.ocpp.values import clean


def to_items(payload: Payload, origin: Origin) -> Items:
    """A vendor's own message."""
    item = TransferDataItem(
        origin=origin,
        vendor_id=payload["vendorId"],
        message_id=payload.get("messageId", ""),
        data=_to_text(payload),
    )
    return {IngestRpc.DATA_TRANSFERS: item}


def to_calls(command: DataTransferRequest) -> Sequence[Payload]:
    """A vendor's own message to a station; what is empty is left out."""
    check_given(command.vendor_id, "vendor_id")
    payload: Payload = {"vendorId": check_length(command.vendor_id, 255, "vendor_id")}
    if command.message_id:
        payload["messageId"] = check_length(command.message_id, 50, "message_id")
    if command.data:
        payload["data"] = _to_json(command.data)
    return [payload]


def to_answer(_command: DataTransferRequest, payloads: Sequence[Payload]) -> DataTransferResponse:
    """The outcome."""
    [payload] = payloads
    return DataTransferResponse(
        status=DATA_TRANSFER_STATUSES[payload["status"]],
        status_info=status_info(payload),
        data=_to_text(payload),
    )


def _to_text(payload: Payload) -> str:
    """The data as the contract has it: text as it came, JSON where it is something else, empty where there is none."""
    if "data" not in payload:
        return ""
    # No schema describes its content, and PostgreSQL does not accept U+0000.
    data = clean(payload["data"])
    return data if isinstance(data, str) else msgspec.json.encode(data).decode()


def _to_json(text: str) -> Any:
    """The text itself, but where it is a JSON object or array: then that, since 1.6's escaping is no use here."""
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text


INBOUND = Inbound(to_items=to_items, to_response=transfer_response)
OUTBOUND = Outbound(action="DataTransfer", to_calls=to_calls, to_answer=to_answer)
