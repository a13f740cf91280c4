"""OCPP-J framing, by the sections of part 4 of the standard."""

import json

import pytest

from gateway import ocppj
from gateway.ocppj import Call, CallError, CallResult, Malformed, Send, TruncatedCall, parse

VERSIONS = ["1.6", "2.0.1", "2.1"]


@pytest.mark.parametrize("label", VERSIONS)
def test_call(label: str) -> None:
    """4.2.1: a CALL has an id, an action and a payload."""
    assert parse(b'[2,"19223201","BootNotification",{"a":1}]', label) == Call("19223201", "BootNotification", {"a": 1})


@pytest.mark.parametrize("label", VERSIONS)
def test_call_result(label: str) -> None:
    """4.2.2: a CALLRESULT has an id and a payload."""
    assert parse(b'[3,"7",{"status":"Accepted"}]', label) == CallResult("7", {"status": "Accepted"})


@pytest.mark.parametrize(
    "frame",
    [
        '[4,"7","NotSupported","no",{"k":1}]',
        '[4,"7","NotSupported","no"]',
        '[4,"7","NotSupported"]',
        '[4,"7","NotSupported",null,null]',
    ],
)
def test_call_error_in_every_length_that_stations_send(frame: str) -> None:
    """4.2.3: what counts in a CALLERROR is its id and code, the rest may be missing."""
    error = parse(frame.encode(), "1.6")
    assert isinstance(error, CallError)
    assert (error.message_id, error.code) == ("7", "NotSupported")


def test_send_and_call_result_error_belong_to_2_1() -> None:
    """2.1 adds SEND and CALLRESULTERROR; before it their types are unknown."""
    send = b'[6,"1","NotifyPeriodicEventStream",{}]'
    assert parse(send, "2.1") == Send("1", "NotifyPeriodicEventStream", {})
    assert parse(send, "2.0.1") == Malformed(
        "1", "MessageTypeNotSupported", "the message type is not one of this OCPP version"
    )
    error = parse(b'[5,"1","InternalError","",{}]', "2.1")
    assert isinstance(error, CallError)
    assert error.of_result


@pytest.mark.parametrize(
    ("frame", "message_id"),
    [
        (b"not json", None),
        (b"\xff\xfe", None),
        (b"{}", None),
        (b"[]", None),
        (b"[2]", None),
        (b'[2,"5","MeterValues",{"transactionId":,}]', "5"),
        (b'[2,"5","Heartbeat"]', "5"),
        (b'[2,"5","Heartbeat",{},{}]', "5"),
        (b'[2,"5",7,{}]', "5"),
        (b'[2,5,"Heartbeat",{}]', None),
        (b'[2,"","Heartbeat",{}]', None),
        (b'[9,"5","Heartbeat",{}]', "5"),
        (b'["2","5","Heartbeat",{}]', "5"),
        (b"[" * 20_000, None),
    ],
)
@pytest.mark.parametrize("label", VERSIONS)
def test_malformed_frames_are_refused_with_their_id_where_it_can_be_read(
    frame: bytes, message_id: str | None, label: str
) -> None:
    """4.2.3, quirk 10: whatever arrives, an answer names the id if there is one to be read."""
    malformed = parse(frame, label)
    assert isinstance(malformed, Malformed)
    assert malformed.message_id == message_id
    assert malformed.wants_answer
    expected = {"FormationViolation"} if label == "1.6" else {"RpcFrameworkError", "MessageTypeNotSupported"}
    assert malformed.code in expected


_WHOLE = b'[2,"5","StopTransaction",{"meterStop":12.5e1,"a":[true,"x"],"b":{"c":-7}}]'


@pytest.mark.parametrize("length", range(_WHOLE.index(b"{") + 1, len(_WHOLE)))
def test_a_frame_that_ends_too_soon_says_what_it_would_have_been(length: int) -> None:
    """Wherever it was cut behind its action, within a number too; the text is kept as it came."""
    for frame in (_WHOLE[:length], _WHOLE[:length] + b" \r\n"):
        malformed = parse(frame, "1.6")
        assert isinstance(malformed, Malformed)
        assert malformed.truncated == TruncatedCall("5", "StopTransaction", frame[_WHOLE.index(b"{") :].decode())
        assert malformed.code == "FormationViolation"


@pytest.mark.parametrize(
    ("frame", "truncated"),
    [
        (b'[2,"5","StopTransaction",{"meterStop":12]', True),
        (b'[2,"5","StopTransaction",{"a":{"b":1]\n', True),
        (b'[2,"5","StopTransaction",{"meterStop":1,}]', False),
        (b'[2,"5","StopTransaction",{"meterStop":,', False),
        (b'[2,"5","StopTransaction",{"meterStop":1}}]', False),
        (b'[2,"5","StopTra', False),
        (b'[2,"5"', False),
        (b'[3,"5",{"status":"Acc', False),
        (b'[2,"5","StopTransaction",{"a":"\xff', True),
        (b'[2,"5","StopTransaction",' + b"[" * 20_000, False),
    ],
)
def test_what_counts_as_truncated(frame: bytes, truncated: bool) -> None:
    """Only the end is missing, or braces before the last bracket; anything else that is wrong is no truncation."""
    malformed = parse(frame, "1.6")
    assert isinstance(malformed, Malformed)
    assert (malformed.truncated is not None) == truncated


@pytest.mark.parametrize("levels", [100, 900])
def test_frames_that_are_nested_too_deep_are_refused(levels: int) -> None:
    """What walks through payloads later may rely on a bound; many short lists side by side are no depth."""
    deep = b'[2,"5","DataTransfer",{"vendorId":"v","data":' + b'{"a":' * levels + b"1" + b"}" * levels + b"}]"
    assert parse(deep, "1.6") == Malformed("5", "FormationViolation", "the frame is nested more than 64 levels deep")
    answer = parse(deep.replace(b'[2,"5","DataTransfer",', b'[3,"5",'), "1.6")
    assert isinstance(answer, Malformed)
    assert not answer.wants_answer
    wide = b'[2,"5","DataTransfer",{"vendorId":"v","data":[' + b",".join([b"[[]]"] * levels) + b"]}]"
    assert isinstance(parse(wide, "1.6"), Call)


@pytest.mark.parametrize(
    "frame", [b"[3]", b'[3,"1"]', b'[4,"1"]', b'[3,"1",{},{}]', b'[3,"1",{"status":}]', b'[4,"1","\\ud800"]']
)
def test_broken_answers_are_not_answered(frame: bytes) -> None:
    """There is no answer to an answer."""
    malformed = parse(frame, "1.6")
    assert isinstance(malformed, Malformed)
    assert not malformed.wants_answer


def test_frames_that_are_sent() -> None:
    """What we write is what the standard shows."""
    assert json.loads(ocppj.encode_call("1", "Reset", {"type": "Soft"})) == [2, "1", "Reset", {"type": "Soft"}]
    assert json.loads(ocppj.encode_result("1", {})) == [3, "1", {}]
    kind, message_id, code, description, details = json.loads(ocppj.encode_error("1", "InternalError", "x" * 999))
    assert (kind, message_id, code, details) == (4, "1", "InternalError", {})
    assert len(description) == 255
