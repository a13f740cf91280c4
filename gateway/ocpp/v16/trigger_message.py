"""TriggerMessage, 1.6 section 5.17, and the security extension's ExtendedTriggerMessage, security whitepaper 5.6."""

from collections.abc import Callable, Mapping, Sequence

from csms.station.v1.command_service_pb2 import TriggerMessageRequest, TriggerMessageResponse

from gateway.ocpp.enums import MESSAGE_TRIGGERS, TRIGGER_MESSAGE_STATUSES
from gateway.ocpp.translation import Alternatives, Outbound, Payload, UnacceptableError
from gateway.ocpp.v16.parts import to_connector_id

Words = Mapping[int, str]


def _words(*known: str) -> Words:
    return {MESSAGE_TRIGGERS[word]: word for word in known}


# 1.6's MessageTrigger.
_PLAIN = _words(
    "BootNotification",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "MeterValues",
    "StatusNotification",
)
# MessageTriggerEnumType of its security extension.
_EXTENDED = _words(
    "BootNotification",
    "FirmwareStatusNotification",
    "Heartbeat",
    "LogStatusNotification",
    "MeterValues",
    "SignChargePointCertificate",
    "StatusNotification",
)


def _to_calls(known: Words) -> Callable[[TriggerMessageRequest], Sequence[Payload]]:
    def to_calls(command: TriggerMessageRequest) -> Sequence[Payload]:
        """The requested message, for one connector where one is named, 0 only for the whole station."""
        word = known.get(command.requested_message)
        if word is None:
            raise UnacceptableError(
                "NotSupported",
                "requested_message",
                f"OCPP 1.6 can be asked for {', '.join(sorted(known.values()))} only",
            )
        connector_id = to_connector_id(command.evse, "evse")
        if command.whole_station:
            if connector_id:
                raise UnacceptableError("NotSupported", "whole_station", "is about no EVSE: leave one of them out")
            return [{"requestedMessage": word, "connectorId": 0}]
        return [{"requestedMessage": word, "connectorId": connector_id} if connector_id else {"requestedMessage": word}]

    return to_calls


def to_answer(_command: TriggerMessageRequest, payloads: Sequence[Payload]) -> TriggerMessageResponse:
    """Whether it will."""
    [payload] = payloads
    return TriggerMessageResponse(status=TRIGGER_MESSAGE_STATUSES[payload["status"]])


PLAIN = Outbound(action="TriggerMessage", to_calls=_to_calls(_PLAIN), to_answer=to_answer)
EXTENDED = Outbound(action="ExtendedTriggerMessage", to_calls=_to_calls(_EXTENDED), to_answer=to_answer)


def choose(command: TriggerMessageRequest) -> Outbound:
    """TriggerMessage, unless the operator requests the extension or only the extension has the message."""
    if command.security_extension:
        return EXTENDED
    only_extended = command.requested_message in _EXTENDED and command.requested_message not in _PLAIN
    return EXTENDED if only_extended else PLAIN


OUTBOUND = Alternatives(outbounds=(PLAIN, EXTENDED), choose=choose)
