"""Monitors as OCPP 2.x has them, both ways: how one is named, and the data of one."""

import math

from csms.station.v1.monitoring_pb2 import MONITOR_TYPE_UNSPECIFIED, Monitor

from gateway.ocpp.checks import check_int32
from gateway.ocpp.enums import words
from gateway.ocpp.monitoring_enums import MONITOR_TYPES
from gateway.ocpp.translation import Payload, UnacceptableError
from gateway.ocpp.v2.variables import to_reference, to_variable

# Those of 2.1 beyond these are unknown to 2.0.1.
_TYPES = frozenset({"UpperThreshold", "LowerThreshold", "Delta", "Periodic", "PeriodicClockAligned"})
_TYPE_WORDS = {value: word for value, word in words(MONITOR_TYPES).items() if word in _TYPES}
_LEAST_SEVERE = 9
_INTERVALS = frozenset({"Periodic", "PeriodicClockAligned"})


def to_data(monitor: Monitor, field: str) -> Payload:
    """The SetMonitoringDataType of a monitor. UnacceptableError where 2.0.1 cannot express it."""
    word = _TYPE_WORDS.get(monitor.type)
    if word is None:
        known = ", ".join(sorted(_TYPES))
        raise UnacceptableError("PropertyConstraintViolation", f"{field}.type", f"must be one of OCPP 2.0.1's: {known}")
    if not 0 <= monitor.severity <= _LEAST_SEVERE:
        raise UnacceptableError("PropertyConstraintViolation", f"{field}.severity", "must be 0 (danger) to 9 (debug)")
    named = to_reference(monitor.variable, f"{field}.variable")
    named.pop("attributeType", None)
    payload: Payload = {"value": _value(monitor, word, field), "type": word, "severity": monitor.severity, **named}
    if monitor.transaction:
        payload["transaction"] = True
    if monitor.HasField("monitor_id"):
        payload["id"] = monitor.monitor_id
    return payload


def _value(monitor: Monitor, word: str, field: str) -> int | float:
    """N04.FR.07 is our reading of the lower bound: an interval or a difference below 0 has no meaning."""
    value = monitor.value
    if not math.isfinite(value) or (value < 0 and (word in _INTERVALS or word == "Delta")):
        raise UnacceptableError(
            "PropertyConstraintViolation", f"{field}.value", "must be a number, from 0 for this type"
        )
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def to_monitors(item: Payload) -> list[Monitor]:
    """The monitors of a MonitoringDataType: those of one variable."""
    variable = to_variable(item)
    return [
        Monitor(
            monitor_id=check_int32(one["id"], "variableMonitoring.id"),
            variable=variable,
            type=MONITOR_TYPES.get(one["type"], MONITOR_TYPE_UNSPECIFIED),
            value=check_number(one["value"], "variableMonitoring.value"),
            severity=check_int32(one["severity"], "variableMonitoring.severity"),
            transaction=one["transaction"],
        )
        for one in item["variableMonitoring"]
    ]


def check_number(value: float, field: str) -> float:
    """A number as a double; UnacceptableError where it is too large for one."""
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise UnacceptableError("PropertyConstraintViolation", field, "is too large a number")
    return number
