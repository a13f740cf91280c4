"""SetMonitoringBase, N03."""

from collections.abc import Sequence

from csms.station.v1.monitoring_pb2 import SetMonitoringBaseRequest, SetMonitoringBaseResponse

from gateway.ocpp.device_model_enums import DEVICE_MODEL_STATUSES
from gateway.ocpp.enums import words
from gateway.ocpp.monitoring_enums import MONITORING_BASES
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.parts import status_info

_WORDS = words(MONITORING_BASES)


def to_calls(command: SetMonitoringBaseRequest) -> Sequence[Payload]:
    """The set of monitors."""
    word = _WORDS.get(command.monitoring_base)
    if word is None:
        known = ", ".join(sorted(_WORDS.values()))
        raise UnacceptableError("PropertyConstraintViolation", "monitoring_base", f"must be one of {known}")
    return [{"monitoringBase": word}]


def to_answer(_command: SetMonitoringBaseRequest, payloads: Sequence[Payload]) -> SetMonitoringBaseResponse:
    """Whether it is activated."""
    [payload] = payloads
    return SetMonitoringBaseResponse(status=DEVICE_MODEL_STATUSES[payload["status"]], status_info=status_info(payload))


OUTBOUND = Outbound(action="SetMonitoringBase", to_calls=to_calls, to_answer=to_answer)
