"""TriggerMessage, 1.6 section 5.17."""

from collections.abc import Sequence

from csms.station.v1.command_service_pb2 import TriggerMessageRequest, TriggerMessageResponse

from gateway.enums import MESSAGE_TRIGGERS, TRIGGER_MESSAGE_STATUSES, words
from gateway.translation import Outbound, Payload, UnacceptableError
from gateway.v16.parts import to_connector_id

# 1.6's MessageTrigger. What the security extension adds needs its ExtendedTriggerMessage.
_KNOWN = frozenset(
    {
        "BootNotification",
        "DiagnosticsStatusNotification",
        "FirmwareStatusNotification",
        "Heartbeat",
        "MeterValues",
        "StatusNotification",
    }
)
_WORDS = {value: word for value, word in words(MESSAGE_TRIGGERS).items() if word in _KNOWN}


def to_calls(command: TriggerMessageRequest) -> Sequence[Payload]:
    """The message to ask for, for one connector where one is named; EVSE 0 stands for all."""
    word = _WORDS.get(command.requested_message)
    if word is None:
        raise UnacceptableError(
            "NotSupported", "requested_message", f"OCPP 1.6 can be asked for {', '.join(sorted(_KNOWN))} only"
        )
    connector_id = to_connector_id(command.evse, "evse")
    return [{"requestedMessage": word, "connectorId": connector_id} if connector_id else {"requestedMessage": word}]


def to_answer(_command: TriggerMessageRequest, payloads: Sequence[Payload]) -> TriggerMessageResponse:
    """Whether it will."""
    [payload] = payloads
    return TriggerMessageResponse(status=TRIGGER_MESSAGE_STATUSES[payload["status"]])


OUTBOUND = Outbound(action="TriggerMessage", to_calls=to_calls, to_answer=to_answer)
