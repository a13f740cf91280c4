"""SetVariables, B05: as many variables in one CALL as the station's limits allow (B05.FR.11)."""

from collections.abc import Sequence

from csms.station.v1.command_service_pb2 import (
    SET_VARIABLE_STATUS_ACCEPTED,
    SET_VARIABLE_STATUS_REBOOT_REQUIRED,
    SET_VARIABLE_STATUS_REJECTED,
    SET_VARIABLE_STATUS_UNKNOWN,
    GetVariablesRequest,
    SetVariableResult,
    SetVariablesRequest,
    SetVariablesResponse,
)
from csms.station.v1.station_pb2 import Variable

from gateway.ocpp.checks import check_length
from gateway.ocpp.enums import SET_VARIABLE_STATUSES
from gateway.ocpp.split_variables import SET_FAILURES, failure_of, fitting_parts, limit_read
from gateway.ocpp.translation import CallFailure, Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.parts import status_info
from gateway.ocpp.v2.variables import limit_variables, match, to_reference, to_variable, without_value

_MAX_VALUE = 1000
_LIMIT_VARIABLES = limit_variables("SetVariables")
_TAKEN = frozenset({SET_VARIABLE_STATUS_ACCEPTED, SET_VARIABLE_STATUS_REBOOT_REQUIRED})


def to_calls(command: SetVariablesRequest) -> Sequence[Payload]:
    """The variables in the given order, in CALLs of the command's size."""
    if not command.variables:
        raise UnacceptableError("OccurrenceConstraintViolation", "variables", "at least one is needed")
    data = [_to_data(variable, f"variables[{index}]") for index, variable in enumerate(command.variables)]
    return [{"setVariableData": part} for part in fitting_parts(data, command)]


def _to_data(variable: Variable, field: str) -> Payload:
    value = check_length(variable.value, _MAX_VALUE, f"{field}.value")
    return {**to_reference(variable, field), "attributeValue": value}


def to_answer(command: SetVariablesRequest, payloads: Sequence[Payload | CallFailure]) -> SetVariablesResponse:
    """One result for each variable, with the value that the station has now where that is known.

    One that the station passed over in silence counts as rejected. A CALL that failed has results too, with the reason:
    variables that were set before it stay set.
    """
    results: list[SetVariableResult] = []
    for call, payload in zip(to_calls(command), payloads, strict=True):
        begin = len(results)
        variables = command.variables[begin : begin + len(call["setVariableData"])]
        if isinstance(payload, CallFailure):
            results += [_failed(variable, payload) for variable in variables]
        else:
            answers = match(variables, payload["setVariableResult"]).answers
            results += [_to_result(variable, item) for variable, item in zip(variables, answers, strict=True)]
    return SetVariablesResponse(results=results)


def _failed(variable: Variable, failure: CallFailure) -> SetVariableResult:
    return SetVariableResult(
        status=SET_FAILURES.get(failure.reason, SET_VARIABLE_STATUS_UNKNOWN),
        variable=without_value(variable),
        status_info=failure_of(failure),
    )


def _to_result(variable: Variable, item: Payload | None) -> SetVariableResult:
    if item is None:
        return SetVariableResult(status=SET_VARIABLE_STATUS_REJECTED, variable=without_value(variable))
    status = SET_VARIABLE_STATUSES[item["attributeStatus"]]
    value = variable.value if status in _TAKEN else ""
    info = status_info(item, "attributeStatusInfo")
    return SetVariableResult(status=status, variable=to_variable(item, value), status_info=info)


def to_limit_read(command: SetVariablesRequest) -> GetVariablesRequest | None:
    """The command that reads the station's limits first."""
    return limit_read(command, *_LIMIT_VARIABLES)


OUTBOUND = Outbound(
    action="SetVariables",
    to_calls=to_calls,
    to_answer=to_answer,
    to_partial_answer=to_answer,
    to_limit_read=to_limit_read,
)
