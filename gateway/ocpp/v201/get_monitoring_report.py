"""GetMonitoringReport, N02."""

from collections.abc import Sequence

from csms.station.v1.monitoring_pb2 import GetMonitoringReportRequest, GetMonitoringReportResponse

from gateway.ocpp.checks import check_not_negative
from gateway.ocpp.device_model_enums import DEVICE_MODEL_STATUSES
from gateway.ocpp.enums import words
from gateway.ocpp.monitoring_enums import MONITORING_CRITERIA
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.parts import status_info
from gateway.ocpp.v2.variables import to_component_variable

_WORDS = words(MONITORING_CRITERIA)


def to_calls(command: GetMonitoringReportRequest) -> Sequence[Payload]:
    """The content of the report; all monitors where nothing is named (N02.FR.05)."""
    if not command.HasField("report_id"):
        raise UnacceptableError("OccurrenceConstraintViolation", "report_id", "is required")
    payload: Payload = {"requestId": check_not_negative(command.report_id, "report_id")}
    if command.criteria:
        payload["monitoringCriteria"] = _criteria(command)
    if command.variables:
        payload["componentVariable"] = [
            to_component_variable(variable, f"variables[{index}]") for index, variable in enumerate(command.variables)
        ]
    return [payload]


def _criteria(command: GetMonitoringReportRequest) -> list[str]:
    """Each word once: the schema takes three at most."""
    found: dict[str, None] = {}
    for index, criterion in enumerate(command.criteria):
        word = _WORDS.get(criterion)
        if word is None:
            known = ", ".join(sorted(_WORDS.values()))
            raise UnacceptableError("PropertyConstraintViolation", f"criteria[{index}]", f"must be one of {known}")
        found[word] = None
    return list(found)


def to_answer(command: GetMonitoringReportRequest, payloads: Sequence[Payload]) -> GetMonitoringReportResponse:
    """Whether it will report."""
    [payload] = payloads
    return GetMonitoringReportResponse(
        status=DEVICE_MODEL_STATUSES[payload["status"]], status_info=status_info(payload), report_id=command.report_id
    )


OUTBOUND = Outbound(action="GetMonitoringReport", to_calls=to_calls, to_answer=to_answer)
