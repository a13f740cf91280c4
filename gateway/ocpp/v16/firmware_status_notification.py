"""FirmwareStatusNotification, 1.6 section 4.5."""

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.firmware_pb2 import FIRMWARE_STATUS_UNSPECIFIED
from csms.station.v1.station_ingest_service_pb2 import ReportItem

from gateway.ocpp.enums import FIRMWARE_STATUSES
from gateway.ocpp.translation import Inbound, IngestRpc, Items, Payload, Results


def to_items(payload: Payload, origin: Origin) -> Items:
    """A step of an update. 1.6 does not report its number."""
    item = ReportItem(origin=origin)
    item.firmware_status.status = FIRMWARE_STATUSES.get(payload["status"], FIRMWARE_STATUS_UNSPECIFIED)
    item.firmware_status.reported_status = payload["status"]
    return {IngestRpc.REPORTS: item}


def to_response(_payload: Payload, _results: Results, _now_us: int) -> Payload:
    """Nothing but that it arrived."""
    return {}


INBOUND = Inbound(to_items=to_items, to_response=to_response)
