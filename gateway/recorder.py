"""Turns frames into entries of the message log: secrets masked, long ones cut, before they leave the session."""

import re

import msgspec
from csms.station.v1 import station_pb2

from gateway.buffers import Buffer
from gateway.log_entry import LogEntries
from mesh.masking import MASK, SECRET_VARIABLES, mask_payload, mask_text
from mesh.times import SECOND_US

MAX_LOGGED_BYTES = 64 * 1024

# In text that is no JSON: whatever follows the name of a secret is masked to the end.
_SECRET_IN_TEXT = re.compile(rf"({'|'.join(sorted(SECRET_VARIABLES))}).*", re.IGNORECASE | re.DOTALL)

# What one socket may put into the log: this much at once (twice, after a silence), then this much a second. A station
# that floods the log takes nobody else's place in it, nor the disk.
BURST_BYTES = 4 * 1024 * 1024
BYTES_PER_SECOND = 128 * 1024
# How long an answer waits at the most where the log does not keep up: better all a little later than frames lost.
MOST_PAUSE_S = 1.0

RECEIVED = station_pb2.MESSAGE_DIRECTION_RECEIVED
SENT = station_pb2.MESSAGE_DIRECTION_SENT


class Recorder:
    """The message log of one socket."""

    def __init__(self, *, buffer: Buffer[bytes], tenant_id: str, station_id: str, epoch: int) -> None:
        self._add = buffer.add
        self._buffer = buffer
        self._allowance = 0  # the first frame fills it
        self._refilled_us = 0
        self.left_out = 0
        self._entry = LogEntries(tenant_id=tenant_id, station_id=station_id, epoch=epoch).entry

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
        if self._allowance <= 0 and not self._refill(time_us):
            self.left_out += 1
            return
        entry = self._entry(direction, ordinal, time_us, message_type, message_id, action, to_loggable(data))
        self._allowance -= len(entry) + 50  # all of it: an action may be as long as a frame
        self._add(entry)

    def _refill(self, time_us: int) -> bool:
        """Allows what the time since the last refill is good for; false where that does not make up for the excess."""
        elapsed_us = max(0, time_us - self._refilled_us)  # a clock that is set back takes nothing away
        self._refilled_us = time_us
        self._allowance = min(BURST_BYTES, self._allowance + elapsed_us * BYTES_PER_SECOND // SECOND_US)
        return self._allowance > 0


def to_loggable(data: bytes) -> bytes:
    """A frame's text as it may be stored: valid Unicode without NUL, at most 64 KiB, without secrets."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("utf-8", "replace")
        data = text.encode()
    if _is_suspect(text.lower()):
        return _mask(data)
    if len(data) > MAX_LOGGED_BYTES:
        return _cut(data)
    return _without_nul(text) if "\0" in text else data


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
        or "\\/\\/" in lowered  # of a URL, as some write it in JSON
        or "datatransfer" in lowered
    )


def _mask(data: bytes) -> bytes:
    try:
        payload = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        text = data[:MAX_LOGGED_BYTES].decode("utf-8", "replace")
        return _without_nul(mask_text(_SECRET_IN_TEXT.sub(rf"\1{MASK}", text)))
    masked = mask_payload(payload)
    # What is unchanged is stored as it came, spaces and all.
    return _cut(data if masked == payload else msgspec.json.encode(masked))


def _cut(data: bytes) -> bytes:
    return _without_nul(data[:MAX_LOGGED_BYTES].decode("utf-8", "replace"))


def _without_nul(text: str) -> bytes:
    return text.replace("\0", "\ufffd").encode()
