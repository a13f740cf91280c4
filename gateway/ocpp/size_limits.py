"""Lists of a command in several CALLs, each within a number of items and of bytes. The same for every OCPP version."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from gateway.ocpp.checks import check_not_negative
from gateway.ocpp.translation import CallFailure
from mesh.runtime.error_reasons import Reason

T = TypeVar("T")

# Around the items of a CALL: message type, message id, action, the name of the list.
_FRAME_BYTES = 128


def sized_parts(items: Sequence[Any], command: Any) -> list[list[Any]]:
    """The items in lists within `items_per_message` and `bytes_per_message` of the command, where those are not 0.

    An item that is larger than the limit is alone in its list: the station decides about it. UnacceptableError where a
    limit is below 0.
    """
    most = check_not_negative(command.items_per_message, "items_per_message") or len(items)
    size = check_not_negative(command.bytes_per_message, "bytes_per_message")
    parts: list[list[Any]] = []
    used = 0
    for item in items:
        own = len(msgspec.json.encode(item)) + 1
        if not parts or len(parts[-1]) >= most or (size and used + own > size):
            parts.append([])
            used = _FRAME_BYTES
        parts[-1].append(item)
        used += own
    return parts


def beside(parts: Sequence[Sequence[T]], answers: Sequence[Any]) -> Iterator[tuple[T, Any]]:
    """Each item with the answer to the CALL that it was in."""
    for part, answer in zip(parts, answers, strict=True):
        for item in part:
            yield item, answer


def is_unsent(failure: CallFailure) -> bool:
    """Whether the CALL never left."""
    return failure.reason is Reason.NOT_SENT
