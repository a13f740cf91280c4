"""GetConfiguration, 1.6 section 5.8."""

from collections.abc import Sequence

from csms.station.v1.command_service_pb2 import (
    GET_VARIABLE_STATUS_ACCEPTED,
    GET_VARIABLE_STATUS_REJECTED,
    GET_VARIABLE_STATUS_UNKNOWN_VARIABLE,
    GetVariableResult,
    GetVariablesRequest,
    GetVariablesResponse,
)

from gateway.translation import Outbound, Payload
from gateway.v16.configuration import to_key, to_variable


def to_calls(command: GetVariablesRequest) -> Sequence[Payload]:
    """The keys to read; none at all asks for every key."""
    keys = [to_key(variable, f"variables[{index}]") for index, variable in enumerate(command.variables)]
    return [{"key": keys} if keys else {}]


def to_answer(command: GetVariablesRequest, payloads: Sequence[Payload]) -> GetVariablesResponse:
    """One result per key that was asked for, in that order, then those that the station told beside them.

    Keys are compared without regard to case. One that the station passed over in silence counts as rejected: some stop
    at their GetConfigurationMaxKeys.
    """
    [payload] = payloads
    results = {item["key"].lower(): _read(item) for item in payload.get("configurationKey", ())}
    for key in payload.get("unknownKey", ()):
        unknown = GetVariableResult(status=GET_VARIABLE_STATUS_UNKNOWN_VARIABLE, variable=to_variable(key))
        results.setdefault(key.lower(), unknown)
    keys = [to_key(variable, "variables") for variable in command.variables]
    asked = {key.lower(): key for key in keys}
    answered = [results.pop(name) if name in results else _passed_over(key) for name, key in asked.items()]
    return GetVariablesResponse(results=[*answered, *results.values()])


def _read(item: Payload) -> GetVariableResult:
    variable = to_variable(item["key"], item.get("value", ""), readonly=item.get("readonly"))
    return GetVariableResult(status=GET_VARIABLE_STATUS_ACCEPTED, variable=variable)


def _passed_over(key: str) -> GetVariableResult:
    return GetVariableResult(status=GET_VARIABLE_STATUS_REJECTED, variable=to_variable(key))


OUTBOUND = Outbound(action="GetConfiguration", to_calls=to_calls, to_answer=to_answer)
