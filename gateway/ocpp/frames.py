"""OCPP-J framing, sans-I/O: text in, messages out, and back. Sources: OCPP-J 1.6, 2.0.1 and 2.1 (part 4), section 4.

Frames are JSON arrays: [2, id, action, payload], [3, id, payload], [4, id, code, description, details], and since 2.1
[5, id, code, description, details] and [6, id, action, payload].

A frame that is not quite JSON is read by gateway/ocpp/lenient.py, and only after strict reading failed.
"""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar

import msgspec

from gateway.ocpp.lenient import BYTE_ORDER_MARK, mended
from gateway.ocpp.versions import OcppVersion
from mesh.contract.quirk_names import QuirkName

CALL, CALL_RESULT, CALL_ERROR, CALL_RESULT_ERROR, SEND = 2, 3, 4, 5, 6

# The standard allows 36 characters; some stations use longer ids, which are accepted up to this length.
MAX_ACCEPTED_ID_LENGTH = 255
# CALLERROR descriptions are at most this long by the standard.
MAX_DESCRIPTION_LENGTH = 255
# No message of OCPP is nested half as deep; what walks through payloads may rely on it.
MAX_DEPTH = 64
# No valid message of 1 MiB has as many lists and objects; making very many of them costs far more than their bytes.
MAX_CONTAINERS = 100_000

Payload = dict[str, Any]


# An empty one is accepted too, but is parsed as a rare frame, so that it is counted.
MessageId = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ACCEPTED_ID_LENGTH)]


class NumericId(str):
    """A message id that the station wrote as a JSON number, by its characters; it is answered as a number again."""

    __slots__ = ()


class Call(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=CALL):
    """A request."""

    message_id: MessageId
    action: str
    payload: Any  # not checked yet: any JSON value
    unconfirmed: ClassVar[bool] = False


class Send(Call, frozen=True, array_like=True, forbid_unknown_fields=True, tag=SEND):
    """A request without an answer (2.1)."""

    unconfirmed: ClassVar[bool] = True


class TruncatedCall(Call, frozen=True, array_like=True, tag=CALL):
    """A request whose frame ends too soon; `payload` is the text of what is there of it, which is not read as JSON."""


class CallResult(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=CALL_RESULT):
    """The answer to a CALL of the gateway."""

    message_id: MessageId
    payload: Any  # not checked yet: any JSON value


class CallError(msgspec.Struct, frozen=True):
    """The refusal of a CALL of the gateway; `of_result` where it refuses a CALLRESULT of the gateway (2.1)."""

    message_id: str
    code: str
    description: str
    details: Payload
    of_result: bool = False


class Malformed(msgspec.Struct, frozen=True):
    """A frame that is none of these. `message_id` is None where it cannot be read; `code` is the OCPP error code.

    `truncated` is the CALL that it would have been, where only its end is missing.
    """

    message_id: str | None
    code: str
    description: str
    wants_answer: bool = True
    truncated: TruncatedCall | None = None


class Mended(msgspec.Struct, frozen=True):
    """A frame that could be read although it violates the standard, and the names of its quirks."""

    frame: Call | CallResult | CallError
    quirks: tuple[QuirkName, ...]


Frame = Call | CallResult | CallError | Malformed | Mended

_NUMBER = rb"-?(?:0|[1-9][0-9]{0,254})(?:\.[0-9]{1,100})?(?:[eE][+-]?[0-9]{1,10})?"
_START = re.compile(rb'\s*\[\s*([234])\s*,\s*(?:"([\x20\x21\x23-\x5b\x5d-\x7e]{0,36})"|(' + _NUMBER + rb"))\s*,")
_ACTION = re.compile(rb'\s*"([A-Za-z]{1,64})"\s*,\s*')
# A number at the end may be cut anywhere: what is left of it need not be one.
_CUT_NUMBER = re.compile(rb"(?<=[\s:,\[])[-0-9][-+.eE0-9]*$")
_encode = msgspec.json.Encoder().encode
_decode_any = msgspec.json.Decoder().decode
# What nearly every frame is: read into its type at once, which costs half of reading lists first.
_decode = msgspec.json.Decoder(Call | CallResult).decode
_decode_21 = msgspec.json.Decoder(Call | Send | CallResult).decode
_NOT_READ = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def parse(data: bytes, version: OcppVersion) -> Frame:
    """The message in a frame of this OCPP version. Never raises."""
    if len(data) > MAX_CONTAINERS and _holds_too_much(data):
        why = f"the frame holds more than {MAX_CONTAINERS} lists and objects"
        return _unread(version, data, why)
    try:
        frame: Call | CallResult = (_decode_21 if version.has_unconfirmed_messages else _decode)(data)
    except _NOT_READ:
        return _parse_rare(data, version)
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH and _is_too_deep(data, [frame.payload]):  # rarely true
        return _parse_rare(data, version)
    return frame


def _parse_rare(data: bytes, version: OcppVersion) -> Frame:
    """A CALLERROR, in which stations omit or add fields; a frame with quirks; or the fault of the frame."""
    try:
        frame = _decode_any(data)
    except _NOT_READ:
        return _parse_mended(data, version)
    return _read(frame, data, version)


def _parse_mended(data: bytes, version: OcppVersion) -> Frame:
    """A frame that is no JSON as it is, but nearly."""
    text = mended(data)
    try:
        frame = _decode_any(text)
    except _NOT_READ:
        return _unread(version, data, "the frame is not JSON", text)
    parsed = _read(frame, text, version)
    if isinstance(parsed, Malformed):
        return parsed
    if isinstance(parsed, Mended):
        return Mended(parsed.frame, (*parsed.quirks, QuirkName.FRAME_FORM))
    return Mended(parsed, (QuirkName.FRAME_FORM,))


def _read(frame: Any, data: bytes, version: OcppVersion) -> Frame:
    """The message in a frame that is JSON; `data` is its text."""
    if not isinstance(frame, list) or not frame:
        return _malformed(version, None, "the frame is not a JSON array")
    if _is_too_deep(data, frame):
        fault = _malformed(version, _readable_id(frame, data), f"the frame is nested more than {MAX_DEPTH} levels deep")
        return fault if frame[0] == CALL else _silent(version, fault.message_id, fault.description)
    kind = frame[0] if isinstance(frame[0], int) and not isinstance(frame[0], bool) else -1
    parser = (_PARSERS_21 if version.has_unconfirmed_messages else _PARSERS).get(kind)
    message_id = _readable_id(frame, data)
    if parser is None:
        code = version.unknown_message_type_code
        return Malformed(message_id, code, "the message type is not one of this OCPP version")
    parsed = parser(frame, message_id, version)
    if isinstance(parsed, Malformed) or message_id is None:
        return parsed
    if isinstance(message_id, NumericId):
        return Mended(parsed, (QuirkName.MESSAGE_ID_NUMBER,))
    return parsed if message_id else Mended(parsed, (QuirkName.MESSAGE_ID_EMPTY,))


_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


def _holds_too_much(data: bytes) -> bool:
    if data.count(b"[") + data.count(b"{") <= MAX_CONTAINERS:
        return False
    data = _STRING.sub(b"", data)  # what is in a text is no list of this frame
    return data.count(b"[") + data.count(b"{") > MAX_CONTAINERS


def _is_too_deep(data: bytes, frame: list[Any]) -> bool:
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return False  # which is nearly every frame
    level: list[Any] = [frame]
    for _ in range(MAX_DEPTH + 1):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, list):
                inner.extend(value)
            elif isinstance(value, dict):
                inner.extend(value.values())
        if not inner:
            return False
        level = inner
    return True


def _parse_call(frame: list[Any], message_id: str | None, version: OcppVersion) -> Call | Malformed:
    if message_id is None:
        return _malformed(version, None, "the message id is neither a string of up to 255 characters nor a number")
    if len(frame) != 4:
        return _malformed(version, message_id, f"a CALL has 4 elements, this one has {len(frame)}")
    if not isinstance(frame[2], str):
        return _malformed(version, message_id, "the action is not a string")
    return (Send if frame[0] == SEND else Call)(message_id, frame[2], frame[3])


def _parse_result(frame: list[Any], message_id: str | None, version: OcppVersion) -> CallResult | Malformed:
    if message_id is None or len(frame) != 3:
        return _silent(version, message_id, "a CALLRESULT is [3, id, payload]")
    return CallResult(message_id, frame[2])


def _parse_error(frame: list[Any], message_id: str | None, version: OcppVersion) -> CallError | Malformed:
    if message_id is None or len(frame) < 3:
        return _silent(version, message_id, "a CALLERROR is [4, id, code, description, details]")
    # Stations leave the last two out, or give null: what counts is that the call has failed.
    description = frame[3] if len(frame) > 3 and isinstance(frame[3], str) else ""
    details = frame[4] if len(frame) > 4 and isinstance(frame[4], dict) else {}
    return CallError(message_id, str(frame[2]), description, details, frame[0] == CALL_RESULT_ERROR)


def _readable_id(frame: list[Any], data: bytes) -> str | None:
    if len(frame) < 2:
        return None
    message_id = frame[1]
    if isinstance(message_id, str):
        return message_id if len(message_id) <= MAX_ACCEPTED_ID_LENGTH else None
    match = _START.match(data)
    if match is None or match[3] is None or len(match[3]) > MAX_ACCEPTED_ID_LENGTH:
        return None
    return NumericId(match[3].decode())  # of the text: a float would lose digits


def _unread(version: OcppVersion, data: bytes, why: str, text: bytes | None = None) -> Malformed:
    """A frame that is not JSON, or not read, with its id if it has any (`[2,"id","MeterValues",{"value":,…`).

    `text` is the frame with all mended that can be, where it may be one of which the end is missing.
    """
    data = data.removeprefix(BYTE_ORDER_MARK)
    match = _START.match(data)
    if match is None:
        return _malformed(version, None, why)
    message_id = match[2].decode("ascii") if match[3] is None else NumericId(match[3].decode("ascii"))
    if match[1] != b"2":
        return _silent(version, message_id, why)
    truncated = None if text is None else _truncated(message_id, data, match.end(), text)
    return msgspec.structs.replace(_malformed(version, message_id, why), truncated=truncated)


def _truncated(message_id: str, data: bytes, position: int, text: bytes) -> TruncatedCall | None:
    """The CALL in a frame that ends too soon, or lacks only the last braces before its bracket; None for any other.

    `position` is where the action begins. Nothing is completed: the last number may have lost its last digits.
    """
    action = _ACTION.match(data, position)
    rest = text.rstrip()
    if action is None or not (_ends_too_soon(rest) or _ends_too_soon(rest.removesuffix(b"]"))):
        return None
    return TruncatedCall(message_id, action[1].decode("ascii"), data[action.end() :].decode(errors="replace"))


def _ends_too_soon(data: bytes) -> bool:
    """Whether all of it is the beginning of JSON."""
    try:
        _decode_any(_CUT_NUMBER.sub(b"0", data))
    except msgspec.DecodeError as error:
        return "truncated" in str(error)
    except (UnicodeDecodeError, RecursionError):
        return False
    return False


def _malformed(version: OcppVersion, message_id: str | None, description: str) -> Malformed:
    return Malformed(message_id, version.malformed_call_code, description)


def _silent(version: OcppVersion, message_id: str | None, description: str) -> Malformed:
    """A broken answer of the station: answering it would only confuse (there is no answer to an answer)."""
    return Malformed(message_id, version.malformed_call_code, description, wants_answer=False)


_Parser = Callable[[list[Any], str | None, OcppVersion], Call | CallResult | CallError | Malformed]
_PARSERS: Mapping[int, _Parser] = {CALL: _parse_call, CALL_RESULT: _parse_result, CALL_ERROR: _parse_error}
_PARSERS_21: Mapping[int, _Parser] = {**_PARSERS, CALL_RESULT_ERROR: _parse_error, SEND: _parse_call}


def encode_call(message_id: str, action: str, payload: Payload) -> bytes:
    """The frame of a CALL."""
    return _encode((CALL, message_id, action, payload))


def encode_result(message_id: str, payload: Payload) -> bytes:
    """The frame of a CALLRESULT."""
    if type(message_id) is NumericId:
        return _encode((CALL_RESULT, msgspec.Raw(message_id.encode()), payload))
    return _encode((CALL_RESULT, message_id, payload))


def encode_error(message_id: str, code: str, description: str) -> bytes:
    """The frame of a CALLERROR; a description that is too long is cut."""
    written = msgspec.Raw(message_id.encode()) if isinstance(message_id, NumericId) else message_id
    return _encode((CALL_ERROR, written, code, description[:MAX_DESCRIPTION_LENGTH], {}))
