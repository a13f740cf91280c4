"""Messages on displays as OCPP 2.x has them, part 2, MessageInfoType: both ways."""

from collections.abc import Mapping
from typing import TypeVar

from csms.station.v1.display_message_pb2 import (
    MESSAGE_FORMAT_UNSPECIFIED,
    MESSAGE_PRIORITY_UNSPECIFIED,
    MESSAGE_STATE_UNSPECIFIED,
    DisplayMessage,
    MessagePriority,
    MessageState,
)
from csms.station.v1.station_pb2 import Variable

from gateway.ocpp.checks import check_given, check_int32, check_length, check_not_negative, check_time
from gateway.ocpp.enums import words
from gateway.ocpp.monitoring_enums import MESSAGE_FORMATS, MESSAGE_PRIORITIES, MESSAGE_STATES
from gateway.ocpp.translation import Payload, UnacceptableError
from gateway.ocpp.v2.parts import set_evse_of
from gateway.ocpp.v2.variables import to_component
from gateway.ocpp.values import parse_us, set_time
from mesh.runtime.times import from_timestamp

V = TypeVar("V", bound=int)

_PRIORITY_WORDS = words(MESSAGE_PRIORITIES)
# Words of 2.1 beyond these are unknown to 2.0.1.
_STATE_WORDS = {
    value: word
    for value, word in words(MESSAGE_STATES).items()
    if word in {"Charging", "Faulted", "Idle", "Unavailable"}
}
_FORMAT_WORDS = {
    value: word for value, word in words(MESSAGE_FORMATS).items() if word in {"ASCII", "HTML", "URI", "UTF8"}
}
_MAX_CONTENT, _MAX_LANGUAGE, _MAX_TRANSACTION_ID = 512, 8, 36


def to_payload(message: DisplayMessage, field: str) -> Payload:
    """The MessageInfoType of a message. UnacceptableError where 2.0.1 cannot express it."""
    if not message.HasField("display_message_id"):
        raise UnacceptableError("OccurrenceConstraintViolation", f"{field}.display_message_id", "is required")
    content: Payload = {
        "format": _word(_FORMAT_WORDS, message.format, f"{field}.format"),
        "content": check_length(check_given(message.content, f"{field}.content"), _MAX_CONTENT, f"{field}.content"),
    }
    if message.language:
        content["language"] = check_length(message.language, _MAX_LANGUAGE, f"{field}.language")
    payload: Payload = {
        "id": check_not_negative(message.display_message_id, f"{field}.display_message_id"),
        "priority": priority_word(message.priority, f"{field}.priority"),
        "message": content,
    }
    return payload | _when(message, field)


def _when(message: DisplayMessage, field: str) -> Payload:
    payload: Payload = {}
    if message.shown_state != MESSAGE_STATE_UNSPECIFIED:
        payload["state"] = state_word(message.shown_state, f"{field}.shown_state")
    if message.HasField("start_time"):
        payload["startDateTime"] = check_time(message.start_time, f"{field}.start_time")
    if message.HasField("end_time"):
        payload["endDateTime"] = check_time(message.end_time, f"{field}.end_time")
    both = message.HasField("start_time") and message.HasField("end_time")
    if both and from_timestamp(message.end_time) <= from_timestamp(message.start_time):
        raise UnacceptableError("PropertyConstraintViolation", f"{field}.end_time", "must be later than start_time")
    if message.transaction_id:
        payload["transactionId"] = check_length(message.transaction_id, _MAX_TRANSACTION_ID, f"{field}.transaction_id")
    if message.display.component:
        payload["display"] = to_component(message.display, f"{field}.display")
    return payload


def priority_word(priority: MessagePriority.ValueType, field: str) -> str:
    """OCPP's word for a priority. UnacceptableError where there is none."""
    return _word(_PRIORITY_WORDS, priority, field)


def state_word(state: MessageState.ValueType, field: str) -> str:
    """2.0.1's word for a state of a station. UnacceptableError where there is none."""
    return _word(_STATE_WORDS, state, field)


def _word(known: Mapping[V, str], value: V, field: str) -> str:
    word = known.get(value)
    if word is None:
        options = ", ".join(sorted(known.values()))
        raise UnacceptableError("PropertyConstraintViolation", field, f"must be one of OCPP 2.0.1's words: {options}")
    return word


def to_message(payload: Payload) -> DisplayMessage:
    """The message of a MessageInfoType that a station reported."""
    content = payload["message"]
    message = DisplayMessage(
        display_message_id=check_int32(payload["id"], "messageInfo.id"),
        priority=MESSAGE_PRIORITIES.get(payload["priority"], MESSAGE_PRIORITY_UNSPECIFIED),
        shown_state=MESSAGE_STATES.get(payload.get("state", ""), MESSAGE_STATE_UNSPECIFIED),
        transaction_id=payload.get("transactionId", ""),
        format=MESSAGE_FORMATS.get(content["format"], MESSAGE_FORMAT_UNSPECIFIED),
        language=content.get("language", ""),
        content=content["content"],
    )
    for key, stamp in (("startDateTime", message.start_time), ("endDateTime", message.end_time)):
        us = parse_us(payload[key]) if key in payload else None
        if us is not None:
            set_time(stamp, us)
    if "display" in payload:
        _set_display(message.display, payload["display"])
    return message


def _set_display(display: Variable, component: Payload) -> None:
    display.component = component["name"]
    display.component_instance = component.get("instance", "")
    if "evse" in component:
        set_evse_of(display.evse, component["evse"])
