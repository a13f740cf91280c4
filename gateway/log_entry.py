"""One frame on its way to the message log: csms.station.v1.MessageItem, in protobuf's wire format from the start.

Two are made for each message of a station. Written this way one costs a third of what setting the fields of a protobuf
message does, and the station's name is written once a connection (docs/PERFORMANCE.md).
"""

from functools import lru_cache

from csms.station.v1 import station_ingest_service_pb2, station_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.wire import tag, varint
from mesh.times import SECOND_US

_ITEM = station_ingest_service_pb2.MessageItem.DESCRIPTOR.fields_by_name
_TENANT_ID, _MESSAGE = tag(_ITEM["tenant_id"]), tag(_ITEM["message"])
_FIELDS = station_pb2.Message.DESCRIPTOR.fields_by_name
_STATION_ID, _EPOCH, _ORDINAL = tag(_FIELDS["station_id"]), tag(_FIELDS["epoch"]), tag(_FIELDS["ordinal"])
_DIRECTION, _MESSAGE_TYPE = tag(_FIELDS["direction"]), tag(_FIELDS["message_type"])
_MESSAGE_ID, _ACTION, _PAYLOAD = tag(_FIELDS["message_id"]), tag(_FIELDS["action"]), tag(_FIELDS["payload"])
_MESSAGE_TIME = tag(_FIELDS["message_time"])
_SECONDS, _NANOS = (tag(Timestamp.DESCRIPTOR.fields_by_name[name]) for name in ("seconds", "nanos"))

# Names of OCPP's actions are shorter; a station may call its own what it likes.
_LONGEST_KEPT_ACTION = 64


class LogEntries:
    """Makes the entries of one connection."""

    def __init__(self, *, tenant_id: str, station_id: str, epoch: int) -> None:
        self._tenant = _text(_TENANT_ID, tenant_id)
        self._names = _text(_STATION_ID, station_id) + _EPOCH + varint(epoch)

    def entry(  # noqa: PLR0917 - a frame is what it is, and this is done for every one
        self,
        direction: station_pb2.MessageDirection.ValueType,
        ordinal: int,
        time_us: int,
        message_type: int,
        message_id: str,
        action: str,
        payload: bytes,
    ) -> bytes:
        """A MessageItem. `payload` is UTF-8; type 0, id and action "" are of a frame that could not be read."""
        id_bytes = message_id.encode()
        message = b"".join(
            (
                self._names,
                _kind(direction, message_type),
                _ORDINAL,
                varint(ordinal),
                _MESSAGE_ID,
                varint(len(id_bytes)),
                id_bytes,
                _kept_action(action) if len(action) <= _LONGEST_KEPT_ACTION else _text(_ACTION, action),
                _PAYLOAD,
                varint(len(payload)),
                payload,
                _time(time_us),
            )
        )
        return b"".join((self._tenant, _MESSAGE, varint(len(message)), message))


def _text(before: bytes, text: str) -> bytes:
    data = text.encode()
    return before + varint(len(data)) + data


@lru_cache(maxsize=32)
def _kind(direction: int, message_type: int) -> bytes:
    return _DIRECTION + varint(direction) + _MESSAGE_TYPE + varint(message_type)


@lru_cache(maxsize=256)
def _kept_action(action: str) -> bytes:
    return _text(_ACTION, action)


def _time(us: int) -> bytes:
    second, rest_us = divmod(us, SECOND_US)
    stamp = _second(second) + varint(rest_us * 1000)
    return _MESSAGE_TIME + varint(len(stamp)) + stamp


@lru_cache(maxsize=4)
def _second(second: int) -> bytes:
    return _SECONDS + varint(second) + _NANOS
