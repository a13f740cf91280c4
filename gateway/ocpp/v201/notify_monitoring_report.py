"""NotifyMonitoringReport, N02: a part of a report of monitors."""

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.station_ingest_service_pb2 import ReportItem

from gateway.ocpp.checks import check_int32, check_not_negative
from gateway.ocpp.translation import Inbound, IngestRpc, Items, Payload, Results
from gateway.ocpp.v2.monitors import to_monitors
from gateway.ocpp.values import parse_us, set_time


def to_items(payload: Payload, origin: Origin) -> Items:
    """The part, with its monitors; the last part of a report may have none."""
    item = ReportItem(origin=origin)
    part = item.monitoring_report
    part.report_id = check_int32(payload["requestId"], "requestId")
    part.seq_no = check_not_negative(check_int32(payload["seqNo"], "seqNo"), "seqNo")
    part.to_be_continued = payload.get("tbc", False)
    us = parse_us(payload["generatedAt"])
    if us is not None:
        set_time(part.generate_time, us)
    for one in payload.get("monitor", ()):
        part.monitors.extend(to_monitors(one))
    return {IngestRpc.REPORTS: item}


def to_response(_payload: Payload, _results: Results, _now_us: int) -> Payload:
    """Nothing but that it arrived."""
    return {}


INBOUND = Inbound(to_items=to_items, to_response=to_response)
