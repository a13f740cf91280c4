"""ClearDisplayMessage, O05."""

from collections.abc import Sequence

from csms.station.v1.display_message_pb2 import ClearDisplayMessageRequest, ClearDisplayMessageResponse

from gateway.ocpp.checks import check_not_negative
from gateway.ocpp.monitoring_enums import CLEAR_MESSAGE_STATUSES
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.parts import status_info


def to_calls(command: ClearDisplayMessageRequest) -> Sequence[Payload]:
    """The message."""
    if not command.HasField("display_message_id"):
        raise UnacceptableError("OccurrenceConstraintViolation", "display_message_id", "is required")
    return [{"id": check_not_negative(command.display_message_id, "display_message_id")}]


def to_answer(_command: ClearDisplayMessageRequest, payloads: Sequence[Payload]) -> ClearDisplayMessageResponse:
    """Whether it is gone."""
    [payload] = payloads
    return ClearDisplayMessageResponse(
        status=CLEAR_MESSAGE_STATUSES[payload["status"]], status_info=status_info(payload)
    )


OUTBOUND = Outbound(action="ClearDisplayMessage", to_calls=to_calls, to_answer=to_answer)
