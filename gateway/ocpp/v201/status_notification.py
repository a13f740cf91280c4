"""StatusNotification, G01."""

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.station_ingest_service_pb2 import StatusItem

from gateway.ocpp import station_events
from gateway.ocpp.translation import Inbound, IngestRpc, Items, Payload, Results
from gateway.ocpp.v2.connector_status import set_status


def to_items(payload: Payload, origin: Origin) -> Items:
    """A status of a connector, the station's own word kept beside it."""
    item = StatusItem()
    item.origin.CopyFrom(origin)
    set_status(
        item.status,
        payload["connectorStatus"],
        evse_id=payload["evseId"],
        connector_id=payload["connectorId"],
        timestamp=payload["timestamp"],
    )
    event = station_events.available(item.status, origin)
    return {IngestRpc.STATUSES: item} if event is None else {IngestRpc.STATUSES: item, IngestRpc.STATION_EVENTS: event}


def to_response(_payload: Payload, _results: Results, _now_us: int) -> Payload:
    """Nothing but that it arrived."""
    return {}


INBOUND = Inbound(to_items=to_items, to_response=to_response)
