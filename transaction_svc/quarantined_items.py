"""Quarantined items as messages of the contract."""

import msgspec
from csms.transaction.v1.transaction_ingest_service_pb2 import MeterValuesItem, TransactionEventItem
from csms.transaction.v1.transaction_service_pb2 import (
    MendQuarantinedItemRequest,
    MeterValuesReplacement,
    QuarantinedItem,
    QuarantineMend,
    QuarantineState,
    RecordedMeterValues,
    RecordedRawMessage,
    RecordedTransactionEvent,
)

from mesh.contract.requests import check_text
from mesh.contract.structs import to_object
from mesh.runtime.errors import invalid_field
from mesh.runtime.times import to_timestamp
from transaction_svc import received_items
from transaction_svc.item_types import EVENTS
from transaction_svc.mends import NewMend
from transaction_svc.quarantine_store import Mend, Quarantined

MOST_REASON = 500


def to_quarantined_item(row: Quarantined) -> QuarantinedItem:
    """The message of a row."""
    item = QuarantinedItem(
        quarantine_id=row.quarantine_id,
        station_id=row.station_id,
        state=QuarantineState.Value(f"QUARANTINE_STATE_{row.state}"),
        reason=row.reason,
        message=row.message,
        run_count=row.run_count,
        create_time=to_timestamp(row.create_us),
        update_time=to_timestamp(row.update_us),
        transaction_id=row.transaction_id,
        mends=[_to_mend(mend) for mend in row.mends],
    )
    data = received_items.decode(row.item)
    if row.kind == EVENTS.name:
        event_item = TransactionEventItem.FromString(data)
        if event_item.HasField("raw"):
            item.raw_message.CopyFrom(_to_raw(event_item))
        else:
            item.transaction_event.CopyFrom(_to_event(event_item))
    else:
        item.meter_values.CopyFrom(_to_meter_values(MeterValuesItem.FromString(data)))
    return item


def _to_event(item: TransactionEventItem) -> RecordedTransactionEvent:
    origin = item.origin
    return RecordedTransactionEvent(
        event=item.event,
        receive_time=origin.receive_time if origin.HasField("receive_time") else None,
        epoch=origin.epoch,
        ordinal=origin.ordinal,
    )


def _to_raw(item: TransactionEventItem) -> RecordedRawMessage:
    origin = item.origin
    return RecordedRawMessage(
        raw=item.raw,
        receive_time=origin.receive_time if origin.HasField("receive_time") else None,
        epoch=origin.epoch,
        ordinal=origin.ordinal,
    )


def _to_meter_values(item: MeterValuesItem) -> RecordedMeterValues:
    origin = item.origin
    return RecordedMeterValues(
        evse=item.evse,
        meter_values=item.meter_values,
        receive_time=origin.receive_time if origin.HasField("receive_time") else None,
    )


def _to_mend(row: Mend) -> QuarantineMend:
    mend = QuarantineMend(
        reason=row.reason,
        username=row.username,
        mend_time=to_timestamp(row.mend_us),
        failure_reason=row.failure_reason,
        failure_message=row.failure_message,
    )
    data = received_items.decode(row.item)
    if row.payload:
        mend.payload = row.payload
    elif row.kind == EVENTS.name:
        mend.transaction_event.CopyFrom(TransactionEventItem.FromString(data).event)
    else:
        item = MeterValuesItem.FromString(data)
        mend.meter_values.CopyFrom(MeterValuesReplacement(evse=item.evse, meter_values=item.meter_values))
    return mend


def to_new_mend(request: MendQuarantinedItemRequest, username: str) -> NewMend:
    """Reads an operator's mend. Raises MeshError INVALID_FIELD."""
    reason = request.reason.strip()
    check_text("reason", reason, least=1, most=MOST_REASON)
    item: TransactionEventItem | MeterValuesItem | None = None
    payload = ""
    match request.WhichOneof("replacement"):
        case "payload":
            payload = msgspec.json.encode(to_object(request.payload)).decode()
        case "transaction_event":
            item = TransactionEventItem(event=request.transaction_event)
        case "meter_values":
            values = request.meter_values
            item = MeterValuesItem(evse=values.evse, meter_values=values.meter_values)
        case _:
            raise invalid_field("replacement", "is required: payload, transaction_event or meter_values")
    return NewMend(item=item, payload=payload, reason=reason, username=username)
