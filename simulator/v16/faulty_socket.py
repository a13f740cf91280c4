"""The wire of a 1.6 station that misbehaves: below the `ocpp` library, which would send no such frames.

It stands where the library expects a socket. The library sees its own message ids; what is on the wire may differ.
"""

import re
import zlib
from dataclasses import dataclass, replace
from itertools import count
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection
from websockets.frames import Frame, Opcode

from simulator.line import LineLostError
from simulator.v16.garbling import Garbler, without_number
from station_kit.frames import Call, CallError, CallResult, MalformedFrameError, decode, encode
from station_kit.pending_calls import PendingCalls, UnmatchedAnswerError

LOSE_AFTER = 20  # quirk 5: CALLs of a connection
COMPRESS_AT = 12  # quirk 6: the CALL of a connection that is sent compressed
_MOST_SENT = 500  # remembered of what was sent
_MONEY = ("StartTransaction", "StopTransaction")
_PLAIN_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z")


@dataclass(kw_only=True)
class Sent:
    """A CALL that has been sent: how often, and with which payload. What is sent again is sent alike."""

    payload: dict[str, Any]
    times: int = 0


class Habits:
    """State of a station's connections that outlives each of them."""

    def __init__(self, *, station_id: str, quirks: frozenset[int]) -> None:
        self.quirks = quirks
        self.garbler = Garbler(station_id=station_id, quirks=quirks)
        self._sent: dict[str, Sent] = {}  # by the library's message id
        self.meter_values = 0
        self.numbers = count(1)  # quirk 19

    def note(self, own_id: str, action: str, payload: dict[str, Any]) -> Sent:
        """A CALL of the library is about to be sent, for the first time or again."""
        sent = self._sent.get(own_id)
        if sent is None:
            sent = self._sent[own_id] = Sent(payload=self.garbler.garble(action, payload))
            if len(self._sent) > _MOST_SENT:
                del self._sent[next(iter(self._sent))]
        sent.times += 1
        return sent


class Wire:
    """One connection. See simulator.misbehaviour for the numbers."""

    def __init__(self, *, connection: ClientConnection, habits: Habits) -> None:
        self._connection = connection
        self._habits = habits
        self._quirks = habits.quirks
        self._calls = 0
        self._pending: PendingCalls[tuple[Call, Sent]] = PendingCalls()  # by id on the wire: the library's CALL

    async def send(self, text: str) -> None:
        """Sends a frame of the library, or what is made of it."""
        frame = decode(text)
        if not isinstance(frame, Call):
            await self._connection.send(text)
            return
        sent = self._habits.note(frame.message_id, frame.action, frame.payload)
        wire_id = self._wire_id(frame.message_id, frame.action, sent)
        self._pending.discard(wire_id)  # a CALL that got no answer in time is sent again, under its id or as number 1
        self._pending.add(wire_id, (frame, sent))
        garbled = self._text(wire_id, frame.action, sent)
        self._calls += 1
        await self._send_call(garbled)
        if 5 in self._quirks and self._calls % LOSE_AFTER == 0:
            raise LineLostError("the line is lost")

    async def recv(self) -> str:
        """The next frame that the library is to see."""
        while True:
            heard = await self._connection.recv()
            text = heard if isinstance(heard, str) else heard.decode()
            passed = self._hear(text)
            if passed is not None:
                return passed

    async def _send_call(self, text: str) -> None:
        if 6 in self._quirks and self._calls == COMPRESS_AT:
            async with self._connection.send_context():
                self._connection.protocol.send_frame(_Unchecked(Opcode.TEXT, _deflate(text), rsv1=True))
            return
        for _ in range(2 if 19 in self._quirks else 1):
            await self._connection.send(text)

    def _wire_id(self, own_id: str, action: str, sent: Sent) -> str:
        if 19 in self._quirks:
            if action == "BootNotification":
                self._habits.numbers = count(1)
            return str(next(self._habits.numbers))
        if 20 in self._quirks and sent.times > 1:
            return str(uuid4())
        return own_id

    def _text(self, wire_id: str, action: str, sent: Sent) -> str:
        text = encode(Call(message_id=wire_id, action=action, payload=sent.payload))
        if 10 not in self._quirks or action != "MeterValues" or sent.times > 1:
            return text
        self._habits.meter_values += 1
        return without_number(text) if self._habits.meter_values % 2 else text

    def _hear(self, text: str) -> str | None:
        """The text that the library gets for a frame: the frame, something else, or nothing."""
        try:
            frame = decode(text)
        except MalformedFrameError:
            return text  # the library's to judge
        if isinstance(frame, Call):
            return None if 9 in self._quirks else text
        try:
            call, sent = self._pending.take(frame)
        except UnmatchedAnswerError:
            return None  # a second answer
        if isinstance(frame, CallResult) and not self._takes(call.action, sent, frame.payload):
            description = "the station did not understand"
            return encode(CallError(message_id=call.message_id, code="InternalError", description=description))
        return encode(replace(frame, message_id=call.message_id))

    def _takes(self, action: str, sent: Sent, payload: dict[str, Any]) -> bool:
        """Whether the station understands an answer."""
        if 13 in self._quirks and action == "BootNotification":
            return _PLAIN_TIME.fullmatch(payload["currentTime"]) is not None
        return not (20 in self._quirks and action in _MONEY and sent.times == 1)


class _Unchecked(Frame):
    """A frame that the library would not send."""

    def check(self) -> None:
        """Nothing is checked."""


def _deflate(text: str) -> bytes:
    """As permessage-deflate does it (RFC 7692, 7.2.1)."""
    packer = zlib.compressobj(wbits=-15)
    return (packer.compress(text.encode()) + packer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\x00\x00\xff\xff")
