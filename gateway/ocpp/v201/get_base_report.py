"""GetBaseReport, B07."""

from collections.abc import Sequence

from csms.station.v1.device_model_pb2 import GetBaseReportRequest, GetBaseReportResponse

from gateway.ocpp.checks import check_not_negative
from gateway.ocpp.device_model_enums import DEVICE_MODEL_STATUSES, REPORT_BASES
from gateway.ocpp.enums import words
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.parts import status_info

_WORDS = words(REPORT_BASES)


def to_calls(command: GetBaseReportRequest) -> Sequence[Payload]:
    """The kind of report, and its number."""
    word = _WORDS.get(command.report_base)
    if word is None:
        known = ", ".join(sorted(REPORT_BASES))
        raise UnacceptableError("PropertyConstraintViolation", "report_base", f"must be one of {known}")
    request_id = check_not_negative(command.variable_report_id, "variable_report_id")
    return [{"requestId": request_id, "reportBase": word}]


def to_answer(command: GetBaseReportRequest, payloads: Sequence[Payload]) -> GetBaseReportResponse:
    """Whether the station will report."""
    [payload] = payloads
    return GetBaseReportResponse(
        status=DEVICE_MODEL_STATUSES[payload["status"]],
        status_info=status_info(payload),
        variable_report_id=command.variable_report_id,
    )


OUTBOUND = Outbound(action="GetBaseReport", to_calls=to_calls, to_answer=to_answer)
