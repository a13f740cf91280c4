"""Frames as no station should send them, made from good ones; and what must hold after each."""

import asyncio
import contextlib
import json
import random
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import grpc
from grpc_status import rpc_status
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from gateway.ocpp.lenient import mended
from gateway.ocpp.translation import Routes
from mesh.runtime.errors import from_status
from tests.conformance.catalogue import DIRECTIONS
from tests.conformance.edge import SCHEMAS, Edge, boot, examples
from tests.gateway.raw_station import RawStation
from tests.gateway.rig import TIMEOUT_S

PATIENCE_S = 60.0
# RFC 6455, 7.4.1: not UTF-8, too big. The only frames that end a connection.
LAWFUL_CLOSINGS = {1007, 1009}
CODES = {
    "1.6": {
        "FormationViolation",
        "NotImplemented",
        "NotSupported",
        "OccurenceConstraintViolation",
        "PropertyConstraintViolation",
        "TypeConstraintViolation",
    },
    "2.0.1": {
        "FormatViolation",
        "MessageTypeNotSupported",
        "NotImplemented",
        "NotSupported",
        "OccurrenceConstraintViolation",
        "PropertyConstraintViolation",
        "RpcFrameworkError",
        "TypeConstraintViolation",
    },
}
# Outcomes of a command whose answer is nonsense.
REASONS = {"", "CALL_ERROR", "INVALID_ANSWER"}
ITS_ID = "its-id"
ENDED = "FuzzEnded"

Path = tuple[str | int, ...]

_TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["", "\0", "a\0b", "\ud800", "💡" * 300, "x" * 70_000, "-1", "1e999", "2026-13-45T25:61:61Z"]),
    st.sampled_from(
        ["2026-01-01T00:00:00+02", "0001-01-01T00:00:00Z", "9999-12-31T23:59:60+14:00", "https://[", "NaN"]
    ),
)
_NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70),
    st.sampled_from([0, -1, 2**31, -(2**31) - 1, 2**53, 2**63, -(2**63) - 1, 10**400]),
    st.floats(allow_nan=True, allow_infinity=True),
)
_DEEP: Any = json.loads("[" * 100 + "]" * 100)
ODD_VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    _NUMBERS,
    _TEXTS,
    st.sampled_from([[], {}, [[]], [None] * 3_000, {"x": {}}, {"": None}, _DEEP, ["x"] * 20_000]),
    st.recursive(st.one_of(st.none(), _NUMBERS, _TEXTS), lambda inner: st.lists(inner, max_size=3), max_leaves=6),
)


@st.composite
def frames(draw: st.DrawFn, label: str) -> bytes:
    """A CALL of a station, or something like it."""
    actions = sorted(DIRECTIONS[label].from_station | DIRECTIONS[label].to_station)
    action = draw(st.sampled_from(actions))
    payload = draw(st.sampled_from(examples(label, action, "request")))
    frame: Any = [2, draw(_IDS), action, payload]
    return draw(_spoiled(frame))


@st.composite
def answers(draw: st.DrawFn, label: str, action: str) -> bytes:
    """An answer to a CALL of ours, or something like it; it names the CALL as `ITS_ID`."""
    payload = draw(st.sampled_from(examples(label, action, "response")))
    error = [4, ITS_ID, "InternalError", "", {}]
    return draw(_spoiled(draw(st.sampled_from([[3, ITS_ID, payload], error]))))


_IDS = st.one_of(
    st.just("x"),
    st.text(min_size=1, max_size=36),
    st.sampled_from(["", "y" * 255, "y" * 256, "é" * 36, '"', "\\", "-1"]),
)


@st.composite
def _spoiled(draw: st.DrawFn, frame: Any) -> bytes:
    for _ in range(draw(st.integers(0, 3))):
        frame = draw(_changed(frame))
    text = json.dumps(frame, ensure_ascii=draw(st.booleans()))
    data = text.encode("utf-8", "surrogatepass")
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        data = draw(_changed_bytes(data))
    return data


@st.composite
def _changed(draw: st.DrawFn, frame: Any) -> Any:
    """A frame with one place in it replaced, removed, doubled or added to. The original stays as it is."""
    path = draw(st.sampled_from(list(_places(frame))))
    how = draw(st.sampled_from(["replace", "replace", "replace", "remove", "double", "add", "wrap"]))
    if not path:
        return draw(ODD_VALUES) if draw(st.integers(0, 9)) == 0 else frame
    value = draw(ODD_VALUES) if how in ("replace", "add") else None
    return _rebuilt(frame, path, lambda container, step: _change(container, step, how, value))


def _change(container: Any, step: Any, how: str, value: Any) -> None:
    if how == "replace":
        container[step] = value
    elif how == "wrap":
        container[step] = [container[step]]
    elif how == "remove":
        del container[step]
    elif isinstance(container, list):
        container.insert(step, container[step] if how == "double" else value)
    else:
        container[str(step) + ("" if how == "double" else "x")] = value if how == "add" else container[step]


def _rebuilt(value: Any, path: Path, change: Callable[[Any, Any], None]) -> Any:
    copied: Any = list(value) if isinstance(value, list) else dict(value)
    if len(path) == 1:
        change(copied, path[0])
    else:
        copied[path[0]] = _rebuilt(copied[path[0]], path[1:], change)
    return copied


def _places(value: Any, path: Path = ()) -> Any:
    yield path
    if isinstance(value, list | dict) and len(path) < 8:
        steps: Any = range(min(len(value), 8)) if isinstance(value, list) else value
        for step in steps:
            yield from _places(value[step], (*path, step))


@st.composite
def _changed_bytes(draw: st.DrawFn, data: bytes) -> bytes:
    at = draw(st.integers(0, len(data)))
    length = draw(st.integers(0, 8))
    inserted = draw(
        st.one_of(
            st.binary(max_size=4),
            st.sampled_from(
                [b"\xff", b"\xc0\x80", b"\xef\xbb\xbf", b"NaN", b"1e999", b"\\u0000", b'"', b"[", b"}", b"\r\n"]
            ),
        )
    )
    return data[:at] + inserted + data[at + length :]


class Prober:
    """A station that sends frames and holds the gateway to what OCPP-J says; it connects again where that closes."""

    def __init__(self, edge: Edge, version: Routes) -> None:
        self.edge = edge
        self.version = version
        self.station_id = edge.new_id()
        self.frames = 0
        self.closings = 0
        self._count = 0
        self._stack = contextlib.AsyncExitStack()
        self._station: RawStation | None = None

    async def close(self) -> None:
        """Ends its connection."""
        await self._stack.aclose()
        self._station = None

    async def connected(self) -> RawStation:
        """Its socket, booted, a new one where the last was closed."""
        if self._station is None:
            self._station = await self._stack.enter_async_context(self.edge.station(self.version, self.station_id))
            await boot(self._station, self.version)
        return self._station

    async def probe(self, data: bytes) -> None:
        """Sends a frame. It is answered once at most, as its schema has it, or the socket is closed lawfully."""
        station = await self.connected()
        await station.socket.send(data, text=True)
        await self._after(data)

    async def probe_answer(self, order: Callable[[], Awaitable[Any]], data: bytes) -> None:
        """Answers the CALL of an order with a frame. The order ends: with the answer, or an error that says why not."""
        station = await self.connected()
        command, further = asyncio.ensure_future(order()), None
        try:
            kind, message_id, *_ = await station.receive()
            assert kind == 2
            data = data.replace(ITS_ID.encode(), message_id.encode())
            await station.socket.send(data, text=True)
            await self._after(data, json.dumps([4, message_id, ENDED, "", {}]))
            further = asyncio.ensure_future(self._refuse_further_calls())
            reason = await _reason(command)
        finally:
            for ending in (command, further):
                if ending is not None:
                    ending.cancel()
            await asyncio.gather(command, *filter(None, [further]), return_exceptions=True)
        assert reason in REASONS | ({"STATION_DISCONNECTED"} if self._station is None else set()), (reason, data)

    async def _after(self, data: bytes, *beside: str) -> None:
        """Reads up to the answer of a heartbeat that is sent behind."""
        self.frames += 1
        self._count += 1
        station, mark = await self.connected(), f"mark-{self._count}"
        try:
            for text in (*beside, json.dumps([2, mark, "Heartbeat", {}])):
                await station.send(text)
            async with asyncio.timeout(PATIENCE_S):
                found = [await self._next(station)]
                while found[-1][1] != mark:
                    found.append(await self._next(station))
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd is not None else 1006
            assert code in LAWFUL_CLOSINGS, (code, data)
            self.closings += 1
            await self.close()
            return
        assert found.pop()[0] == 3
        assert len(found) <= 1, (found, data)
        for answer in found:
            self._check(answer, data)

    async def _next(self, station: RawStation) -> Any:
        """The next frame that is no CALL: some commands are more than one, and those that follow are refused."""
        while (frame := json.loads(await station.socket.recv()))[0] == 2:
            await station.send(json.dumps([4, frame[1], ENDED, "", {}]))
        return frame

    async def _refuse_further_calls(self) -> None:
        if self._station is not None:
            unexpected = await self._next(self._station)
            raise AssertionError(unexpected)

    def _check(self, answer: Any, data: bytes) -> None:
        label, code = self.version.label, answer[2] if answer[0] == 4 else None
        assert answer[0] in (3, 4), (answer, data)
        if code is not None:
            assert code in CODES[label], (answer, data)
            assert len(answer) == 5, (answer, data)
            assert isinstance(answer[3], str), (answer, data)
            assert len(answer[3]) <= 255, (answer, data)
            return
        message_id, action = _sent(data)
        assert answer[1] == message_id
        assert SCHEMAS[label].check(action, "response", answer[2]) is None, (answer, data)


def _sent(data: bytes) -> tuple[str, str]:
    """The id and the action of a CALL that was answered: nearly JSON is (quirk 32), and a transaction's that is cut."""
    text = mended(data)
    try:
        return tuple(json.loads(text)[1:3])
    except ValueError:
        head = re.match(rb'\s*\[\s*2\s*,\s*("(?:[^"\\]|\\.)*"\s*,\s*"\w+")\s*,', text)
        assert head, data
        message_id, action = json.loads(b"[%b]" % head[1])
        assert action in {"StartTransaction", "StopTransaction", "MeterValues", "TransactionEvent"}, data
        return message_id, action


async def _reason(command: Awaitable[Any]) -> str:
    """Why a command failed; empty where it did not."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            await command
    except grpc.aio.AioRpcError as error:
        status = rpc_status.from_call(error)
        return from_status(status).reason if status is not None else repr(error)
    return ""


async def bystander_is_served(station: RawStation, number: int) -> None:
    """Another station charges on: a whole transaction on the same socket, each answer at once."""
    async with asyncio.timeout(TIMEOUT_S):
        start = {"connectorId": 1, "idTag": "T", "meterStart": number, "timestamp": "2026-01-01T10:00:00Z"}
        told = await station.call("StartTransaction", start)
        stop = {"transactionId": told["transactionId"], "meterStop": number + 1, "timestamp": "2026-01-01T11:00:00Z"}
        assert told["transactionId"] > 0
        await station.call("StopTransaction", stop)
        assert "currentTime" in await station.call("Heartbeat", {})


def bytes_of(label: str, choice: random.Random, count: int) -> Iterator[bytes]:
    """Good frames of every action, each with a few bytes of it changed."""
    actions = sorted(DIRECTIONS[label].from_station | DIRECTIONS[label].to_station)
    for _ in range(count):
        action = choice.choice(actions)
        data = json.dumps([2, "x", action, choice.choice(examples(label, action, "request"))]).encode()
        for _ in range(choice.randrange(4)):
            at = choice.randrange(len(data))
            data = data[:at] + choice.randbytes(choice.randrange(3)) + data[at + choice.randrange(3) :]
        yield data
