"""Events of connections, boots, connectors and of conditions of stations."""

from collections.abc import Mapping

import msgspec
from csms.station.v1 import station_pb2

from mesh.events.outbox import OutboxEvent
from station_svc.core.events import of_frame, registration_name
from station_svc.core.names import name_of
from station_svc.core.reports import Boot, Status, VersionChange
from station_svc.ingest.rows import Closed, ConditionReport, ConnectionAttempt, Opened, WrongSerialNumber

# The name of a condition's size in an event.
_SIZES: Mapping[int, str] = {
    station_pb2.STATION_CONDITION_TYPE_CLOCK_SKEW: "clockSkewS",
    station_pb2.STATION_CONDITION_TYPE_UNRESPONSIVE: "unansweredCalls",
    station_pb2.STATION_CONDITION_TYPE_BOOT_REFUSED: "refusedBoots",
}


def connected(attempt: ConnectionAttempt, opened: Opened, now_us: int) -> OutboxEvent:
    """A station has a socket; an earlier one, if any, no longer counts."""
    return OutboxEvent(
        event_id=f"station.connected:{opened.epoch}",
        tenant_id=opened.tenant_id,
        type="station.connected",
        station_id=attempt.station_id,
        event_time_us=now_us,
        data={"epoch": opened.epoch, "ocppVersion": attempt.ocpp_version, "nodeId": attempt.node_id},
    )


def disconnected(closed: Closed) -> OutboxEvent:
    """A station has no socket any more."""
    return OutboxEvent(
        event_id=f"station.disconnected:{closed.epoch}",
        tenant_id=closed.tenant_id,
        type="station.disconnected",
        station_id=closed.station_id,
        event_time_us=closed.disconnect_us,
        data={"epoch": closed.epoch, "closeCode": closed.close_code},
    )


def booted(boot: Boot, registration_status: int) -> OutboxEvent:
    """A station booted, and was answered with `registration_status`."""
    data = {
        "registrationStatus": registration_name(registration_status),
        "bootReason": name_of(station_pb2.BootReason.Name, boot.reason),
        "vendorName": boot.identity["vendor_name"],
        "model": boot.identity["model"],
        "firmwareVersion": boot.identity["firmware_version"],
    }
    return of_frame("station.booted", boot.frame, data)


def serial_number_wrong(wrong: WrongSerialNumber) -> OutboxEvent:
    """A boot was refused: its serial number is not that of the certificate of its connection."""
    data = {"serialNumber": wrong.serial_number, "commonName": wrong.common_name}
    return of_frame("station.serial_number_wrong", wrong.frame, data)


def version_changed(change: VersionChange) -> OutboxEvent:
    """A station booted over another OCPP version than before."""
    return OutboxEvent(
        event_id=f"station.version_changed:{change.epoch}",
        tenant_id=change.tenant_id,
        type="station.version_changed",
        station_id=change.station_id,
        event_time_us=change.receive_us,
        data={"epoch": change.epoch, "previousOcppVersion": change.before, "ocppVersion": change.after},
    )


def status_changed(status: Status) -> OutboxEvent:
    """A connector's status became another one."""
    data: dict[str, str | int] = {
        "evseId": status.evse_id,
        "connectorId": status.connector_id,
        "status": name_of(station_pb2.ConnectorStatus.Name, status.status),
        "reportedStatus": status.reported_status,
        "errorCode": status.error_code,
    }
    event = of_frame("station.status_changed", status.frame, data)
    if not status.position:
        return event
    return msgspec.structs.replace(event, event_id=f"{event.event_id}:{status.position}")


def condition_changed(report: ConditionReport, *, tenant_id: str, station_id: str, begin_us: int) -> OutboxEvent:
    """Something began to be wrong with a station, or is right again."""
    kind = "station.condition_began" if report.size else "station.condition_ended"
    data: dict[str, str | int] = {"type": name_of(station_pb2.StationConditionType.Name, report.kind)}
    if report.size and report.kind in _SIZES:
        data[_SIZES[report.kind]] = report.size
    if report.size and report.reason:
        data["reason"] = report.reason
    return OutboxEvent(
        event_id=f"{kind}:{station_id}:{report.kind}:{begin_us}",
        tenant_id=tenant_id,
        type=kind,
        station_id=station_id,
        event_time_us=report.report_us,
        data=data,
    )
