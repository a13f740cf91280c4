"""GetVariables, B06."""

from collections.abc import Sequence

from csms.station.v1.command_service_pb2 import (
    GET_VARIABLE_STATUS_ACCEPTED,
    GET_VARIABLE_STATUS_REJECTED,
    GetVariableResult,
    GetVariablesRequest,
    GetVariablesResponse,
)
from csms.station.v1.station_pb2 import Variable

from gateway.enums import GET_VARIABLE_STATUSES
from gateway.translation import Outbound, Payload, UnacceptableError
from gateway.v201.parts import status_info
from gateway.v201.variables import match, to_reference, to_variable, without_value


def to_calls(command: GetVariablesRequest) -> Sequence[Payload]:
    """The variables to read, all in one CALL. UnacceptableError for none at all: 2.x cannot ask for every one."""
    if not command.variables:
        raise UnacceptableError(
            "OccurrenceConstraintViolation", "variables", "OCPP 2.x must be told which; GetBaseReport asks for all"
        )
    named = [to_reference(variable, f"variables[{index}]") for index, variable in enumerate(command.variables)]
    return [{"getVariableData": named}]


def to_answer(command: GetVariablesRequest, payloads: Sequence[Payload]) -> GetVariablesResponse:
    """One result per variable that was asked for, in that order, then those that the station told beside them.

    One that the station passed over in silence counts as rejected.
    """
    [payload] = payloads
    matched = match(command.variables, payload["getVariableResult"])
    asked = zip(command.variables, matched.answers, strict=True)
    results = [_passed_over(variable) if item is None else _read(item) for variable, item in asked]
    return GetVariablesResponse(results=[*results, *map(_read, matched.beside)])


def _read(item: Payload) -> GetVariableResult:
    status = GET_VARIABLE_STATUSES[item["attributeStatus"]]
    value = item.get("attributeValue", "") if status == GET_VARIABLE_STATUS_ACCEPTED else ""
    info = status_info(item, "attributeStatusInfo")
    return GetVariableResult(status=status, variable=to_variable(item, value), status_info=info)


def _passed_over(variable: Variable) -> GetVariableResult:
    return GetVariableResult(status=GET_VARIABLE_STATUS_REJECTED, variable=without_value(variable))


OUTBOUND = Outbound(action="GetVariables", to_calls=to_calls, to_answer=to_answer)
