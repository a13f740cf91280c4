"""Names of conditions: a kind and the key of what it is about, as one text that is safe in a path."""

import base64
import binascii
from collections.abc import Sequence
from typing import NamedTuple, Self

import msgspec
from csms.condition.v1 import condition_pb2 as pb

from mesh.contract.texts import is_storable

_MOST_CHARACTERS = 2000
_MOST_NUMBER = 2**31


class ConditionName(NamedTuple):
    """A kind, and two texts and two numbers that say what it is about. The order is that of lists."""

    kind: int
    first: str
    second: str = ""
    third: int = 0
    fourth: int = 0

    @property
    def key(self) -> tuple[str, str, int, int]:
        """The name within its kind."""
        return self[1:]

    def encode(self) -> str:
        """The condition_id."""
        return base64.urlsafe_b64encode(msgspec.json.encode(list(self))).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> Self | None:
        """The name in a condition_id; None where it is none."""
        if len(text) > _MOST_CHARACTERS:
            return None
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            kind, first, second, third, fourth = _decoder.decode(raw)
        except (ValueError, binascii.Error, msgspec.MsgspecError):
            return None
        is_number = all(-_MOST_NUMBER <= number < _MOST_NUMBER for number in (kind, third, fourth))
        return cls(kind, first, second, third, fourth) if is_number and is_storable(first + second) else None


_decoder = msgspec.json.Decoder(tuple[int, str, str, int, int])


class Position(NamedTuple):
    """The position of a condition in the order of lists: the worst first, then the oldest."""

    rank: int  # the severity, negative
    begin_us: int
    name: ConditionName


def position_of(condition: pb.Condition) -> Position | None:
    """The position of a condition; None where its name is none."""
    name = ConditionName.decode(condition.condition_id)
    return None if name is None else Position(-condition.severity, condition.begin_time.ToMicroseconds(), name)


def in_order(conditions: Sequence[pb.Condition]) -> list[pb.Condition]:
    """Conditions in the order of lists, each once; those without a name are left out."""
    found = {position: condition for condition in conditions if (position := position_of(condition)) is not None}
    return [found[position] for position in sorted(found)]
