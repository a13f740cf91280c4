"""SetDisplayMessage, O01, O02 and O06."""

from collections.abc import Sequence

from csms.station.v1.display_message_pb2 import SetDisplayMessageRequest, SetDisplayMessageResponse

from gateway.ocpp.monitoring_enums import DISPLAY_MESSAGE_STATUSES
from gateway.ocpp.translation import Outbound, Payload
from gateway.ocpp.v2 import display_messages
from gateway.ocpp.v2.parts import status_info


def to_calls(command: SetDisplayMessageRequest) -> Sequence[Payload]:
    """The message; one of the same number is replaced (O06)."""
    return [{"message": display_messages.to_payload(command.message, "message")}]


def to_answer(command: SetDisplayMessageRequest, payloads: Sequence[Payload]) -> SetDisplayMessageResponse:
    """Whether it is shown."""
    [payload] = payloads
    return SetDisplayMessageResponse(
        status=DISPLAY_MESSAGE_STATUSES[payload["status"]],
        status_info=status_info(payload),
        display_message_id=command.message.display_message_id,
    )


OUTBOUND = Outbound(action="SetDisplayMessage", to_calls=to_calls, to_answer=to_answer)
