"""GetConfiguration, 1.6 section 5.8."""

from collections.abc import Sequence

from csms.common.v1.status_info_pb2 import StatusInfo
from csms.station.v1.command_service_pb2 import (
    GET_VARIABLE_STATUS_ACCEPTED,
    GET_VARIABLE_STATUS_REJECTED,
    GET_VARIABLE_STATUS_UNKNOWN_VARIABLE,
    GetVariableResult,
    GetVariablesRequest,
    GetVariablesResponse,
)
from csms.station.v1.station_pb2 import Variable

from gateway.ocpp.split_variables import failure_of, hint, limit_read, no_answer, parts
from gateway.ocpp.translation import CallFailure, Outbound, Payload
from gateway.ocpp.v16.configuration import COMPONENT, to_key, to_variable

_LIMIT = "GetConfigurationMaxKeys"
_LIMIT_VARIABLE = Variable(component=COMPONENT, variable=_LIMIT)


def to_calls(command: GetVariablesRequest) -> Sequence[Payload]:
    """The keys to read, in CALLs of the command's size; none at all reads every key."""
    keys = [to_key(variable, f"variables[{index}]") for index, variable in enumerate(command.variables)]
    return [{"key": part} if part else {} for part in parts(keys, command.items_per_message)]


def to_answer(command: GetVariablesRequest, payloads: Sequence[Payload | CallFailure]) -> GetVariablesResponse:
    """One result per requested key, in that order, then those that the station returned beside them.

    Keys are compared without regard to case. One that the station left out of its answer counts as rejected, with a
    hint: some stop at their GetConfigurationMaxKeys.
    """
    results: dict[str, GetVariableResult] = {}
    for payload in payloads:
        if not isinstance(payload, CallFailure):
            results |= {item["key"].lower(): _read(item) for item in payload.get("configurationKey", ())}
            for key in payload.get("unknownKey", ()):
                unknown = GetVariableResult(status=GET_VARIABLE_STATUS_UNKNOWN_VARIABLE, variable=to_variable(key))
                results.setdefault(key.lower(), unknown)
    keys = [to_key(variable, "variables") for variable in command.variables]
    asked = {key.lower(): key for key in keys}
    infos = {
        key.lower(): no_answer(_LIMIT, len(part)) if failure is None else failure_of(failure)
        for part, payload in zip(parts(keys, command.items_per_message), payloads, strict=True)
        for failure in [payload if isinstance(payload, CallFailure) else None]
        for key in part
    }
    answered = [results.pop(name) if name in results else _passed_over(key, infos[name]) for name, key in asked.items()]
    return GetVariablesResponse(results=[*answered, *results.values()])


def _read(item: Payload) -> GetVariableResult:
    variable = to_variable(item["key"], item.get("value", ""), readonly=item.get("readonly"))
    return GetVariableResult(status=GET_VARIABLE_STATUS_ACCEPTED, variable=variable)


def _passed_over(key: str, info: StatusInfo) -> GetVariableResult:
    return GetVariableResult(status=GET_VARIABLE_STATUS_REJECTED, variable=to_variable(key), status_info=info)


def to_silence_hint(payload: Payload) -> str:
    """Why there may be no answer."""
    return hint(_LIMIT, len(payload.get("key", ())))


def to_limit_read(command: GetVariablesRequest) -> GetVariablesRequest | None:
    """The command that reads the station's limit first."""
    return limit_read(command, _LIMIT_VARIABLE)


OUTBOUND = Outbound(
    action="GetConfiguration",
    to_calls=to_calls,
    to_answer=to_answer,
    to_partial_answer=to_answer,
    silence_hint=to_silence_hint,
    to_limit_read=to_limit_read,
)
