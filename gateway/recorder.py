"""Turns frames into entries of the message log: secrets masked, long ones cut, before they leave the session."""

import re

import msgspec
from csms.station.v1 import station_ingest_service_pb2, station_pb2

from gateway.buffers import Buffer
from mesh.masking import MASK, SECRET_VARIABLES, mask_payload, mask_text
from mesh.times import to_timestamp

MAX_LOGGED_BYTES = 64 * 1024

# Actions whose schemas have no place for a secret; all others are looked through.
_HARMLESS = frozenset(
    {
        "Authorize",
        "BootNotification",
        "Heartbeat",
        "MeterValues",
        "StartTransaction",
        "StatusNotification",
        "StopTransaction",
        "TransactionEvent",
    }
)
# In text that is no JSON: whatever follows the name of a secret is masked to the end.
_SECRET_IN_TEXT = re.compile(rf"({'|'.join(sorted(SECRET_VARIABLES))}).*", re.IGNORECASE | re.DOTALL)

RECEIVED = station_pb2.MESSAGE_DIRECTION_RECEIVED
SENT = station_pb2.MESSAGE_DIRECTION_SENT


class Recorder:
    """The message log of one socket."""

    def __init__(
        self,
        *,
        buffer: Buffer[station_ingest_service_pb2.MessageItem],
        tenant_id: str,
        station_id: str,
        epoch: int,
    ) -> None:
        self._buffer = buffer
        self._tenant_id = tenant_id
        self._station_id = station_id
        self._epoch = epoch

    def add(
        self,
        direction: station_pb2.MessageDirection.ValueType,
        ordinal: int,
        time_us: int,
        data: bytes,
        *,
        message_type: int,
        message_id: str,
        action: str,
    ) -> None:
        """Logs one frame. `message_type` is 0, and id and action are empty, where they could not be read."""
        message = station_pb2.Message(
            station_id=self._station_id,
            direction=direction,
            message_type=message_type,
            message_id=message_id,
            action=action,
            payload=to_loggable(data, action),
            epoch=self._epoch,
            ordinal=ordinal,
            message_time=to_timestamp(time_us),
        )
        self._buffer.add(station_ingest_service_pb2.MessageItem(tenant_id=self._tenant_id, message=message))


def to_loggable(data: bytes, action: str) -> str:
    """A frame's text as it may be stored: valid Unicode without NUL, at most 64 KiB, without secrets."""
    if action not in _HARMLESS:
        return _mask(data)
    return _cut(data)


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
