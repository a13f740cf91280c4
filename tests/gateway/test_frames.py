"""OCPP-J framing, by the sections of part 4 of the standard."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ocpp import frames
from gateway.ocpp.frames import Call, CallError, CallResult, Malformed, Mended, Send, TruncatedCall, parse
from gateway.ocpp.versions import V16, V21, V201, OcppVersion
from mesh.contract.quirk_names import QuirkName

VERSIONS = [V16, V201, V21]


@pytest.mark.parametrize("version", VERSIONS)
def test_call(version: OcppVersion) -> None:
    """4.2.1: a CALL has an id, an action and a payload."""
    assert parse(b'[2,"19223201","BootNotification",{"a":1}]', version) == Call(
        "19223201", "BootNotification", {"a": 1}
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_call_result(version: OcppVersion) -> None:
    """4.2.2: a CALLRESULT has an id and a payload."""
    assert parse(b'[3,"7",{"status":"Accepted"}]', version) == CallResult("7", {"status": "Accepted"})


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
    error = parse(frame.encode(), V16)
    assert isinstance(error, CallError)
    assert (error.message_id, error.code) == ("7", "NotSupported")


def test_send_and_call_result_error_belong_to_2_1() -> None:
    """2.1 adds SEND and CALLRESULTERROR; before it their types are unknown."""
    send = b'[6,"1","NotifyPeriodicEventStream",{}]'
    assert parse(send, V21) == Send("1", "NotifyPeriodicEventStream", {})
    assert parse(send, V201) == Malformed(
        "1", "MessageTypeNotSupported", "the message type is not one of this OCPP version"
    )
    error = parse(b'[5,"1","InternalError","",{}]', V21)
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
        (b'[2,true,"Heartbeat",{}]', None),
        (b'[2,null,"Heartbeat",{}]', None),
        (b'[true,"5","Heartbeat",{}]', "5"),
        (b'[2,4711,"Heartbeat"]', "4711"),
        (b'[9,"5","Heartbeat",{}]', "5"),
        (b'["2","5","Heartbeat",{}]', "5"),
        (b"[" * 20_000, None),
    ],
)
@pytest.mark.parametrize("version", VERSIONS)
def test_malformed_frames_are_refused_with_their_id_where_it_can_be_read(
    frame: bytes, message_id: str | None, version: OcppVersion
) -> None:
    """4.2.3, quirk 10: whatever arrives, an answer names the id if there is one to be read."""
    malformed = parse(frame, version)
    assert isinstance(malformed, Malformed)
    assert malformed.message_id == message_id
    assert malformed.wants_answer
    expected = {"FormationViolation"} if version is V16 else {"RpcFrameworkError", "MessageTypeNotSupported"}
    assert malformed.code in expected


_WHOLE = b'[2,"5","StopTransaction",{"meterStop":12.5e1,"a":[true,"x"],"b":{"c":-7}}]'


@pytest.mark.parametrize("length", range(_WHOLE.index(b"{") + 1, len(_WHOLE)))
def test_a_frame_that_ends_too_soon_says_what_it_would_have_been(length: int) -> None:
    """Wherever it was cut behind its action, within a number too; the text is kept as it came."""
    for frame in (_WHOLE[:length], _WHOLE[:length] + b" \r\n"):
        malformed = parse(frame, V16)
        assert isinstance(malformed, Malformed)
        assert malformed.truncated == TruncatedCall("5", "StopTransaction", frame[_WHOLE.index(b"{") :].decode())
        assert malformed.code == "FormationViolation"


@pytest.mark.parametrize(
    ("frame", "truncated"),
    [
        (b'[2,"5","StopTransaction",{"meterStop":12]', True),
        (b'[2,"5","StopTransaction",{"a":{"b":1]\n', True),
        (b'[2,"5","StopTransaction",{"meterStop":1,]', True),
        (b'\xef\xbb\xbf[2,4711,"StopTransaction",{"note":"a\nb","meterStop":1', True),
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
    malformed = parse(frame, V16)
    assert isinstance(malformed, Malformed)
    assert (malformed.truncated is not None) == truncated


@pytest.mark.parametrize("levels", [100, 900])
def test_frames_that_are_nested_too_deep_are_refused(levels: int) -> None:
    """Code that walks through payloads relies on the bound; many short lists side by side are no depth."""
    deep = b'[2,"5","DataTransfer",{"vendorId":"v","data":' + b'{"a":' * levels + b"1" + b"}" * levels + b"}]"
    assert parse(deep, V16) == Malformed("5", "FormationViolation", "the frame is nested more than 64 levels deep")
    answer = parse(deep.replace(b'[2,"5","DataTransfer",', b'[3,"5",'), V16)
    assert isinstance(answer, Malformed)
    assert not answer.wants_answer
    wide = b'[2,"5","DataTransfer",{"vendorId":"v","data":[' + b",".join([b"[[]]"] * levels) + b"]}]"
    assert isinstance(parse(wide, V16), Call)


@pytest.mark.parametrize(
    "frame", [b"[3]", b'[3,"1"]', b'[4,"1"]', b'[3,"1",{},{}]', b'[3,"1",{"status":}]', b'[4,"1","x"}']
)
def test_broken_answers_are_not_answered(frame: bytes) -> None:
    """There is no answer to an answer."""
    malformed = parse(frame, V16)
    assert isinstance(malformed, Malformed)
    assert not malformed.wants_answer


@pytest.mark.parametrize(
    ("frame", "payload"),
    [
        (b'\xef\xbb\xbf[2,"5","Boot",{"a":"b"}]', {"a": "b"}),
        (b'[2,"5","Boot",{"a":"b"}]\0\0', {"a": "b"}),
        (b'[2,"5","Boot",{"a":"b\nc\td"}]', {"a": "b\nc\td"}),
        (b'[2,"5","Boot",{"a":"b",},]', {"a": "b"}),
        (b'[2,"5","Boot",{"a":[1,2, ]\n,\r\n}]', {"a": [1, 2]}),
        (rb'[2,"5","Boot",{"a":"x\ud83dy"}]', {"a": "x\ufffdy"}),
        (rb'[2,"5","Boot",{"a":"\udc00\ud83d\ude00\ud83d"}]', {"a": "\ufffd\U0001f600\ufffd"}),
        (b'[2,"5","Boot",{"a":"\xed\xa0\xbd"}]', {"a": "\ufffd"}),
        (b'[2,"5","Boot",{"a":",]\n","b":"\\"},",}]', {"a": ",]\n", "b": '"},'}),
        (b'[2,"5","Boot",{"a":"\\\\ud83d",}]', {"a": "\\ud83d"}),
    ],
)
def test_frames_that_are_nearly_json(frame: bytes, payload: object) -> None:
    """Faults that leave the meaning clear are mended and counted; strings keep all their characters."""
    assert parse(frame, V16) == Mended(Call("5", "Boot", payload), (QuirkName.FRAME_FORM,))
    answer = frame.replace(b'[2,"5","Boot",', b'[3,"5",')
    assert parse(answer, V201) == Mended(CallResult("5", payload), (QuirkName.FRAME_FORM,))


@pytest.mark.parametrize(
    "number", ["4711", "0", "-1", "9007199254740993", "98765432109876543210987", "1.50", "1e5", "-0"]
)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_number_for_an_id_is_answered_digit_for_digit(number: str, version: OcppVersion) -> None:
    """Also above 2^53, and above what any machine's integer holds."""
    for frame in (
        f'[2,{number},"Boot",{{"a":1}}]',
        f' [ 2 ,\n{number} , "Boot", {{"a":1,}}]',
        f'\ufeff[2,{number},"Boot",{{"a":1}}]',
    ):
        mended = parse(frame.encode(), version)
        assert isinstance(mended, Mended)
        assert isinstance(mended.frame, Call)
        assert mended.frame == Call(number, "Boot", {"a": 1})
        assert mended.quirks[0] is QuirkName.MESSAGE_ID_NUMBER
        assert frames.encode_result(mended.frame.message_id, {}) == f"[3,{number},{{}}]".encode()
        error = frames.encode_error(mended.frame.message_id, "NotSupported", "")
        assert error == f'[4,{number},"NotSupported","",{{}}]'.encode()


def test_an_empty_id_is_answered_as_it_came() -> None:
    """Served, and counted."""
    mended = parse(b'[2,"","Heartbeat",{}]', V16)
    assert mended == Mended(Call("", "Heartbeat", {}), (QuirkName.MESSAGE_ID_EMPTY,))
    assert frames.encode_result("", {}) == b'[3,"",{}]'


def test_a_frame_that_is_long_and_broken_is_read_once() -> None:
    """No text makes the mending slow: half a megabyte of escaped quotes that never end."""
    for filler in (b'\\"', b'"', b",", b"\\", b'",', b"\\ud800", b", "):
        frame = b'[2,"5","DataTransfer",{"data":"' + filler * (500_000 // len(filler))
        assert isinstance(parse(frame, V16), Malformed)


_ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(payload=_ANY_JSON, faults=st.sets(st.sampled_from(["mark", "comma", "nul", "control"]), min_size=1))
def test_mended_frames_lose_nothing(payload: object, faults: set[str]) -> None:
    """The lenient reader finds the same values in a frame as the strict one."""
    whole = json.dumps([2, "5", "Boot", payload], ensure_ascii=False)
    text = whole
    if "control" in faults:
        text = re.sub(r"(?<!\\)((?:\\\\)*)\\n", "\\1\n", text)
    if "comma" in faults:
        text = text[:-1] + " , ]"
    if "mark" in faults:
        text = "\ufeff" + text
    if "nul" in faults:
        text += "\0"
    parsed = parse(text.encode(), V16)
    frame = parsed.frame if isinstance(parsed, Mended) else parsed
    assert frame == parse(whole.encode(), V16) == Call("5", "Boot", payload)


def test_frames_that_are_sent() -> None:
    """The frames are those that the standard shows."""
    assert json.loads(frames.encode_call("1", "Reset", {"type": "Soft"})) == [2, "1", "Reset", {"type": "Soft"}]
    assert json.loads(frames.encode_result("1", {})) == [3, "1", {}]
    kind, message_id, code, description, details = json.loads(frames.encode_error("1", "InternalError", "x" * 999))
    assert (kind, message_id, code, details) == (4, "1", "InternalError", {})
    assert len(description) == 255
