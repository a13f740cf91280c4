"""The packed form of old events: many of a transaction in one value, a column after the other, compressed. Pure."""

import zlib
from collections.abc import Sequence

import msgspec

from transaction_svc.received_items import decode, encode

_VERSION = 1


class PackedEvent(msgspec.Struct, frozen=True):
    """A row of `tx_event` without the key of its transaction."""

    content_key: str  # hexadecimal
    repeat_no: int
    fact: str
    event: str
    receive_us: int
    epoch: int
    ordinal: int


class _Columns(msgspec.Struct, array_like=True):
    """Version 1. Never changed."""

    version: int
    content_keys: list[bytes]
    repeat_nos: list[int]
    records: list[str]
    events: list[bytes]
    receive_us: list[int]  # each but the first as the difference from the one before
    epochs: list[int]
    ordinals: list[int]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Columns)


def pack(events: Sequence[PackedEvent]) -> bytes:
    """Packs events, in their order."""
    times = [event.receive_us for event in events]
    columns = _Columns(
        version=_VERSION,
        content_keys=[bytes.fromhex(event.content_key) for event in events],
        repeat_nos=[event.repeat_no for event in events],
        records=[event.fact for event in events],
        events=[decode(event.event) for event in events],
        receive_us=[time - before for time, before in zip(times, [0, *times], strict=False)],
        epochs=[event.epoch for event in events],
        ordinals=[event.ordinal for event in events],
    )
    return zlib.compress(_encoder.encode(columns), 9)


def unpack(data: bytes) -> Sequence[PackedEvent]:
    """The events again, each as it was."""
    columns = _decoder.decode(zlib.decompress(data))
    events, receive_us = [], 0
    for index, content_key in enumerate(columns.content_keys):
        receive_us += columns.receive_us[index]
        events.append(
            PackedEvent(
                content_key=content_key.hex(),
                repeat_no=columns.repeat_nos[index],
                fact=columns.records[index],
                event=encode(columns.events[index]),
                receive_us=receive_us,
                epoch=columns.epochs[index],
                ordinal=columns.ordinals[index],
            )
        )
    return events
