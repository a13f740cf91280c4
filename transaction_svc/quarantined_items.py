"""Quarantined items as the contract has them."""

from csms.transaction.v1.transaction_ingest_service_pb2 import MeterValuesItem, TransactionEventItem
from csms.transaction.v1.transaction_service_pb2 import (
    QuarantinedItem,
    QuarantineState,
    RecordedMeterValues,
    RecordedRawMessage,
    RecordedTransactionEvent,
)

from mesh.times import to_timestamp
from transaction_svc import intake
from transaction_svc.kinds import EVENTS
from transaction_svc.quarantine_store import Quarantined


def to_quarantined_item(row: Quarantined) -> QuarantinedItem:
    """A row as the contract has it."""
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
    )
    data = intake.decode(row.item)
    if row.kind == EVENTS.name:
        told = TransactionEventItem.FromString(data)
        if told.HasField("raw"):
            item.raw_message.CopyFrom(_to_raw(told))
        else:
            item.transaction_event.CopyFrom(_to_event(told))
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
