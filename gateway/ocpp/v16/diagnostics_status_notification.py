"""DiagnosticsStatusNotification, 1.6 section 4.4."""

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.log_pb2 import UPLOAD_LOG_STATUS_UNSPECIFIED
from csms.station.v1.station_ingest_service_pb2 import ReportItem

from gateway.ocpp.enums import UPLOAD_LOG_STATUSES
from gateway.ocpp.translation import Inbound, IngestRpc, Items, Payload, Results


def to_items(payload: Payload, origin: Origin) -> Items:
    """A step of an upload. 1.6 does not report its number."""
    item = ReportItem(origin=origin)
    item.log_status.status = UPLOAD_LOG_STATUSES.get(payload["status"], UPLOAD_LOG_STATUS_UNSPECIFIED)
    item.log_status.reported_status = payload["status"]
    return {IngestRpc.REPORTS: item}


def to_response(_payload: Payload, _results: Results, _now_us: int) -> Payload:
    """Nothing but that it arrived."""
    return {}


INBOUND = Inbound(to_items=to_items, to_response=to_response)
