"""Events that transaction_svc gets beside transactions: boots, and connectors that became available. Pure."""

from collections.abc import Iterable

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.station_ingest_service_pb2 import BootResult
from csms.station.v1.station_pb2 import CONNECTOR_STATUS_AVAILABLE, StationIdentity, StatusReport
from csms.transaction.v1.transaction_ingest_service_pb2 import StationEventItem

from gateway.ocpp.results import result_of
from gateway.ocpp.translation import IngestRpc, Items, Results


def booted(identity: StationIdentity, origin: Origin, results: Results) -> Items:
    """A boot, with the fields that select a meter profile, and the station's message attempts where they are known.

    The attempts come from station_svc: the event is sent once the boot is recorded, also where that failed.
    """
    item = StationEventItem(origin=origin)
    boot = item.boot
    boot.vendor_name, boot.model = identity.vendor_name, identity.model
    boot.firmware_version = identity.firmware_version
    result = result_of(results, IngestRpc.BOOTS, BootResult)
    if result.HasField("message_attempts") and result.HasField("message_attempt_interval_s"):
        boot.message_attempts = result.message_attempts
        boot.message_attempt_interval_s = result.message_attempt_interval_s
    return {IngestRpc.STATION_EVENTS: item}


def available(report: StatusReport, origin: Origin) -> StationEventItem | None:
    """A connector that became available; None for any other status, and for that of the station as a whole."""
    if report.status != CONNECTOR_STATUS_AVAILABLE or not report.evse.evse_id:
        return None
    item = StationEventItem()
    item.origin.CopyFrom(origin)
    item.connector_available.evse.CopyFrom(report.evse)
    if report.HasField("status_time"):
        item.connector_available.status_time.CopyFrom(report.status_time)
    return item


def all_available(reports: Iterable[StatusReport], origin: Origin) -> StationEventItem | None:
    """Connectors of one frame that are available by its last status of each; None where there is none."""
    latest = {(report.evse.evse_id, report.evse.connector_id): report for report in reports}
    events = [event for report in latest.values() if (event := available(report, origin)) is not None]
    if not events:
        return None
    first, *others = (event.connector_available for event in events)
    return StationEventItem(origin=origin, connector_available=first, further_connectors=others)
