"""MeterValues, 1.6 section 4.7."""

from csms.common.v1.origin_pb2 import Origin
from csms.transaction.v1.transaction_event_pb2 import TRANSACTION_EVENT_TYPE_UPDATED
from csms.transaction.v1.transaction_ingest_service_pb2 import MeterValuesItem, TransactionEventItem

from gateway.translation import SILENT, Inbound, Items, LaneName, Payload, Results
from gateway.v16.parts import add_meter_values, set_evse, transaction_id_text
from gateway.values import set_time


def to_items(payload: Payload, origin: Origin) -> Items:
    """One event of the transaction that is named, whichever that is (quirk 18), or values outside of any."""
    if "transactionId" not in payload:
        values = MeterValuesItem(origin=origin)
        set_evse(values.evse, payload["connectorId"])
        add_meter_values(values.meter_values, payload["meterValue"])
        return {LaneName.METER_VALUES: values}
    item = TransactionEventItem()
    item.origin.CopyFrom(origin)
    event = item.event
    event.event_type = TRANSACTION_EVENT_TYPE_UPDATED
    event.transaction_id = transaction_id_text(payload["transactionId"])
    set_evse(event.evse, payload["connectorId"])
    us = add_meter_values(event.meter_values, payload["meterValue"])
    if us is not None:
        set_time(event.event_time, us)
    return {LaneName.TRANSACTION_EVENTS: item}


def to_response(_payload: Payload, _results: Results, _now_us: int) -> Payload:
    """Nothing but that they are stored."""
    return {}


INBOUND = Inbound(to_items=to_items, to_response=to_response, salvage=SILENT)
