"""Turns events of a station into 1.6 messages of the `ocpp` library. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ocpp.v16 import call
from ocpp.v16.datatypes import MeterValue, SampledValue
from ocpp.v16.enums import (
    ChargePointErrorCode,
    ChargePointStatus,
    DiagnosticsStatus,
    MessageTrigger,
    Reason,
    UploadLogStatus,
)
from ocpp.v16.enums import FirmwareStatus as FirmwareStatus16

from simulator.events import (
    ChargingStateChanged,
    MeterSampled,
    Reading,
    Status,
    StatusChanged,
    TransactionStarted,
    TransactionStopped,
)
from simulator.maintenance import Maintenance
from simulator.memory import TransactionMessage
from simulator.notices import (
    CertificateRequest,
    FirmwareReport,
    FirmwareStatus,
    Notice,
    SecurityEvent,
    UploadReport,
    UploadStatus,
)
from simulator.station import Identity
from station_kit.times import format_time

# The number that a station uses if the central system never gave one (OCPP 1.6 errata, 3.x; quirk 18).
NAMELESS = -1

_PLAIN = {
    FirmwareStatus16.download_scheduled: FirmwareStatus16.idle,
    FirmwareStatus16.signature_verified: FirmwareStatus16.downloaded,
    FirmwareStatus16.install_scheduled: FirmwareStatus16.downloaded,
    FirmwareStatus16.install_rebooting: FirmwareStatus16.installing,
}


def boot(identity: Identity) -> Any:
    """BootNotification."""
    return call.BootNotification(
        charge_point_vendor=identity.vendor,
        charge_point_model=identity.model,
        charge_point_serial_number=identity.serial_number,
        firmware_version=identity.firmware_version,
    )


def status(event: StatusChanged, at: datetime) -> Any:
    """StatusNotification."""
    return call.StatusNotification(
        connector_id=event.connector_id,
        error_code=_error_code(event),
        status=ChargePointStatus(event.status.value),
        timestamp=format_time(at),
    )


def notice(event: Notice, at: datetime) -> Any:
    """How far an update or an upload is, in the words of its order; a security event; a certificate request."""
    match event:
        case FirmwareReport(request_id=None):
            return call.FirmwareStatusNotification(status=FirmwareStatus16(event.status.value))
        case FirmwareReport():
            return call.SignedFirmwareStatusNotification(
                status=FirmwareStatus16(event.status.value), request_id=event.request_id
            )
        case UploadReport(request_id=None):
            return call.DiagnosticsStatusNotification(status=_diagnostics_status(event.status))
        case UploadReport():
            return call.LogStatusNotification(status=UploadLogStatus(event.status.value), request_id=event.request_id)
        case SecurityEvent():
            return call.SecurityEventNotification(
                type=event.kind.value, timestamp=format_time(at), tech_info=event.info
            )
        case CertificateRequest():
            return call.SignCertificate(csr=event.csr)


def state(wanted: MessageTrigger, maintenance: Maintenance, *, signed: bool) -> Any:
    """The message that a trigger requests: how far an update or an upload is, Idle if there is none.

    A request in the words of the security extension is answered in them.
    """
    firmware, uploads = maintenance.firmware, maintenance.uploads
    upload = UploadStatus.UPLOADING if uploads.is_under_way else UploadStatus.IDLE
    match wanted:
        case MessageTrigger.log_status_notification:
            return call.LogStatusNotification(status=UploadLogStatus(upload.value), request_id=uploads.request_id)
        case MessageTrigger.diagnostics_status_notification:
            return call.DiagnosticsStatusNotification(status=_diagnostics_status(upload))
        case _:
            status = FirmwareStatus16(firmware.status.value if firmware.is_under_way else FirmwareStatus.IDLE.value)
            if not signed:
                return call.FirmwareStatusNotification(status=_plain(status))
            request_id = firmware.request_id if firmware.is_under_way else None
            return call.SignedFirmwareStatusNotification(status=status, request_id=request_id)


def _plain(status: FirmwareStatus16) -> FirmwareStatus16:
    """The nearest that 1.6 itself can say."""
    return _PLAIN.get(status, status)


def _error_code(event: StatusChanged) -> ChargePointErrorCode:
    if event.status is not Status.FAULTED:
        return ChargePointErrorCode.no_error
    return ChargePointErrorCode(event.error_code or ChargePointErrorCode.other_error)


def _diagnostics_status(status: UploadStatus) -> DiagnosticsStatus:
    """The status of an upload in the words of 1.6."""
    if status in (UploadStatus.IDLE, UploadStatus.UPLOADING, UploadStatus.UPLOADED):
        return DiagnosticsStatus(status.value)
    return DiagnosticsStatus.upload_failed


def transaction_message(event: TransactionMessage, at: datetime, name: str | None, measurands: Sequence[str]) -> Any:
    """StartTransaction, MeterValues or StopTransaction; `name` is the transaction's, where it has one."""
    transaction_id = NAMELESS if name is None else int(name)
    match event:
        case TransactionStarted():
            return call.StartTransaction(
                connector_id=event.connector_id,
                id_tag=event.id_tag,
                meter_start=event.meter_wh,
                timestamp=format_time(at),
                reservation_id=event.reservation_id,
            )
        case TransactionStopped():
            return call.StopTransaction(
                transaction_id=transaction_id,
                meter_stop=event.meter_wh,
                timestamp=format_time(at),
                reason=Reason(event.reason.value),
                id_tag=event.id_tag,
            )
        case ChargingStateChanged():
            raise ValueError("OCPP 1.6 has no message for charging states")
        case MeterSampled():
            return meter_values(event, at, None if event.key is None else transaction_id, measurands)


def meter_values(event: MeterSampled, at: datetime, transaction_id: int | None, measurands: Sequence[str]) -> Any:
    """MeterValues, with the measurands that the station is set to send."""
    sampled = [_sampled(name, event.reading, event.occasion.value) for name in measurands]
    return call.MeterValues(
        connector_id=event.connector_id,
        transaction_id=transaction_id,
        meter_value=[MeterValue(timestamp=format_time(at), sampled_value=[one for one in sampled if one is not None])],
    )


def _sampled(measurand: str, reading: Reading, context: str) -> Any:
    """One sampled value, or None where there is nothing to measure (the charge of no vehicle)."""
    value, unit = {
        "Energy.Active.Import.Register": (reading.register_wh, "Wh"),
        "Power.Active.Import": (reading.power_w, "W"),
        "Voltage": (reading.voltage_v, "V"),
        "Current.Import": (reading.current_a, "A"),
        "SoC": (reading.soc_percent, "Percent"),
        "Power.Offered": (reading.offered_w, "W"),
        "Current.Offered": (reading.offered_a, "A"),
    }[measurand]
    if value is None:
        return None
    location = "EV" if measurand == "SoC" else "Outlet"
    return SampledValue(value=str(value), context=context, measurand=measurand, location=location, unit=unit)
