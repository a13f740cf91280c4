"""SetVariables, B05: all variables in one CALL."""

from collections.abc import Sequence

from csms.station.v1.command_service_pb2 import (
    SET_VARIABLE_STATUS_ACCEPTED,
    SET_VARIABLE_STATUS_REBOOT_REQUIRED,
    SET_VARIABLE_STATUS_REJECTED,
    SetVariableResult,
    SetVariablesRequest,
    SetVariablesResponse,
)
from csms.station.v1.station_pb2 import Variable

from gateway.ocpp.checks import check_length
from gateway.ocpp.enums import SET_VARIABLE_STATUSES
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.parts import status_info
from gateway.ocpp.v2.variables import match, to_reference, to_variable, without_value

_MAX_VALUE = 1000
_TAKEN = frozenset({SET_VARIABLE_STATUS_ACCEPTED, SET_VARIABLE_STATUS_REBOOT_REQUIRED})


def to_calls(command: SetVariablesRequest) -> Sequence[Payload]:
    """One CALL with all variables, in the given order."""
    if not command.variables:
        raise UnacceptableError("OccurrenceConstraintViolation", "variables", "at least one is needed")
    data = [_to_data(variable, f"variables[{index}]") for index, variable in enumerate(command.variables)]
    return [{"setVariableData": data}]


def _to_data(variable: Variable, field: str) -> Payload:
    value = check_length(variable.value, _MAX_VALUE, f"{field}.value")
    return {**to_reference(variable, field), "attributeValue": value}


def to_answer(command: SetVariablesRequest, payloads: Sequence[Payload]) -> SetVariablesResponse:
    """One result for each variable, with the value that the station has now where that is known.

    One that the station passed over in silence counts as rejected.
    """
    [payload] = payloads
    matched = match(command.variables, payload["setVariableResult"])
    pairs = zip(command.variables, matched.answers, strict=True)
    return SetVariablesResponse(results=[_to_result(variable, item) for variable, item in pairs])


def _to_result(variable: Variable, item: Payload | None) -> SetVariableResult:
    if item is None:
        return SetVariableResult(status=SET_VARIABLE_STATUS_REJECTED, variable=without_value(variable))
    status = SET_VARIABLE_STATUSES[item["attributeStatus"]]
    value = variable.value if status in _TAKEN else ""
    info = status_info(item, "attributeStatusInfo")
    return SetVariableResult(status=status, variable=to_variable(item, value), status_info=info)


OUTBOUND = Outbound(action="SetVariables", to_calls=to_calls, to_answer=to_answer)
