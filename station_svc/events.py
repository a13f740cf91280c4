"""What station_svc tells the world, as outbox events. Details carry the contract's JSON names and enum names.

An event's id is made from what it tells, so that a change that is ingested twice is told once.
"""

from collections.abc import Callable, Mapping
from typing import Any

from csms.station.v1 import certificate_pb2, security_event_pb2, station_ingest_service_pb2, station_pb2

from mesh.errors import MeshError
from mesh.outbox import OutboxEvent
from mesh.times import to_timestamp
from station_svc.certificates.rows import CertificateRequestRow
from station_svc.ingest.rows import Boot, Closed, ConditionReport, Knock, Opened, Status, Transfer
from station_svc.rows import Frame
from station_svc.security_events.rows import SecurityEventRow

# What the size of a condition is called.
_SIZES: Mapping[int, str] = {
    station_pb2.STATION_CONDITION_TYPE_CLOCK_SKEW: "clockSkewS",
    station_pb2.STATION_CONDITION_TYPE_UNRESPONSIVE: "unansweredCalls",
    station_pb2.STATION_CONDITION_TYPE_BOOT_REFUSED: "refusedBoots",
}


def created(*, tenant_id: str, station_id: str, registration_status: int, onboarded: bool, now_us: int) -> OutboxEvent:
    """A station was added, by an operator or because it knocked."""
    return OutboxEvent(
        event_id=f"station.created:{station_id}:{now_us}",
        tenant_id=tenant_id,
        type="station.created",
        station_id=station_id,
        event_time_us=now_us,
        data={"registrationStatus": registration_name(registration_status), "onboarded": onboarded},
    )


def updated(*, tenant_id: str, station_id: str, registration_status: int, now_us: int) -> OutboxEvent:
    """An operator changed a station."""
    return OutboxEvent(
        event_id=f"station.updated:{station_id}:{now_us}",
        tenant_id=tenant_id,
        type="station.updated",
        station_id=station_id,
        event_time_us=now_us,
        data={"registrationStatus": registration_name(registration_status)},
    )


def credential_changed(*, tenant_id: str, station_id: str, pushed: bool, now_us: int) -> OutboxEvent:
    """A station has another credential; the one before has ended. `pushed`: it was handed to it over its socket."""
    return OutboxEvent(
        event_id=f"station.credential_changed:{station_id}:{now_us}",
        tenant_id=tenant_id,
        type="station.credential_changed",
        station_id=station_id,
        event_time_us=now_us,
        data={"pushed": pushed},
    )


def credential_not_taken(*, tenant_id: str, station_id: str, error: MeshError, now_us: int) -> OutboxEvent:
    """A station was accepted, and did not take its first credential: whoever knows its id comes in as it."""
    return OutboxEvent(
        event_id=f"station.credential_not_taken:{station_id}:{now_us}",
        tenant_id=tenant_id,
        type="station.credential_not_taken",
        station_id=station_id,
        event_time_us=now_us,
        data={"reason": error.reason, "message": error.message},
    )


def credential_failed(
    *, tenant_id: str, station_id: str, count: int, total: int, address: str, now_us: int
) -> OutboxEvent:
    """Handshakes in a station's name did not prove who it is: `count` since the last such event."""
    return OutboxEvent(
        event_id=f"station.credential_failed:{station_id}:{now_us}",
        tenant_id=tenant_id,
        type="station.credential_failed",
        station_id=station_id,
        event_time_us=now_us,
        data={"count": count, "total": total, "remoteAddress": address},
    )


def deleted(*, tenant_id: str, station_id: str, now_us: int) -> OutboxEvent:
    """An operator removed a station."""
    return OutboxEvent(
        event_id=f"station.deleted:{station_id}:{now_us}",
        tenant_id=tenant_id,
        type="station.deleted",
        station_id=station_id,
        event_time_us=now_us,
    )


def connected(knock: Knock, opened: Opened, now_us: int) -> OutboxEvent:
    """A station has a socket; an earlier one, if any, no longer counts."""
    return OutboxEvent(
        event_id=f"station.connected:{opened.epoch}",
        tenant_id=opened.tenant_id,
        type="station.connected",
        station_id=knock.station_id,
        event_time_us=now_us,
        data={"epoch": opened.epoch, "ocppVersion": knock.ocpp_version, "nodeId": knock.node_id},
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
        "bootReason": _name(station_pb2.BootReason.Name, boot.reason),
        "vendorName": boot.identity["vendor_name"],
        "model": boot.identity["model"],
        "firmwareVersion": boot.identity["firmware_version"],
    }
    return _of_frame("station.booted", boot.frame, data)


def status_changed(status: Status) -> OutboxEvent:
    """A connector's status became another one."""
    data: dict[str, str | int] = {
        "evseId": status.evse_id,
        "connectorId": status.connector_id,
        "status": _name(station_pb2.ConnectorStatus.Name, status.status),
        "reportedStatus": status.reported_status,
        "errorCode": status.error_code,
    }
    return _of_frame("station.status_changed", status.frame, data)


def condition_changed(report: ConditionReport, *, tenant_id: str, station_id: str, begin_us: int) -> OutboxEvent:
    """Something began to be wrong with a station, or is right again."""
    kind = "station.condition_began" if report.size else "station.condition_ended"
    data: dict[str, str | int] = {"type": _name(station_pb2.StationConditionType.Name, report.kind)}
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


def data_transferred(transfer: Transfer) -> OutboxEvent:
    """A vendor's own message came in; the data itself stays in the list of data transfers."""
    data = {
        "vendorId": transfer.vendor_id,
        "messageId": transfer.message_id,
        "status": _name(station_ingest_service_pb2.DataTransferStatus.Name, transfer.status),
    }
    return _of_frame("station.data_transferred", transfer.frame, data)


def security_event(event: SecurityEventRow) -> OutboxEvent:
    """A station told of something that bears on its security."""
    data = {
        "type": event.type,
        "techInfo": event.tech_info,
        "criticality": _name(security_event_pb2.SecurityEventCriticality.Name, event.criticality),
    }
    if event.event_us is not None:
        data["eventTime"] = to_timestamp(event.event_us).ToJsonString()
    return _of_frame("station.security_event", event.frame, data)


def local_list_ended(
    *,
    tenant_id: str,
    station_id: str,
    job_id: str,
    request_id: str,
    version: int | None,
    error: MeshError | None,
    now_us: int,
) -> OutboxEvent:
    """A station's local list is in line with the id tokens, or the attempt was given up."""
    data: dict[str, Any] = {"requestId": request_id}
    if error is not None:
        data |= {"reason": error.reason, "message": error.message}
    elif version is not None:
        data["versionNumber"] = version
    kind = "station.local_list_synced" if error is None else "station.local_list_failed"
    return OutboxEvent(
        event_id=f"{kind}:{job_id}",
        tenant_id=tenant_id,
        type=kind,
        station_id=station_id,
        event_time_us=now_us,
        data=data,
    )


def certificate_request(row: CertificateRequestRow, now_us: int) -> OutboxEvent:
    """A request for a certificate came, or went a step further."""
    frame, state = row.frame, _name(certificate_pb2.CertificateRequestState.Name, row.state)
    return OutboxEvent(
        event_id=f"station.certificate_request:{frame.epoch}:{frame.ordinal}:{row.state.value}",
        tenant_id=frame.tenant_id,
        type="station.certificate_request",
        station_id=frame.station_id,
        event_time_us=now_us,
        data={
            "state": state,
            "reason": row.reason,
            "csrSha256": row.csr_sha256,
            "serialNumber": row.serial_number,
        },
    )


def registration_name(status: int) -> str:
    """The contract's name of a registration status."""
    return _name(station_pb2.RegistrationStatus.Name, status)


def _of_frame(kind: str, frame: Frame, data: Mapping[str, str | int]) -> OutboxEvent:
    return OutboxEvent(
        event_id=f"{kind}:{frame.epoch}:{frame.ordinal}",
        tenant_id=frame.tenant_id,
        type=kind,
        station_id=frame.station_id,
        event_time_us=frame.receive_us,
        data=data,
    )


def _name(to_name: Callable[[Any], str], number: int) -> str:
    try:
        return to_name(number)
    except ValueError:  # enums are open: a newer gateway may know a word that this build does not
        return str(number)
