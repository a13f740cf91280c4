"""PublishFirmwareStatusNotification, L03."""

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.firmware_publication_pb2 import PUBLISH_FIRMWARE_STATUS_UNSPECIFIED
from csms.station.v1.station_ingest_service_pb2 import ReportItem

from gateway.ocpp.checks import check_int32
from gateway.ocpp.enums import PUBLISH_FIRMWARE_STATUSES
from gateway.ocpp.translation import Inbound, IngestRpc, Items, Payload, Results

# The schema has no limit; a local controller publishes by a few protocols.
MOST_LOCATIONS = 20


def to_items(payload: Payload, origin: Origin) -> Items:
    """A step of a publication, by its number, where it names one; a number below 0 counts as none."""
    item = ReportItem(origin=origin)
    report = item.firmware_publication_status
    report.status = PUBLISH_FIRMWARE_STATUSES.get(payload["status"], PUBLISH_FIRMWARE_STATUS_UNSPECIFIED)
    report.reported_status = payload["status"]
    report.locations.extend(payload.get("location", ())[:MOST_LOCATIONS])
    number = check_int32(payload.get("requestId", -1), "requestId")
    if number >= 0:
        report.firmware_publication_id = number
    return {IngestRpc.REPORTS: item}


def to_response(_payload: Payload, _results: Results, _now_us: int) -> Payload:
    """Nothing but that it arrived."""
    return {}


INBOUND = Inbound(to_items=to_items, to_response=to_response)
