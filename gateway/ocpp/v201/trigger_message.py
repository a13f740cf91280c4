"""TriggerMessage, F06."""

from collections.abc import Sequence

from csms.station.v1.command_service_pb2 import TriggerMessageRequest, TriggerMessageResponse

from gateway.ocpp.enums import MESSAGE_TRIGGERS, TRIGGER_MESSAGE_STATUSES, words
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.parts import evse_payload, status_info

# Messages that only 1.6 can request.
_NOT_2 = frozenset({"DiagnosticsStatusNotification"})
_WORDS = {value: word for value, word in words(MESSAGE_TRIGGERS).items() if word not in _NOT_2}


def to_calls(command: TriggerMessageRequest) -> Sequence[Payload]:
    """The requested message, for one EVSE or connector where one is named; EVSE 0 means all."""
    word = _WORDS.get(command.requested_message)
    if word is None:
        known = ", ".join(sorted(_WORDS.values()))
        raise UnacceptableError("NotSupported", "requested_message", f"OCPP 2.0.1 can be asked for {known} only")
    if command.whole_station:
        raise UnacceptableError("NotSupported", "whole_station", "OCPP 2.0.1 names no such thing: leave it out")
    evse = evse_payload(command.evse, "evse")
    payload: Payload = {"requestedMessage": word}
    return [payload if evse is None else {**payload, "evse": evse}]


def to_answer(_command: TriggerMessageRequest, payloads: Sequence[Payload]) -> TriggerMessageResponse:
    """Whether it will."""
    [payload] = payloads
    return TriggerMessageResponse(status=TRIGGER_MESSAGE_STATUSES[payload["status"]], status_info=status_info(payload))


OUTBOUND = Outbound(action="TriggerMessage", to_calls=to_calls, to_answer=to_answer)
