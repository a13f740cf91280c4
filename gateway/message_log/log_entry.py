"""One frame on its way to the message log: an item of csms.station.v1.RecordMessagesRequest, in protobuf's wire format.

Two are made for each message of a station. Written this way from the start one costs a fifth of what setting the
fields of a protobuf message does, the station's name is written once a connection, and a request is its items, one
after the other (docs/PERFORMANCE.md).
"""

from functools import lru_cache

from csms.station.v1 import station_ingest_service_pb2, station_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.ocpp.protobuf_wire import tag, varint
from mesh.runtime.times import SECOND_US

_ITEMS = tag(station_ingest_service_pb2.RecordMessagesRequest.DESCRIPTOR.fields_by_name["items"])
_ITEM = station_ingest_service_pb2.MessageItem.DESCRIPTOR.fields_by_name
_TENANT_ID, _MESSAGE = tag(_ITEM["tenant_id"]), tag(_ITEM["message"])
_FIELDS = station_pb2.Message.DESCRIPTOR.fields_by_name
_STATION_ID, _EPOCH, _ORDINAL = tag(_FIELDS["station_id"]), tag(_FIELDS["epoch"]), tag(_FIELDS["ordinal"])
_DIRECTION, _MESSAGE_TYPE = tag(_FIELDS["direction"]), tag(_FIELDS["message_type"])
_MESSAGE_ID, _ACTION, _PAYLOAD = tag(_FIELDS["message_id"]), tag(_FIELDS["action"]), tag(_FIELDS["payload"])
_MESSAGE_TIME = tag(_FIELDS["message_time"])
_SECONDS, _NANOS = (tag(Timestamp.DESCRIPTOR.fields_by_name[name]) for name in ("seconds", "nanos"))
# Fourteen bits of a varint with further bytes, and the last two of thirty.
_GOING_ON = tuple(bytes((number & 0x7F | 0x80, number >> 7 | 0x80)) for number in range(0x4000))
_LAST = tuple(bytes((number,)) for number in range(4))

# Names of OCPP's actions are shorter; the names of a vendor's own actions may be of any length.
_LONGEST_KEPT_ACTION = 64


class LogEntries:
    """Makes the entries of one connection."""

    def __init__(self, *, tenant_id: str, station_id: str, epoch: int) -> None:
        self._before = _text(_TENANT_ID, tenant_id) + _MESSAGE
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
        """An entry. `payload` is UTF-8; type 0, id and action "" are of a frame that could not be read."""
        id_bytes = message_id.encode()
        second, rest_us = divmod(time_us, SECOND_US)
        nanos = rest_us * 1000
        message = b"".join(
            (
                self._names,
                (_kept_kind if len(action) <= _LONGEST_KEPT_ACTION else _kind)(direction, message_type, action),
                varint(ordinal),
                _MESSAGE_ID,
                varint(len(id_bytes)),
                id_bytes,
                _second(second),
                _GOING_ON[nanos & 0x3FFF],  # five bytes in all for every number, so that their length is known
                _GOING_ON[nanos >> 14 & 0x3FFF],
                _LAST[nanos >> 28],
                _PAYLOAD,
                varint(len(payload)),
                payload,
            )
        )
        length = varint(len(message))
        item_length = len(self._before) + len(length) + len(message)
        return b"".join((_ITEMS, varint(item_length), self._before, length, message))


def _text(before: bytes, text: str) -> bytes:
    data = text.encode()
    return before + varint(len(data)) + data


def _kind(direction: int, message_type: int, action: str) -> bytes:
    """The beginning of all entries of the same kind, up to the ordinal."""
    kind = _DIRECTION + varint(direction) + _MESSAGE_TYPE + varint(message_type)
    return _text(_ACTION, action) + kind + _ORDINAL


_kept_kind = lru_cache(maxsize=512)(_kind)


@lru_cache(maxsize=4)
def _second(second: int) -> bytes:
    """A message's time, but for the nanoseconds."""
    stamp = _SECONDS + varint(second) + _NANOS
    return _MESSAGE_TIME + varint(len(stamp) + 5) + stamp
