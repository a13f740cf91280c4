"""What happened at a station, as 1.6 messages of the `ocpp` library. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ocpp.v16 import call
from ocpp.v16.datatypes import MeterValue, SampledValue
from ocpp.v16.enums import ChargePointErrorCode, ChargePointStatus, Reason

from simulator.clocks import to_text
from simulator.connector import MeterSampled, Reading, StatusChanged, TransactionStarted, TransactionStopped
from simulator.memory import TransactionMessage
from simulator.station import Identity

# What a station names where the central system never gave a name (OCPP 1.6 errata, 3.x; quirk 18 of the field).
NAMELESS = -1


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
        error_code=ChargePointErrorCode.no_error,
        status=ChargePointStatus(event.status.value),
        timestamp=to_text(at),
    )


def transaction_message(event: TransactionMessage, at: datetime, name: str | None, measurands: Sequence[str]) -> Any:
    """StartTransaction, MeterValues or StopTransaction; `name` is the transaction's, where it has one."""
    transaction_id = NAMELESS if name is None else int(name)
    match event:
        case TransactionStarted():
            return call.StartTransaction(
                connector_id=event.connector_id, id_tag=event.id_tag, meter_start=event.meter_wh, timestamp=to_text(at)
            )
        case TransactionStopped():
            return call.StopTransaction(
                transaction_id=transaction_id,
                meter_stop=event.meter_wh,
                timestamp=to_text(at),
                reason=Reason(event.reason.value),
                id_tag=event.id_tag,
            )
        case MeterSampled():
            return meter_values(event, at, None if event.key is None else transaction_id, measurands)


def meter_values(event: MeterSampled, at: datetime, transaction_id: int | None, measurands: Sequence[str]) -> Any:
    """MeterValues, with the measurands that the station is set to send."""
    sampled = [_sampled(name, event.reading, event.occasion.value) for name in measurands]
    return call.MeterValues(
        connector_id=event.connector_id,
        transaction_id=transaction_id,
        meter_value=[MeterValue(timestamp=to_text(at), sampled_value=[one for one in sampled if one is not None])],
    )


def _sampled(measurand: str, reading: Reading, context: str) -> Any:
    """One sampled value, or None where there is nothing to measure (the charge of no vehicle)."""
    value, unit = {
        "Energy.Active.Import.Register": (reading.register_wh, "Wh"),
        "Power.Active.Import": (reading.power_w, "W"),
        "Voltage": (reading.voltage_v, "V"),
        "Current.Import": (reading.current_a, "A"),
        "SoC": (reading.soc_percent, "Percent"),
    }[measurand]
    if value is None:
        return None
    location = "EV" if measurand == "SoC" else "Outlet"
    return SampledValue(value=str(value), context=context, measurand=measurand, location=location, unit=unit)
