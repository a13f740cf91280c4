"""LogStatusNotification, N01."""

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.log_pb2 import UPLOAD_LOG_STATUS_UNSPECIFIED
from csms.station.v1.station_ingest_service_pb2 import ReportItem

from gateway.ocpp.checks import check_int32
from gateway.ocpp.enums import UPLOAD_LOG_STATUSES
from gateway.ocpp.translation import Inbound, IngestRpc, Items, Payload, Results


def to_items(payload: Payload, origin: Origin) -> Items:
    """A step of an upload, by its number; one below 0, as some stations send it, counts as none."""
    item = ReportItem(origin=origin)
    report = item.log_status
    report.status = UPLOAD_LOG_STATUSES.get(payload["status"], UPLOAD_LOG_STATUS_UNSPECIFIED)
    report.reported_status = payload["status"]
    number = check_int32(payload.get("requestId", -1), "requestId")
    if number >= 0:
        report.log_upload_id = number
    return {IngestRpc.REPORTS: item}


def to_response(_payload: Payload, _results: Results, _now_us: int) -> Payload:
    """Nothing but that it arrived."""
    return {}


INBOUND = Inbound(to_items=to_items, to_response=to_response)
