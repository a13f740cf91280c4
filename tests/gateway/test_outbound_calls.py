"""CALLs to a station: one outstanding, in order, at most once."""

import asyncio
import base64
import json
from urllib.parse import quote

import pytest

from gateway.connection import outbound_calls
from gateway.connection.outbound_calls import OutgoingCalls
from gateway.ocpp.frames import CallError, CallResult
from mesh.runtime.errors import MeshError
from tests.waiting import until


class Wire:
    """The socket's sending side: keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    async def send(self, data: bytes, message_id: str, action: str) -> None:
        """Takes a frame."""
        assert json.loads(data)[:3] == [2, message_id, action]
        self.sent.append((message_id, action))


def _calls(wire: Wire) -> OutgoingCalls:
    return OutgoingCalls(prefix="2a", send=wire.send)


async def test_answers_find_their_calls_and_the_second_call_waits_for_the_first() -> None:
    """OCPP-J 4.1.1: no CALL before the one before it is answered."""
    wire = Wire()
    calls = _calls(wire)
    first = asyncio.ensure_future(calls.call("Reset", {}, timeout_s=60))
    second = asyncio.ensure_future(calls.call("ClearCache", {}, timeout_s=60))
    await until(lambda: wire.sent)
    assert wire.sent == [("2a-1", "Reset")]
    assert calls.resolve(CallResult("2a-1", {"status": "Accepted"})) == "Reset"
    assert (await first).payload == {"status": "Accepted"}
    await until(lambda: len(wire.sent) == 2)
    assert calls.resolve(CallResult("2a-2", {})) == "ClearCache"
    assert (await second).payload == {}


async def test_an_answer_nobody_waits_for_is_told_apart() -> None:
    """A late or made-up answer resolves nothing."""
    wire = Wire()
    calls = _calls(wire)
    assert calls.resolve(CallResult("2a-1", {})) is None
    call = asyncio.ensure_future(calls.call("Reset", {}, timeout_s=60))
    await until(lambda: wire.sent)
    assert calls.resolve(CallResult("other", {})) is None
    calls.resolve(CallResult("2a-1", {}))
    await call


async def test_a_refusal_carries_the_stations_own_code() -> None:
    """A CALLERROR becomes ABORTED with its OCPP code."""
    wire = Wire()
    calls = _calls(wire)
    call = asyncio.ensure_future(calls.call("Reset", {}, timeout_s=60))
    await until(lambda: wire.sent)
    calls.resolve(CallError("2a-1", "NotSupported", "no reset here", {}))
    with pytest.raises(MeshError) as error:
        await call
    assert error.value.reason == "CALL_ERROR"
    assert error.value.metadata == {"ocpp_error_code": "NotSupported", "ocpp_description": "no reset here"}


async def test_a_refusal_of_any_size_fits_the_trailers_of_a_call() -> None:
    """An error whose trailers are above 8 KiB, texts percent-encoded, is dropped: the operator would get UNKNOWN."""
    wire = Wire()
    calls = _calls(wire)
    call = asyncio.ensure_future(calls.call("Reset", {}, timeout_s=60))
    await until(lambda: wire.sent)
    calls.resolve(CallError("2a-1", "💡" * 9_000, "💡" * 9_000, {}))
    with pytest.raises(MeshError) as error:
        await call
    details = base64.b64encode(error.value.to_status().SerializeToString())
    assert len(quote(error.value.message)) + len(details) < 7_500


async def test_no_answer_in_time_and_the_queue_goes_on() -> None:
    """CALL_TIMEOUT ends one command, not the ones behind it; its late answer is nobody's."""
    wire = Wire()
    calls = _calls(wire)
    with pytest.raises(MeshError) as error:
        await calls.call("Reset", {}, timeout_s=0.01)
    assert error.value.reason == "CALL_TIMEOUT"
    assert calls.unanswered == 1
    assert calls.resolve(CallResult("2a-1", {})) is None
    call = asyncio.ensure_future(calls.call("ClearCache", {}, timeout_s=60))
    await until(lambda: len(wire.sent) == 2)
    calls.resolve(CallResult("2a-2", {}))
    assert (await call).payload == {}
    assert calls.unanswered == 0


async def test_a_command_whose_turn_never_came_was_not_sent() -> None:
    """The error says whether the station may have acted."""
    wire = Wire()
    calls = _calls(wire)
    first = asyncio.ensure_future(calls.call("Reset", {}, timeout_s=60))
    await until(lambda: wire.sent)
    with pytest.raises(MeshError) as error:
        await calls.call("ClearCache", {}, timeout_s=0.01)
    assert error.value.reason == "TOO_MANY_COMMANDS"
    assert len(wire.sent) == 1
    calls.resolve(CallResult("2a-1", {}))
    await first


async def test_the_queue_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its bound a command is refused at once."""
    monkeypatch.setattr(outbound_calls, "MAX_WAITING", 1)
    wire = Wire()
    calls = _calls(wire)
    first = asyncio.ensure_future(calls.call("Reset", {}, timeout_s=60))
    await until(lambda: wire.sent)
    with pytest.raises(MeshError) as error:
        await calls.call("ClearCache", {}, timeout_s=60)
    assert error.value.reason == "TOO_MANY_COMMANDS"
    calls.resolve(CallResult("2a-1", {}))
    await first


async def test_a_closing_socket_tells_who_was_sent_and_who_was_not() -> None:
    """STATION_DISCONNECTED where the CALL had left, STATION_OFFLINE where it had not."""
    wire = Wire()
    calls = _calls(wire)
    sent = asyncio.ensure_future(calls.call("Reset", {}, timeout_s=60))
    waiting = asyncio.ensure_future(calls.call("ClearCache", {}, timeout_s=60))
    await until(lambda: wire.sent)
    calls.close()
    outcomes = await asyncio.gather(sent, waiting, return_exceptions=True)
    assert [error.reason for error in outcomes if isinstance(error, MeshError)] == [
        "STATION_DISCONNECTED",
        "STATION_OFFLINE",
    ]
    assert len(wire.sent) == 1


async def test_an_unreadable_answer_ends_the_wait() -> None:
    """The caller gets the error at once, not at the time-out."""
    wire = Wire()
    calls = _calls(wire)
    call = asyncio.ensure_future(calls.call("Reset", {}, timeout_s=60))
    await until(lambda: wire.sent)
    calls.fail_pending("other", "odd")
    calls.fail_pending("2a-1", "a CALLRESULT is [3, id, payload]")
    with pytest.raises(MeshError) as error:
        await call
    assert error.value.reason == "INVALID_ANSWER"
