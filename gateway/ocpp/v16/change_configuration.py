"""ChangeConfiguration, 1.6 section 5.3: one CALL for each variable."""

from collections.abc import Sequence

from csms.station.v1.command_service_pb2 import (
    SET_VARIABLE_STATUS_ACCEPTED,
    SET_VARIABLE_STATUS_REBOOT_REQUIRED,
    SET_VARIABLE_STATUS_UNKNOWN,
    SetVariableResult,
    SetVariablesRequest,
    SetVariablesResponse,
)
from csms.station.v1.station_pb2 import Variable

from gateway.ocpp.checks import check_length
from gateway.ocpp.enums import SET_VARIABLE_STATUSES
from gateway.ocpp.split_variables import SET_FAILURES, failure_of
from gateway.ocpp.translation import CallFailure, Outbound, Payload, UnacceptableError
from gateway.ocpp.v16.configuration import to_key, to_variable

_MAX_VALUE = 500  # CiString500Type
# Security whitepaper, 5.1: 40 characters at the most. Some stations use it as it is, not as hexadecimal (quirk 7).
_PASSWORD = "authorizationkey"  # noqa: S105 - a name
_LEAST_PASSWORD, _MOST_PASSWORD = 16, 40
_TAKEN = frozenset({SET_VARIABLE_STATUS_ACCEPTED, SET_VARIABLE_STATUS_REBOOT_REQUIRED})


def to_calls(command: SetVariablesRequest) -> Sequence[Payload]:
    """One CALL for each variable, in the given order. Nothing is sent where one of them cannot be expressed in 1.6."""
    if not command.variables:
        raise UnacceptableError("OccurenceConstraintViolation", "variables", "at least one is needed")
    return [_to_call(variable, f"variables[{index}]") for index, variable in enumerate(command.variables)]


def _to_call(variable: Variable, field: str) -> Payload:
    key, value = to_key(variable, field), check_length(variable.value, _MAX_VALUE, f"{field}.value")
    if key.lower() == _PASSWORD and not _LEAST_PASSWORD <= len(value) <= _MOST_PASSWORD:
        raise UnacceptableError(
            "PropertyConstraintViolation",
            f"{field}.value",
            f"1.6 takes {_LEAST_PASSWORD} to {_MOST_PASSWORD} characters, as a rule 16 to 20 bytes in hexadecimal",
        )
    return {"key": key, "value": value}


def to_answer(command: SetVariablesRequest, payloads: Sequence[Payload | CallFailure]) -> SetVariablesResponse:
    """One result for each variable, with its present value where that is known.

    A CALL that failed has a result too, with the reason: variables that were set before it stay set.
    """
    pairs = zip(command.variables, payloads, strict=True)
    return SetVariablesResponse(results=[_to_result(variable, payload) for variable, payload in pairs])


def _to_result(variable: Variable, payload: Payload | CallFailure) -> SetVariableResult:
    if isinstance(payload, CallFailure):
        return SetVariableResult(
            status=SET_FAILURES.get(payload.reason, SET_VARIABLE_STATUS_UNKNOWN),
            variable=to_variable(variable.variable, ""),
            status_info=failure_of(payload),
        )
    status = SET_VARIABLE_STATUSES[payload["status"]]
    value = variable.value if status in _TAKEN else ""
    return SetVariableResult(status=status, variable=to_variable(to_key(variable, "variables"), value))


OUTBOUND = Outbound(action="ChangeConfiguration", to_calls=to_calls, to_answer=to_answer, to_partial_answer=to_answer)
