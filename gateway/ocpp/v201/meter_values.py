"""MeterValues, J01: values that belong to no transaction."""

from csms.common.v1.origin_pb2 import Origin
from csms.transaction.v1.transaction_ingest_service_pb2 import MeterValuesItem

from gateway.ocpp.translation import SILENT, Inbound, IngestRpc, Items, Payload, Results
from gateway.ocpp.v2.parts import add_meter_values, set_evse


def to_items(payload: Payload, origin: Origin) -> Items:
    """The values of an EVSE's meter; EVSE 0 is the main meter."""
    item = MeterValuesItem(origin=origin)
    set_evse(item.evse, payload["evseId"], 0, "evseId")
    add_meter_values(item.meter_values, payload["meterValue"])
    return {IngestRpc.METER_VALUES: item}


def to_response(_payload: Payload, _results: Results, _now_us: int) -> Payload:
    """Nothing but that they are stored."""
    return {}


INBOUND = Inbound(to_items=to_items, to_response=to_response, quarantine_response=SILENT)
