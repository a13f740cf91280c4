"""Payloads of OCPP 1.6, in its own words. Pure.

`fields` are further fields, or others in the place of these, so that tests can send faulty messages too.
"""

from typing import Any

from station_kit.messages import ENERGY_REGISTER, Message, Payload


def boot_notification(*, vendor: str, model: str, **fields: Any) -> Message:
    """BootNotification (4.2)."""
    return Message("BootNotification", {"chargePointVendor": vendor, "chargePointModel": model} | fields)


def status_notification(
    *, status: str, timestamp: str, connector_id: int = 1, error_code: str = "NoError", **fields: Any
) -> Message:
    """StatusNotification (4.9)."""
    payload = {"connectorId": connector_id, "errorCode": error_code, "status": status, "timestamp": timestamp}
    return Message("StatusNotification", payload | fields)


def authorize(id_tag: str) -> Message:
    """Authorize (4.1)."""
    return Message("Authorize", {"idTag": id_tag})


def sign_certificate(csr: str) -> Message:
    """SignCertificate (security whitepaper, 4.9); `csr` is PEM."""
    return Message("SignCertificate", {"csr": csr})


def start_transaction(
    *, id_tag: str, meter_start: int, timestamp: str, connector_id: int = 1, **fields: Any
) -> Message:
    """StartTransaction (4.8); `meter_start` is in Wh."""
    payload = {"connectorId": connector_id, "idTag": id_tag, "meterStart": meter_start, "timestamp": timestamp}
    return Message("StartTransaction", payload | fields)


def stop_transaction(*, transaction_id: int, meter_stop: int, timestamp: str, **fields: Any) -> Message:
    """StopTransaction (4.10); `meter_stop` is in Wh."""
    payload = {"transactionId": transaction_id, "meterStop": meter_stop, "timestamp": timestamp}
    return Message("StopTransaction", payload | fields)


def meter_values(
    *samples: Payload, timestamp: str, connector_id: int = 1, transaction_id: int | None = None, **fields: Any
) -> Message:
    """MeterValues of one moment (4.7), within a transaction where one is given."""
    transaction = {} if transaction_id is None else {"transactionId": transaction_id}
    values = [{"timestamp": timestamp, "sampledValue": list(samples)}]
    return Message("MeterValues", {"connectorId": connector_id, **transaction, "meterValue": values} | fields)


def sampled_value(value: str, *, measurand: str = ENERGY_REGISTER, unit: str = "Wh", **fields: Any) -> Payload:
    """One reading (SampledValue)."""
    return {"value": value, "measurand": measurand, "unit": unit} | fields
