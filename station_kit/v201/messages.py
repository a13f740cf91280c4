"""Payloads of OCPP 2.0.1, in its own words. Pure.

`fields` are further fields, or others in the place of these, so that tests can send faulty messages too.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from station_kit.messages import ENERGY_REGISTER, EventType, Message, Payload

_CONTEXTS = {
    EventType.STARTED: "Transaction.Begin",
    EventType.UPDATED: "Sample.Periodic",
    EventType.ENDED: "Transaction.End",
}


def boot_notification(*, vendor: str, model: str, reason: str = "PowerUp", **fields: Any) -> Message:
    """BootNotification (part 2, B01)."""
    station = {"model": model, "vendorName": vendor}
    return Message("BootNotification", {"reason": reason, "chargingStation": station} | fields)


def status_notification(*, status: str, timestamp: str, evse_id: int = 1, connector_id: int = 1) -> Message:
    """StatusNotification (part 2, G01)."""
    where = {"evseId": evse_id, "connectorId": connector_id}
    return Message("StatusNotification", {"timestamp": timestamp, "connectorStatus": status} | where)


def authorize(id_token: str) -> Message:
    """Authorize (part 2, C01)."""
    return Message("Authorize", {"idToken": id_token_of(id_token)})


def sign_certificate(csr: str) -> Message:
    """SignCertificate of the station's own certificate (part 2, A02); `csr` is PEM."""
    return Message("SignCertificate", {"csr": csr, "certificateType": "ChargingStationCertificate"})


def transaction_event(
    event_type: EventType,
    *samples: Payload,
    transaction_id: str,
    timestamp: str,
    seq_no: int,
    trigger_reason: str,
    info: Mapping[str, Any] | None = None,
    **fields: Any,
) -> Message:
    """TransactionEvent (part 2, E); `info` are further fields of transactionInfo, `samples` readings of one moment."""
    payload: Payload = {
        "eventType": event_type.value,
        "timestamp": timestamp,
        "triggerReason": trigger_reason,
        "seqNo": seq_no,
        "transactionInfo": {"transactionId": transaction_id, **(info or {})},
    }
    if samples:
        payload["meterValue"] = [meter_value(samples, timestamp=timestamp)]
    return Message("TransactionEvent", payload | fields)


def meter_value(samples: Sequence[Payload], *, timestamp: str) -> Payload:
    """Readings of one moment (MeterValueType)."""
    return {"timestamp": timestamp, "sampledValue": list(samples)}


def sampled_value(
    value: float, event_type: EventType, *, measurand: str = ENERGY_REGISTER, unit: str = "Wh"
) -> Payload:
    """One reading (SampledValueType), in the context of an event."""
    return {
        "value": value,
        "context": _CONTEXTS[event_type],
        "measurand": measurand,
        "unitOfMeasure": {"unit": unit},
    }


def id_token_of(id_token: str) -> Payload:
    """A card (IdTokenType)."""
    return {"idToken": id_token, "type": "ISO14443"}
