"""Turns frames into entries of the message log: secrets masked, long ones cut, before they leave the session."""

import re

import msgspec
from csms.station.v1 import station_pb2

from gateway.batching.background_buffer import Buffer
from gateway.message_log.log_entry import LogEntries
from gateway.token_bucket import TokenBucket
from mesh.contract.texts import is_storable, replace_nul
from mesh.runtime.masking import MASK, SECRET_VARIABLES, mask_beginning, mask_text

MAX_LOGGED_BYTES = 64 * 1024

# In text that is no JSON: everything after the name of a secret is masked.
_SECRET_IN_TEXT = re.compile(rf"({'|'.join(sorted(SECRET_VARIABLES))}).*", re.IGNORECASE | re.DOTALL)

# How long an answer waits at the most where the log does not keep up: better all a little later than frames lost.
MOST_PAUSE_S = 1.0

RECEIVED = station_pb2.MESSAGE_DIRECTION_RECEIVED
SENT = station_pb2.MESSAGE_DIRECTION_SENT


class MessageLog:
    """The message log of one socket. `allowance` is what its station may still put into it."""

    def __init__(
        self, *, buffer: Buffer[bytes], tenant_id: str, station_id: str, epoch: int, allowance: TokenBucket
    ) -> None:
        self._add = buffer.add
        self._buffer = buffer
        self._allowance = allowance
        self.dropped = 0
        self._entry = LogEntries(tenant_id=tenant_id, station_id=station_id, epoch=epoch).entry

    @property
    def backlogged(self) -> bool:
        """Whether frames arrive faster than the log accepts them."""
        return self._buffer.backlogged

    async def wait_for_capacity(self) -> None:
        """Lets the log catch up, for a moment."""
        await self._buffer.wait_for_capacity(MOST_PAUSE_S)

    def add(  # noqa: PLR0917 - a frame is what it is, and this is done for every one
        self,
        direction: station_pb2.MessageDirection.ValueType,
        ordinal: int,
        time_us: int,
        data: bytes,
        message_type: int,
        message_id: str,
        action: str,
        loggable: bytes | None = None,
    ) -> None:
        """Logs one frame, or counts it in `left_out` where its station has had its share.

        `loggable` is what `to_loggable` makes of it, where that is known already.
        """
        allowance = self._allowance
        if allowance.left <= 0 and not allowance.refill(time_us):
            self.dropped += 1
            return
        payload = to_loggable(data) if loggable is None else loggable
        entry = self._entry(direction, ordinal, time_us, message_type, message_id, action, payload)
        allowance.left -= len(entry) + 50  # all of it: an action may be as long as a frame
        self._add(entry)


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
    return data if is_storable(text) else replace_nul(text).encode()


def _is_suspect(lowered: str) -> bool:
    """Whether a frame in lower case may hold a secret. Nearly none does, and the rest is stored as it came."""
    # Word by word, and in text: a loop over them, and a search in bytes, cost several times as much. A character that
    # most frames lack is looked for first, at a tenth of the price of the words that have it.
    return (
        "password" in lowered
        or "simpin" in lowered
        or "vpn" in lowered
        or ("k" in lowered and ("authorizationkey" in lowered or "cpopsk" in lowered))
        or ("=" in lowered and "token=" in lowered)
        or (" " in lowered and ("basic " in lowered or "bearer " in lowered))
        # The latter is of a URL, as some write it in JSON.
        or ("/" in lowered and ("://" in lowered or "\\/\\/" in lowered))
        or ("f" in lowered and "datatransfer" in lowered)
    )


def _mask(data: bytes) -> bytes:
    """Masks what is stored of a frame, and looks at no more of it: masking costs a hundred times as much as parsing."""
    try:
        payload = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        text = data[:MAX_LOGGED_BYTES].decode("utf-8", "replace")
        return replace_nul(mask_text(_SECRET_IN_TEXT.sub(rf"\1{MASK}", text))).encode()
    masked = mask_beginning(payload, MAX_LOGGED_BYTES)
    # What is unchanged is stored as it came, spaces and all.
    return _cut(data if masked is None else msgspec.json.encode(masked))


def _cut(data: bytes) -> bytes:
    return replace_nul(data[:MAX_LOGGED_BYTES].decode("utf-8", "replace")).encode()
