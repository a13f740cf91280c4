"""GetDisplayMessages, O03 and O04."""

from collections.abc import Sequence

from csms.station.v1.display_message_pb2 import (
    MESSAGE_PRIORITY_UNSPECIFIED,
    MESSAGE_STATE_UNSPECIFIED,
    GetDisplayMessagesRequest,
    GetDisplayMessagesResponse,
)

from gateway.ocpp.checks import check_not_negative
from gateway.ocpp.monitoring_enums import GET_DISPLAY_MESSAGES_STATUSES
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.display_messages import priority_word, state_word
from gateway.ocpp.v2.parts import status_info


def to_calls(command: GetDisplayMessagesRequest) -> Sequence[Payload]:
    """The messages to report; all where nothing is named."""
    if not command.HasField("report_id"):
        raise UnacceptableError("OccurrenceConstraintViolation", "report_id", "is required")
    payload: Payload = {"requestId": check_not_negative(command.report_id, "report_id")}
    if command.display_message_ids:
        payload["id"] = list(command.display_message_ids)
    if command.priority != MESSAGE_PRIORITY_UNSPECIFIED:
        payload["priority"] = priority_word(command.priority, "priority")
    if command.shown_state != MESSAGE_STATE_UNSPECIFIED:
        payload["state"] = state_word(command.shown_state, "shown_state")
    return [payload]


def to_answer(command: GetDisplayMessagesRequest, payloads: Sequence[Payload]) -> GetDisplayMessagesResponse:
    """Whether it has such messages."""
    [payload] = payloads
    return GetDisplayMessagesResponse(
        status=GET_DISPLAY_MESSAGES_STATUSES[payload["status"]],
        status_info=status_info(payload),
        report_id=command.report_id,
    )


OUTBOUND = Outbound(action="GetDisplayMessages", to_calls=to_calls, to_answer=to_answer)
