"""Protobuf's wire format, as far as we write it ourselves (its encoding guide: "Message Structure", "Length Types")."""

from collections.abc import Sequence

_LENGTH_DELIMITED = 2


def repeated(number: int, messages: Sequence[bytes]) -> bytes:
    """A message with one repeated field of messages, which are serialized already: each behind its tag and length."""
    tag = _varint(number << 3 | _LENGTH_DELIMITED)
    return b"".join([part for message in messages for part in (tag, _varint(len(message)), message)])


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first, the top bit where more follow."""
    if number < 0x80:
        return bytes((number,))
    if number < 0x4000:
        return bytes((number & 0x7F | 0x80, number >> 7))
    return bytes((number & 0x7F | 0x80,)) + _varint(number >> 7)
