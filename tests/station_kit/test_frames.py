"""Frames of OCPP-J, both ways, and held against the `ocpp` library."""

import json

import pytest
from ocpp.messages import unpack

from station_kit.frames import Call, CallError, CallResult, Frame, MalformedFrameError, decode, encode

FRAMES = (
    (Call(message_id="1", action="Reset", payload={"type": "Soft"}), '[2,"1","Reset",{"type":"Soft"}]'),
    (CallResult(message_id="1", payload={"status": "Accepted"}), '[3,"1",{"status":"Accepted"}]'),
    (CallError(message_id="1", code="NotImplemented"), '[4,"1","NotImplemented","",{}]'),
)


@pytest.mark.parametrize(("frame", "text"), FRAMES)
def test_a_frame_is_its_array(frame: Frame, text: str) -> None:
    assert encode(frame) == text
    assert decode(text) == decode(text.encode()) == frame


@pytest.mark.parametrize(("frame", "text"), FRAMES)
def test_another_implementation_reads_the_same(frame: Frame, text: str) -> None:
    assert json.loads(unpack(text).to_json()) == json.loads(encode(frame))


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "nothing", '[2,"1","Reset"]', '[5,"1",{}]', "[3,1,{}]", '[2,"1",7,{}]']
)
def test_other_texts_are_refused_with_their_beginning(text: str) -> None:
    with pytest.raises(MalformedFrameError, match="no "):
        decode(text)
    with pytest.raises(MalformedFrameError, match=r"x{200}$"):
        decode(b"x" * 1000)
