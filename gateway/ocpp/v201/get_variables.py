"""GetVariables, B06."""

from collections.abc import Sequence

from csms.common.v1.status_info_pb2 import StatusInfo
from csms.station.v1.command_service_pb2 import (
    GET_VARIABLE_STATUS_ACCEPTED,
    GET_VARIABLE_STATUS_REJECTED,
    GetVariableResult,
    GetVariablesRequest,
    GetVariablesResponse,
)
from csms.station.v1.station_pb2 import Variable

from gateway.ocpp.enums import GET_VARIABLE_STATUSES
from gateway.ocpp.split_variables import failure_of, fitting_parts, hint, limit_read, no_answer
from gateway.ocpp.translation import CallFailure, Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.parts import status_info
from gateway.ocpp.v2.variables import limit_variables, match, to_reference, to_variable, without_value

_LIMIT = "ItemsPerMessage of GetVariables"
_LIMIT_VARIABLES = limit_variables("GetVariables")  # part 2, B06.FR.05


def to_calls(command: GetVariablesRequest) -> Sequence[Payload]:
    """The variables to read, in CALLs of the command's size.

    UnacceptableError for none at all: 2.x has no request for all of them.
    """
    if not command.variables:
        raise UnacceptableError(
            "OccurrenceConstraintViolation", "variables", "OCPP 2.x must be told which; GetBaseReport asks for all"
        )
    named = [to_reference(variable, f"variables[{index}]") for index, variable in enumerate(command.variables)]
    return [{"getVariableData": part} for part in fitting_parts(named, command)]


def to_answer(command: GetVariablesRequest, payloads: Sequence[Payload | CallFailure]) -> GetVariablesResponse:
    """One result per requested variable, in that order, then those that the station returned beside them.

    One that the station left out of its answer counts as rejected, with a hint: it may have stopped at its
    ItemsPerMessage.
    """
    answers = [payload for payload in payloads if not isinstance(payload, CallFailure)]
    matched = match(command.variables, [item for payload in answers for item in payload["getVariableResult"]])
    parts = [call["getVariableData"] for call in to_calls(command)]
    infos = [
        failure_of(payload) if isinstance(payload, CallFailure) else no_answer(_LIMIT, len(part))
        for part, payload in zip(parts, payloads, strict=True)
        for _variable in part
    ]
    asked = zip(command.variables, matched.answers, infos, strict=True)
    results = [_passed_over(variable, info) if item is None else _read(item) for variable, item, info in asked]
    return GetVariablesResponse(results=[*results, *map(_read, matched.beside)])


def _read(item: Payload) -> GetVariableResult:
    status = GET_VARIABLE_STATUSES[item["attributeStatus"]]
    value = item.get("attributeValue", "") if status == GET_VARIABLE_STATUS_ACCEPTED else ""
    info = status_info(item, "attributeStatusInfo")
    return GetVariableResult(status=status, variable=to_variable(item, value), status_info=info)


def _passed_over(variable: Variable, info: StatusInfo) -> GetVariableResult:
    return GetVariableResult(status=GET_VARIABLE_STATUS_REJECTED, variable=without_value(variable), status_info=info)


def to_silence_hint(payload: Payload) -> str:
    """Why there may be no answer."""
    return hint(_LIMIT, len(payload["getVariableData"]))


def to_limit_read(command: GetVariablesRequest) -> GetVariablesRequest | None:
    """The command that reads the station's limits first."""
    return limit_read(command, *_LIMIT_VARIABLES)


OUTBOUND = Outbound(
    action="GetVariables",
    to_calls=to_calls,
    to_answer=to_answer,
    to_partial_answer=to_answer,
    silence_hint=to_silence_hint,
    to_limit_read=to_limit_read,
)
