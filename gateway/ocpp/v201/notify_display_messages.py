"""NotifyDisplayMessages, O03 and O04: a part of a report of messages. 2.0.1 gives its parts no numbers."""

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.station_ingest_service_pb2 import ReportItem

from gateway.ocpp.checks import check_int32
from gateway.ocpp.translation import Inbound, IngestRpc, Items, Payload, Results
from gateway.ocpp.v2.display_messages import to_message


def to_items(payload: Payload, origin: Origin) -> Items:
    """The part, with its messages."""
    item = ReportItem(origin=origin)
    part = item.display_messages
    part.report_id = check_int32(payload["requestId"], "requestId")
    part.to_be_continued = payload.get("tbc", False)
    part.messages.extend(map(to_message, payload.get("messageInfo", ())))
    return {IngestRpc.REPORTS: item}


def to_response(_payload: Payload, _results: Results, _now_us: int) -> Payload:
    """Nothing but that it arrived."""
    return {}


INBOUND = Inbound(to_items=to_items, to_response=to_response)
