"""SetMonitoringLevel, N05."""

from collections.abc import Sequence

from csms.station.v1.monitoring_pb2 import SetMonitoringLevelRequest, SetMonitoringLevelResponse

from gateway.ocpp.checks import check_not_negative
from gateway.ocpp.enums import GENERIC_STATUSES
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.parts import status_info


def to_calls(command: SetMonitoringLevelRequest) -> Sequence[Payload]:
    """The severity. One beyond 9 is sent too: N05.FR.03 has the station refuse it."""
    if not command.HasField("severity"):
        raise UnacceptableError("OccurrenceConstraintViolation", "severity", "is required")
    return [{"severity": check_not_negative(command.severity, "severity")}]


def to_answer(_command: SetMonitoringLevelRequest, payloads: Sequence[Payload]) -> SetMonitoringLevelResponse:
    """Whether it is set."""
    [payload] = payloads
    return SetMonitoringLevelResponse(status=GENERIC_STATUSES[payload["status"]], status_info=status_info(payload))


OUTBOUND = Outbound(action="SetMonitoringLevel", to_calls=to_calls, to_answer=to_answer)
