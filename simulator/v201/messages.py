"""Turns events of a station into 2.0.1 messages of the `ocpp` library. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ocpp.v201 import call

from simulator.events import (
    ChargingStateChanged,
    MeterSampled,
    Occasion,
    Reading,
    Status,
    StatusChanged,
    StopReason,
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
    SecurityEventType,
    UploadReport,
    UploadStatus,
)
from simulator.station import Identity
from simulator.v201.holdings import Words
from simulator.v201.variables import connector_status
from station_kit.times import format_time
from station_kit.v201.messages import id_token_of

ENERGY_REGISTER = "Energy.Active.Import.Register"

# TriggerReasonEnumType and ReasonEnumType of each end.
_ENDS = {
    StopReason.DE_AUTHORIZED: ("Deauthorized", "DeAuthorized"),
    StopReason.EV_DISCONNECTED: ("EVCommunicationLost", "EVDisconnected"),
    StopReason.HARD_RESET: ("ResetCommand", "ImmediateReset"),
    StopReason.LOCAL: ("StopAuthorized", "Local"),
    StopReason.OTHER: ("AbnormalCondition", "Other"),
    StopReason.POWER_LOSS: ("AbnormalCondition", "PowerLoss"),
    StopReason.REMOTE: ("RemoteStop", "Remote"),
    StopReason.SOFT_RESET: ("ResetCommand", "Reboot"),
    StopReason.UNLOCK_COMMAND: ("UnlockCommand", "Other"),
}
_CHARGING_STATES = {
    Status.CHARGING: "Charging",
    Status.SUSPENDED_EV: "SuspendedEV",
    Status.SUSPENDED_EVSE: "SuspendedEVSE",
}
_SECURITY_EVENTS = {SecurityEventType.INVALID_OWN_CERTIFICATE: "InvalidChargingStationCertificate"}
_TRIGGERS = {Occasion.PERIODIC: "MeterValuePeriodic", Occasion.TRIGGER: "Trigger"}


def boot(identity: Identity) -> Any:
    """BootNotification."""
    station = {
        "model": identity.model,
        "vendor_name": identity.vendor,
        "serial_number": identity.serial_number,
        "firmware_version": identity.firmware_version,
    }
    return call.BootNotification(charging_station=station, reason="PowerUp")


def status(event: StatusChanged, at: datetime) -> Any | None:
    """StatusNotification of the only connector of an EVSE; the station as a whole has none."""
    if event.connector_id == 0:
        return None
    return call.StatusNotification(
        timestamp=format_time(at),
        connector_status=connector_status(event.status.value),
        evse_id=event.connector_id,
        connector_id=1,
    )


def notice(event: Notice, at: datetime) -> Any:
    """The status of an update or an upload; a security event; a certificate request."""
    match event:
        case FirmwareReport():
            return call.FirmwareStatusNotification(status=event.status.value, request_id=event.request_id)
        case UploadReport():
            return call.LogStatusNotification(status=event.status.value, request_id=event.request_id)
        case SecurityEvent():
            word = _SECURITY_EVENTS.get(event.kind, event.kind.value)
            return call.SecurityEventNotification(type=word, timestamp=format_time(at), tech_info=event.info)
        case CertificateRequest():
            return call.SignCertificate(csr=event.csr, certificate_type="ChargingStationCertificate")


def firmware_status(maintenance: Maintenance) -> Any:
    """FirmwareStatusNotification of now: Idle if there is no update."""
    firmware = maintenance.firmware
    if not firmware.is_under_way:
        return call.FirmwareStatusNotification(status=FirmwareStatus.IDLE.value)
    return call.FirmwareStatusNotification(status=firmware.status.value, request_id=firmware.request_id)


def log_status(maintenance: Maintenance) -> Any:
    """LogStatusNotification of now: Idle if there is no upload."""
    uploads = maintenance.uploads
    upload = UploadStatus.UPLOADING if uploads.is_under_way else UploadStatus.IDLE
    return call.LogStatusNotification(status=upload.value, request_id=uploads.request_id)


def transaction_event(
    event: TransactionMessage, at: datetime, *, name: str, seq_no: int, offline: bool, measurands: Sequence[str]
) -> Any:
    """TransactionEvent (E01 to E08)."""
    kind, trigger, info, more = _content(event, at, measurands)
    return call.TransactionEvent(
        event_type=kind,
        timestamp=format_time(at),
        trigger_reason=trigger,
        seq_no=seq_no,
        transaction_info={"transaction_id": name, **info},
        offline=offline,
        **more,
    )


def meter_values(event: MeterSampled, at: datetime, measurands: Sequence[str]) -> Any:
    """MeterValues, outside of a transaction."""
    return call.MeterValues(
        evse_id=event.connector_id, meter_value=[_meter_value(event.reading, event.occasion, at, measurands)]
    )


def _content(
    event: TransactionMessage, at: datetime, measurands: Sequence[str]
) -> tuple[str, str, Words, dict[str, Any]]:
    """Event type, trigger reason, further fields of transactionInfo, and of the message."""
    match event:
        case TransactionStarted():
            more: dict[str, Any] = {
                "evse": {"id": event.connector_id, "connector_id": 1},
                "id_token": _id_token(event.id_tag),
                "meter_value": [_register(event.meter_wh, Occasion.BEGIN, at)],
                "reservation_id": event.reservation_id,
            }
            remote = event.remote_start_id
            info: Words = {"charging_state": "EVConnected"} | ({} if remote is None else {"remote_start_id": remote})
            return "Started", "Authorized" if remote is None else "RemoteStart", info, more
        case ChargingStateChanged():
            return "Updated", "ChargingStateChanged", {"charging_state": _CHARGING_STATES[event.status]}, {}
        case MeterSampled():
            values = [_meter_value(event.reading, event.occasion, at, measurands)]
            return "Updated", _TRIGGERS[event.occasion], {}, {"meter_value": values}
        case TransactionStopped():
            trigger, reason = _ENDS[event.reason]
            more = {"meter_value": [_register(event.meter_wh, Occasion.END, at)]}
            if event.id_tag is not None:
                more["id_token"] = _id_token(event.id_tag)
            return "Ended", trigger, {"stopped_reason": reason}, more


def _id_token(id_tag: str) -> Words:
    found = id_token_of(id_tag)
    return {"id_token": found["idToken"], "type": found["type"]}


def _register(meter_wh: int, occasion: Occasion, at: datetime) -> Words:
    return {"timestamp": format_time(at), "sampled_value": [_sampled(ENERGY_REGISTER, meter_wh, "Wh", occasion)]}


def _meter_value(reading: Reading, occasion: Occasion, at: datetime, measurands: Sequence[str]) -> Words:
    values = {
        ENERGY_REGISTER: (reading.register_wh, "Wh"),
        "Power.Active.Import": (reading.power_w, "W"),
        "Voltage": (reading.voltage_v, "V"),
        "Current.Import": (reading.current_a, "A"),
        "SoC": (reading.soc_percent, "Percent"),
        "Power.Offered": (reading.offered_w, "W"),
        "Current.Offered": (reading.offered_a, "A"),
    }
    found = [(name, *values[name]) for name in measurands]
    sampled = [_sampled(name, value, unit, occasion) for name, value, unit in found if value is not None]
    return {"timestamp": format_time(at), "sampled_value": sampled}


def _sampled(measurand: str, value: float, unit: str, occasion: Occasion) -> Words:
    location = "EV" if measurand == "SoC" else "Outlet"
    return {
        "value": value,
        "context": occasion.value,
        "measurand": measurand,
        "location": location,
        "unit_of_measure": {"unit": unit},
    }
