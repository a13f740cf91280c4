"""Frames of OCPP-J as values (OCPP-J 1.6 and OCPP 2.0.1 part 4, section 4.2). Pure."""

import json
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any


class MessageType(IntEnum):
    """The first element of each frame."""

    CALL = 2
    CALL_RESULT = 3
    CALL_ERROR = 4


class MalformedFrameError(ValueError):
    """A text is no frame of OCPP-J."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """A request."""

    message_id: str
    action: str
    payload: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class CallResult:
    """The answer to a CALL."""

    message_id: str
    payload: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class CallError:
    """The refusal of a CALL; `code` is a word of the table in section 4.2.3."""

    message_id: str
    code: str
    description: str = ""
    details: Any = field(default_factory=dict)


Frame = Call | CallResult | CallError


def encode(frame: Frame) -> str:
    """A frame as text, without spaces."""
    match frame:
        case Call():
            array = [MessageType.CALL, frame.message_id, frame.action, frame.payload]
        case CallResult():
            array = [MessageType.CALL_RESULT, frame.message_id, frame.payload]
        case CallError():
            array = [MessageType.CALL_ERROR, frame.message_id, frame.code, frame.description, frame.details]
    return json.dumps(array, separators=(",", ":"))


def decode(text: str | bytes) -> Frame:
    """The frame that a text is. Raises MalformedFrameError."""
    try:
        array = json.loads(text)
    except ValueError as error:
        raise MalformedFrameError(f"no JSON: {_shown(text)}") from error
    match array:
        case [MessageType.CALL, str(message_id), str(action), payload]:
            return Call(message_id=message_id, action=action, payload=payload)
        case [MessageType.CALL_RESULT, str(message_id), payload]:
            return CallResult(message_id=message_id, payload=payload)
        case [MessageType.CALL_ERROR, str(message_id), str(code), str(description), details]:
            return CallError(message_id=message_id, code=code, description=description, details=details)
    raise MalformedFrameError(f"no frame of OCPP-J: {_shown(text)}")


def _shown(text: str | bytes) -> str:
    return (text if isinstance(text, str) else text.decode(errors="replace"))[:200]
