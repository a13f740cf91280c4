"""ClearVariableMonitoring, N06."""

from collections.abc import Sequence

from csms.common.v1.status_info_pb2 import StatusInfo
from csms.station.v1.monitoring_pb2 import (
    CLEAR_MONITORING_STATUS_NOT_SENT,
    CLEAR_MONITORING_STATUS_UNKNOWN,
    ClearMonitorResult,
    ClearVariableMonitoringRequest,
    ClearVariableMonitoringResponse,
)

from gateway.ocpp.checks import check_int32
from gateway.ocpp.monitoring_enums import CLEAR_MONITORING_STATUSES
from gateway.ocpp.size_limits import beside, is_unsent, sized_parts
from gateway.ocpp.split_variables import failure_of, no_answer
from gateway.ocpp.translation import CallFailure, Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.parts import status_info

_LIMIT = "ItemsPerMessage of ClearVariableMonitoring"


def to_calls(command: ClearVariableMonitoringRequest) -> Sequence[Payload]:
    """The numbers, in CALLs of the command's size (N06.FR.07)."""
    if not command.monitor_ids:
        raise UnacceptableError("OccurrenceConstraintViolation", "monitor_ids", "at least one is needed")
    return [{"id": part} for part in sized_parts(command.monitor_ids, command)]


def to_answer(
    command: ClearVariableMonitoringRequest, payloads: Sequence[Payload | CallFailure]
) -> ClearVariableMonitoringResponse:
    """One result for each monitor, in the order of the request; unknown where the station said nothing of one."""
    results = [
        _to_result(number, payload) for number, payload in beside(sized_parts(command.monitor_ids, command), payloads)
    ]
    return ClearVariableMonitoringResponse(results=results)


def _to_result(number: int, payload: Payload | CallFailure) -> ClearMonitorResult:
    if isinstance(payload, CallFailure):
        status = CLEAR_MONITORING_STATUS_NOT_SENT if is_unsent(payload) else CLEAR_MONITORING_STATUS_UNKNOWN
        return ClearMonitorResult(status=status, monitor_id=number, status_info=failure_of(payload))
    answers = payload["clearMonitoringResult"]
    for item in answers:
        if check_int32(item["id"], "clearMonitoringResult.id") == number:
            info: StatusInfo | None = status_info(item)
            status = CLEAR_MONITORING_STATUSES[item["status"]]
            return ClearMonitorResult(status=status, monitor_id=number, status_info=info)
    info = no_answer(_LIMIT, len(answers) + 1)
    return ClearMonitorResult(status=CLEAR_MONITORING_STATUS_UNKNOWN, monitor_id=number, status_info=info)


OUTBOUND = Outbound(
    action="ClearVariableMonitoring", to_calls=to_calls, to_answer=to_answer, to_partial_answer=to_answer
)
