"""Turns frames into entries of the message log: secrets masked, long ones cut, before they leave the session."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from csms.station.v1 import station_ingest_service_pb2, station_pb2

from gateway.buffers import Buffer
from gateway.values import set_time
from mesh.masking import MASK, SECRET_VARIABLES, mask_payload, mask_text
from mesh.times import SECOND_US

MAX_LOGGED_BYTES = 64 * 1024

# In text that is no JSON: whatever follows the name of a secret is masked to the end.
_SECRET_IN_TEXT = re.compile(rf"({'|'.join(sorted(SECRET_VARIABLES))}).*", re.IGNORECASE | re.DOTALL)

# What one socket may put into the log: this much at once, then this much a second. A station that floods the log takes
# nobody else's place in it, nor the disk.
BURST_BYTES = 4 * 1024 * 1024
BYTES_PER_SECOND = 128 * 1024
# How long an answer waits at the most where the log does not keep up: better all a little later than frames lost.
MOST_PAUSE_S = 1.0

RECEIVED = station_pb2.MESSAGE_DIRECTION_RECEIVED
SENT = station_pb2.MESSAGE_DIRECTION_SENT


class LoggedFrame(NamedTuple):
    """One frame on its way to the log. It becomes protobuf only when its batch leaves: a third of the cost."""

    tenant_id: str
    station_id: str
    epoch: int
    ordinal: int
    direction: station_pb2.MessageDirection.ValueType
    message_type: int  # 0 where it could not be read, and id and action are empty
    message_id: str
    action: str
    payload: str
    time_us: int


class Recorder:
    """The message log of one socket."""

    def __init__(self, *, buffer: Buffer[LoggedFrame], tenant_id: str, station_id: str, epoch: int) -> None:
        self._add = buffer.add
        self._buffer = buffer
        self._allowance = BURST_BYTES
        self._counted_us = 0
        self.left_out = 0
        self._names = (tenant_id, station_id, epoch)

    @property
    def crowded(self) -> bool:
        """Whether the log takes frames more slowly than they come."""
        return self._buffer.crowded

    async def room(self) -> None:
        """Lets the log catch up, for a moment."""
        await self._buffer.room(MOST_PAUSE_S)

    def add(  # noqa: PLR0917 - a frame is what it is, and this is done for every one
        self,
        direction: station_pb2.MessageDirection.ValueType,
        ordinal: int,
        time_us: int,
        data: bytes,
        message_type: int,
        message_id: str,
        action: str,
    ) -> None:
        """Logs one frame, or counts it in `left_out` where this socket has had its share."""
        elapsed_us, self._counted_us = time_us - self._counted_us, time_us
        self._allowance = min(BURST_BYTES, self._allowance + elapsed_us * BYTES_PER_SECOND // SECOND_US)
        if self._allowance <= 0:
            self.left_out += 1
            return
        payload = to_loggable(data)
        self._allowance -= len(payload) + 100
        self._add(LoggedFrame(*self._names, ordinal, direction, message_type, message_id, action, payload, time_us))


def to_request(frames: Sequence[LoggedFrame]) -> station_ingest_service_pb2.RecordMessagesRequest:
    """A batch for the message log."""
    request = station_ingest_service_pb2.RecordMessagesRequest()
    add = request.items.add
    # Taken apart at once: a name of a field each time costs a quarter more.
    for tenant_id, station_id, epoch, ordinal, direction, message_type, message_id, action, payload, time_us in frames:
        message = add(tenant_id=tenant_id).message
        message.station_id = station_id
        message.direction = direction
        message.message_type = message_type
        message.message_id = message_id
        message.action = action
        message.payload = payload
        message.epoch = epoch
        message.ordinal = ordinal
        set_time(message.message_time, time_us)
    return request


def to_loggable(data: bytes) -> str:
    """A frame's text as it may be stored: valid Unicode without NUL, at most 64 KiB, without secrets."""
    text = data.decode("utf-8", "replace")
    if _is_suspect(text.lower()):
        return _mask(data)
    if len(data) > MAX_LOGGED_BYTES:
        return _cut(data)
    return text.replace("\0", "\ufffd") if "\0" in text else text


def _is_suspect(lowered: str) -> bool:
    """Whether a frame in lower case may hold a secret. Nearly none does, and the rest is stored as it came."""
    # Word by word, and in text: a loop over them, and a search in bytes, cost several times as much.
    return (
        "authorizationkey" in lowered
        or "password" in lowered
        or "cpopsk" in lowered
        or "simpin" in lowered
        or "vpn" in lowered
        or "token=" in lowered
        or "basic " in lowered
        or "bearer " in lowered
        or "://" in lowered
    )


def _mask(data: bytes) -> str:
    try:
        payload = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return mask_text(_SECRET_IN_TEXT.sub(rf"\1{MASK}", _cut(data)))
    masked = mask_payload(payload)
    # What is unchanged is stored as it came, spaces and all.
    return _cut(data) if masked == payload else _cut(msgspec.json.encode(masked))


def _cut(data: bytes) -> str:
    text = data[:MAX_LOGGED_BYTES].decode("utf-8", "replace")
    return text.replace("\0", "\ufffd") if "\0" in text else text
