"""CALLs that wait for their answers."""

import pytest

from station_kit.frames import CallError, CallResult
from station_kit.pending_calls import PendingCalls, UnmatchedAnswerError


def test_an_answer_finds_its_call_once() -> None:
    pending: PendingCalls[str] = PendingCalls()
    pending.add("1", "boot")
    pending.add("2", "heartbeat")
    assert pending.take(CallResult(message_id="2", payload={})) == "heartbeat"
    assert pending.take(CallError(message_id="1", code="InternalError")) == "boot"
    with pytest.raises(UnmatchedAnswerError, match="message_id='1'"):
        pending.take(CallResult(message_id="1", payload={}))


def test_a_message_id_is_used_once_at_a_time() -> None:
    pending: PendingCalls[str] = PendingCalls()
    pending.add("1", "boot")
    with pytest.raises(ValueError, match="message id 1"):
        pending.add("1", "heartbeat")
    pending.discard("1")
    pending.discard("1")
    pending.add("1", "heartbeat")
    assert pending.take_all() == ["heartbeat"]
    assert pending.take_all() == []
