"""No station holds up the others: the CPU of the longest callback that one socket's frames cause is bounded."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from websockets.protocol import OPEN

from gateway.ocpp.translation import IngestRpc
from tests.cpu import BOUND_S
from tests.gateway.lone_socket import LoneSocket, lone_socket
from tests.gateway.websocket_frames import CONTINUATION, PING, TEXT, deflate, deflated, frame
from tests.waiting import until

MIB = 1024 * 1024
TIME = "2026-01-01T00:00:00Z"


def day_of_samples(*, numbers: bool = False) -> list[Any]:
    """The samples of a day, of a station with five measurands a minute: just below 1 MiB."""
    units = ("Energy.Active.Import.Register", "Wh"), ("Power.Active.Import", "W"), ("Current.Import", "A")
    measurands = (*units, ("Voltage", "V"), ("SoC", "Percent"))
    return [
        {
            "timestamp": f"2026-01-01T{minute // 60:02d}:{minute % 60:02d}:00Z",
            "sampledValue": [
                {
                    "value": minute * 17 if numbers else str(minute * 17),
                    "context": "Sample.Periodic",
                    "format": "Raw",
                    "measurand": measurand,
                    "location": "Outlet",
                    "unit": unit,
                }
                for measurand, unit in measurands
            ],
        }
        for minute in range(1440)
    ]


_COSTLY: Mapping[str, Callable[[], Any]] = {
    # Masked in the message log: 0.3 s each.
    "credentials in URLs": lambda: "://x:y@" * 149_000,
    "credentials in a text of JSON": lambda: json.dumps({"AuthorizationKey": "x", "more": "basic aaaa " * 80_000}),
    # Faults that are found, told and looked at one by one.
    "schema faults": lambda: [{"timestamp": TIME, "sampledValue": [1] * 9_900}],
    "faults that are mended": lambda: [{"timestamp": TIME, "sampledValue": [{"value": 1}] * 4_900}],
    # Values that are made and looked through one by one.
    "lists": lambda: [[] for _ in range(340_000)],
    "objects": lambda: [{} for _ in range(340_000)],
    "numbers": lambda: [1] * 500_000,
    "just not too many lists": lambda: [[] for _ in range(99_000)],
    "quirks everywhere": lambda: day_of_samples(numbers=True),
    "nothing but names": lambda: {f"{number}": 1 for number in range(90_000)},
}
# To what fits into one turn of the event loop.
_SMALL: Mapping[str, Callable[[], Any]] = {
    "credentials in URLs": lambda: "://x:y@" * 1_150,
    "secrets": lambda: [{"key": "password"}] * 450,
    "schema faults": lambda: [{"timestamp": TIME, "sampledValue": [1] * 4_000}],
    "faults that are mended": lambda: [{"timestamp": TIME, "sampledValue": [{"value": 1}] * 650}],
    "lists": lambda: [[] for _ in range(2_700)],
    "objects": lambda: [{} for _ in range(2_700)],
    "nothing but names": lambda: {f"{number}": 1 for number in range(700)},
}


def _frame(message_id: str, value: Any) -> bytes:
    """A frame of what costs much: as text within a DataTransfer, or as meter values about a transaction."""
    if isinstance(value, str):
        text = json.dumps([2, message_id, "DataTransfer", {"vendorId": "v", "data": value}])
    else:
        payload = value if isinstance(value, dict) else {"connectorId": 1, "meterValue": value}
        text = json.dumps([2, message_id, "MeterValues", payload], separators=(",", ":"))
    return frame(text.encode(), masked=True)


def _check(lone: LoneSocket) -> None:
    assert lone.longest.cpu_s < BOUND_S, f"{lone.longest.cpu_s * 1000:.0f} ms of CPU in {lone.longest.what}"


async def test_the_largest_legitimate_message() -> None:
    """A StopTransaction with a day of samples is read, checked, translated, logged and acknowledged."""
    payload = {"transactionId": 7, "meterStop": 24_000, "timestamp": TIME, "transactionData": day_of_samples()}
    data = frame(json.dumps([2, "day", "StopTransaction", payload], separators=(",", ":")).encode())
    assert 0.9 * MIB < len(data) < MIB
    with lone_socket() as lone:
        await lone.feed(data)
        assert lone.wire.last[2:].startswith(b'[3,"day",')
        assert lone.sinks[IngestRpc.TRANSACTION_EVENTS].item_bytes > 100_000
        _check(lone)


@pytest.mark.parametrize("kind", _COSTLY)
async def test_frames_that_cost_much(kind: str) -> None:
    """They are answered, and no callback takes longer than others may wait."""
    data = [_frame(f"{number}", _COSTLY[kind]()) for number in range(3)]
    with lone_socket() as lone:
        for number, one in enumerate(data):
            await lone.feed(one)
            assert f'"{number}"'.encode() in lone.wire.last
        _check(lone)


@pytest.mark.parametrize("kind", _SMALL)
async def test_many_frames_at_once_each_as_costly_as_it_can_be(kind: str) -> None:
    """Frames that are worked on in the event loop: all of one read, and all that wait for one answer."""
    data = b"".join(_frame(f"{number}", _SMALL[kind]()) for number in range(12))
    with lone_socket() as lone:
        await lone.feed(data)
        assert b'"11"' in lone.wire.last
        _check(lone)


async def test_many_small_faulty_frames_at_once() -> None:
    """Each is refused, or not even a message."""
    frames = [b"", b"x", b"[]", b'[2,"","A",{}]', b'[2,"1","MeterValues",{}]', b'[2,"1","A",{}]', b"[9]"]
    with lone_socket() as lone:
        await lone.feed(b"".join(frame(one) for one in frames * 2_000))
        _check(lone)


async def test_the_log_masks_no_more_than_it_keeps() -> None:
    """The 40 frames of 1 MiB that kept the loop for 12.7 s: the log has their beginnings, without a password."""
    data = _frame("1", _COSTLY["credentials in URLs"]())
    with lone_socket() as lone:
        for _ in range(40):
            await lone.feed(data)
        _check(lone)
        await lone.buffer.drain(60)
        assert lone.logged_bytes < 41 * 66_000


async def test_empty_parts_of_a_message() -> None:
    """12 MiB of empty continuation frames cost 8 s: a message has a bounded number of parts."""
    part = frame(b"", CONTINUATION, fin=False)
    with lone_socket() as lone:
        await lone.feed(frame(b"", fin=False) + part * (12 * MIB // len(part)))
        assert lone.socket.protocol.close_sent is not None
        assert lone.socket.protocol.close_sent.code == 1009
        _check(lone)


async def test_a_message_in_parts_of_one_byte() -> None:
    """The bound is far from what stations do."""
    data = b'[2,"parts","Heartbeat",{}]'
    parts = [frame(data[at : at + 1], CONTINUATION if at else TEXT, fin=at == len(data) - 1) for at in range(len(data))]
    with lone_socket() as lone:
        await lone.feed(b"".join(parts))
        assert b'[3,"parts",' in lone.wire.last


async def test_frames_that_swell() -> None:
    """61 KiB on the wire were 40 MiB in the gateway: a message that swells like that closes the socket with 1009."""
    text = json.dumps([2, "1", "DataTransfer", {"vendorId": "v", "data": "://x:y@" * 149_000}]).encode()
    with lone_socket(compressed=True) as lone:
        await lone.feed(deflated(text) * 40)
        assert lone.socket.protocol.close_sent is not None
        assert lone.socket.protocol.close_sent.code == 1009
        _check(lone)


async def test_a_day_of_samples_that_never_change_may_be_compressed() -> None:
    """Nothing that a station has reason to send swells as much as what is refused."""
    samples = [{"value": "0", "measurand": "Power.Active.Import", "unit": "W"}] * 5
    values = [
        {"timestamp": f"2026-01-01T{at // 60:02d}:{at % 60:02d}:00Z", "sampledValue": samples} for at in range(1440)
    ]
    payload = {"transactionId": 7, "meterStop": 0, "timestamp": TIME, "transactionData": values}
    text = json.dumps([2, "day", "StopTransaction", payload]).encode()
    assert len(text) > 50 * len(deflated(text))
    with lone_socket(compressed=True) as lone:
        await lone.feed(deflated(text))
        assert lone.socket.protocol.state is OPEN
        assert lone.sinks[IngestRpc.TRANSACTION_EVENTS].items == 1


async def test_a_swelling_message_in_parts_is_counted_as_a_whole() -> None:
    """Sixteen parts, each below what one message may swell to, are one message."""
    text = b"x" * (900 * 1024)
    body = deflate(text)
    step = len(body) // 16 + 1
    parts = [body[at : at + step] for at in range(0, len(body), step)]
    frames = [
        frame(part, CONTINUATION if number else TEXT, fin=number == len(parts) - 1, rsv=0 if number else 0x40)
        for number, part in enumerate(parts)
    ]
    with lone_socket(compressed=True) as lone:
        await lone.feed(b"".join(frames))
        assert lone.socket.protocol.close_sent is not None
        assert lone.socket.protocol.close_sent.code == 1009


async def test_pings_of_a_station_that_never_reads() -> None:
    """60 MiB of pings kept 96 MiB of pongs: nothing more is taken from a station that does not read."""
    ping = frame(b"x" * 125, PING)
    with lone_socket() as lone:
        lone.wire.reads = False
        await lone.feed(ping * (4 * MIB // len(ping)))
        assert lone.wire.unread < 40_000
        assert not lone.wire.is_reading
        assert len(lone.socket._rest) <= 256 * 1024
        blocked = [lone.session.liveness.blocked_since_s is not None]  # and it is cut off as one that does not read
        lone.socket.resume_writing()
        lone.wire.reads = True
        assert [*blocked, lone.session.liveness.blocked_since_s is not None] == [True, False]
        await lone.settle()
        assert lone.wire.is_reading


async def test_a_station_that_does_not_close_is_not_waited_for() -> None:
    """Where we failed the connection its end is ours, whether the far end closes or not."""
    with lone_socket() as lone:
        lone.socket.close_timeout = 0.0
        await lone.feed(frame(b"[]", rsv=0x40))
        await until(lambda: lone.wire.is_closed)
