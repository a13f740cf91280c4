"""StatusNotification, G01."""

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.station_ingest_service_pb2 import StatusItem
from csms.station.v1.station_pb2 import CONNECTOR_STATUS_UNSPECIFIED

from gateway import station_events
from gateway.enums import CONNECTOR_STATUSES
from gateway.translation import Inbound, Items, LaneName, Payload, Results
from gateway.v201.parts import set_evse
from gateway.values import parse_us, set_time


def to_items(payload: Payload, origin: Origin) -> Items:
    """A status of a connector, the station's own word kept beside it."""
    item = StatusItem()
    item.origin.CopyFrom(origin)
    report, word = item.status, payload["connectorStatus"]
    set_evse(report.evse, payload["evseId"], payload["connectorId"], "evseId")
    report.status = CONNECTOR_STATUSES.get(word, CONNECTOR_STATUS_UNSPECIFIED)
    report.reported_status = word
    us = parse_us(payload["timestamp"])
    if us is not None:
        set_time(report.status_time, us)
    event = station_events.available(report, origin)
    return {LaneName.STATUSES: item} if event is None else {LaneName.STATUSES: item, LaneName.STATION_EVENTS: event}


def to_response(_payload: Payload, _results: Results, _now_us: int) -> Payload:
    """Nothing but that it arrived."""
    return {}


INBOUND = Inbound(to_items=to_items, to_response=to_response)
