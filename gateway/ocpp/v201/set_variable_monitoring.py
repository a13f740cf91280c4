"""SetVariableMonitoring, N04."""

from collections.abc import Sequence

from csms.common.v1.status_info_pb2 import StatusInfo
from csms.station.v1.monitoring_pb2 import (
    SET_MONITORING_STATUS_NOT_SENT,
    SET_MONITORING_STATUS_UNKNOWN,
    Monitor,
    SetMonitorResult,
    SetVariableMonitoringRequest,
    SetVariableMonitoringResponse,
)

from gateway.ocpp.checks import check_int32
from gateway.ocpp.monitoring_enums import SET_MONITORING_STATUSES
from gateway.ocpp.size_limits import is_unsent, sized_parts
from gateway.ocpp.split_variables import failure_of, no_answer
from gateway.ocpp.translation import CallFailure, Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.monitors import to_data
from gateway.ocpp.v2.parts import status_info
from gateway.ocpp.v2.variables import to_variable

_LIMIT = "ItemsPerMessage of SetVariableMonitoring"

_Key = tuple[str, ...]


def to_calls(command: SetVariableMonitoringRequest) -> Sequence[Payload]:
    """The monitors, in CALLs of the command's size (N04.FR.10)."""
    return [{"setMonitoringData": part} for part in _parts(command)]


def _parts(command: SetVariableMonitoringRequest) -> list[list[Payload]]:
    if not command.monitors:
        raise UnacceptableError("OccurrenceConstraintViolation", "monitors", "at least one is needed")
    data = [to_data(monitor, f"monitors[{index}]") for index, monitor in enumerate(command.monitors)]
    return sized_parts(data, command)


def to_answer(
    command: SetVariableMonitoringRequest, payloads: Sequence[Payload | CallFailure]
) -> SetVariableMonitoringResponse:
    """One result for each monitor, in the order of the request; unknown where the station said nothing of one."""
    monitors, results = iter(command.monitors), []
    for part, payload in zip(_parts(command), payloads, strict=True):
        found: dict[_Key, list[Payload]] = {}
        if not isinstance(payload, CallFailure):
            for item in payload["setMonitoringResult"]:
                found.setdefault(_key(item), []).append(item)
        for data in part:
            waiting = found.get(_key(data))
            info = failure_of(payload) if isinstance(payload, CallFailure) else no_answer(_LIMIT, len(part))
            unsent = isinstance(payload, CallFailure) and is_unsent(payload)
            monitor = next(monitors)
            results.append(_to_result(monitor, waiting.pop(0)) if waiting else _unknown(monitor, info, unsent=unsent))
    return SetVariableMonitoringResponse(results=results)


def _key(item: Payload) -> _Key:
    """The subject of an answer: the variable, the type and the severity (SetMonitoringResultType)."""
    variable = to_variable(item)
    names = (variable.component, variable.component_instance, variable.variable, variable.variable_instance)
    numbers = (variable.evse.evse_id, variable.evse.connector_id, int(item["severity"]))
    return (*(name.lower() for name in names), *map(str, numbers), item["type"])


def _to_result(monitor: Monitor, item: Payload) -> SetMonitorResult:
    made = SetMonitorResult(
        status=SET_MONITORING_STATUSES[item["status"]], monitor=monitor, status_info=status_info(item)
    )
    if "id" in item:
        made.monitor.monitor_id = check_int32(item["id"], "setMonitoringResult.id")
    return made


def _unknown(monitor: Monitor, info: StatusInfo, *, unsent: bool) -> SetMonitorResult:
    status = SET_MONITORING_STATUS_NOT_SENT if unsent else SET_MONITORING_STATUS_UNKNOWN
    return SetMonitorResult(status=status, monitor=monitor, status_info=info)


OUTBOUND = Outbound(action="SetVariableMonitoring", to_calls=to_calls, to_answer=to_answer, to_partial_answer=to_answer)
