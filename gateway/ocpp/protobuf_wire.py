"""Protobuf's wire format, as far as the gateway writes it itself (encoding guide: "Message Structure", "Length Types").

Only for messages that are made for every frame: elsewhere protobuf's own classes are plainer, and check more.
"""

from collections.abc import Sequence

from google.protobuf.descriptor import FieldDescriptor

_VARINT, _LENGTH_DELIMITED = 0, 2


def _small(number: int) -> bytes:
    return bytes((number,)) if number < 0x80 else bytes((number & 0x7F | 0x80, number >> 7))


_SMALL = tuple(map(_small, range(0x4000)))  # of one and two bytes, which is nearly every length


def varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first, the top bit where more follow. ValueError below zero."""
    if 0 <= number < 0x4000:
        return _SMALL[number]
    if number < 0:
        raise ValueError(f"{number} is below zero")
    return bytes((number & 0x7F | 0x80, number >> 7 & 0x7F | 0x80)) + varint(number >> 14)


def tag(field: FieldDescriptor) -> bytes:
    """The tag before a field: an integer or an enumeration, or else a text or a message with its length."""
    is_number = field.cpp_type not in {FieldDescriptor.CPPTYPE_STRING, FieldDescriptor.CPPTYPE_MESSAGE}
    return varint(field.number << 3 | (_VARINT if is_number else _LENGTH_DELIMITED))


def repeated(field: FieldDescriptor, messages: Sequence[bytes]) -> bytes:
    """A message with nothing but this field, of messages that are serialized already."""
    before = tag(field)
    return b"".join([part for message in messages for part in (before, varint(len(message)), message)])
