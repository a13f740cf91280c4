"""StatusNotification, 1.6 section 4.9."""

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.station_ingest_service_pb2 import StatusItem
from csms.station.v1.station_pb2 import CONNECTOR_STATUS_UNSPECIFIED

from gateway import station_events
from gateway.enums import CONNECTOR_STATUSES
from gateway.translation import Inbound, Items, LaneName, Payload, Results
from gateway.v16.parts import set_evse
from gateway.values import parse_us, set_time

NO_ERROR = "NoError"


def to_items(payload: Payload, origin: Origin) -> Items:
    """A status of a connector, the station's finer words kept beside 2.x's."""
    item = StatusItem()
    item.origin.CopyFrom(origin)
    report, word, error = item.status, payload["status"], payload["errorCode"]
    set_evse(report.evse, payload["connectorId"])
    report.status = CONNECTOR_STATUSES.get(word, CONNECTOR_STATUS_UNSPECIFIED)
    report.reported_status = word
    report.error_code = "" if error == NO_ERROR else error
    report.info = payload.get("info", "")
    report.vendor_id = payload.get("vendorId", "")
    report.vendor_error_code = payload.get("vendorErrorCode", "")
    us = parse_us(payload.get("timestamp", ""))
    if us is not None:
        set_time(report.status_time, us)
    event = station_events.available(report, origin)
    return {LaneName.STATUSES: item} if event is None else {LaneName.STATUSES: item, LaneName.STATION_EVENTS: event}


def to_response(_payload: Payload, _results: Results, _now_us: int) -> Payload:
    """Nothing but that it arrived."""
    return {}


INBOUND = Inbound(to_items=to_items, to_response=to_response)
