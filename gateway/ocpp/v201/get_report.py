"""GetReport, B08."""

from collections.abc import Mapping, Sequence

from csms.station.v1.device_model_pb2 import GetReportRequest, GetReportResponse

from gateway.ocpp.checks import check_not_negative
from gateway.ocpp.device_model_enums import COMPONENT_CRITERIA, DEVICE_MODEL_STATUSES
from gateway.ocpp.enums import words
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.parts import status_info
from gateway.ocpp.v2.variables import to_component_variable

_WORDS: Mapping[int, str] = words(COMPONENT_CRITERIA)


def to_calls(command: GetReportRequest) -> Sequence[Payload]:
    """The criteria and the variables, each left out where there are none, and the number of the report."""
    payload: Payload = {"requestId": check_not_negative(command.variable_report_id, "variable_report_id")}
    criteria = [_to_word(one, f"component_criteria[{index}]") for index, one in enumerate(command.component_criteria)]
    if len(set(criteria)) < len(criteria):
        raise UnacceptableError("OccurrenceConstraintViolation", "component_criteria", "has one of them twice")
    if criteria:
        payload["componentCriteria"] = criteria
    if command.variables:
        payload["componentVariable"] = [
            to_component_variable(variable, f"variables[{index}]") for index, variable in enumerate(command.variables)
        ]
    return [payload]


def _to_word(criterion: int, field: str) -> str:
    word = _WORDS.get(criterion)
    if word is None:
        known = ", ".join(sorted(COMPONENT_CRITERIA))
        raise UnacceptableError("PropertyConstraintViolation", field, f"must be one of {known}")
    return word


def to_answer(command: GetReportRequest, payloads: Sequence[Payload]) -> GetReportResponse:
    """Whether the station will report."""
    [payload] = payloads
    return GetReportResponse(
        status=DEVICE_MODEL_STATUSES[payload["status"]],
        status_info=status_info(payload),
        variable_report_id=command.variable_report_id,
    )


OUTBOUND = Outbound(action="GetReport", to_calls=to_calls, to_answer=to_answer)
