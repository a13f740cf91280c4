"""Pages of a list (AIP-158): a page token is the key of the last row, so that pages stay right while rows are added."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
import msgspec

from mesh.contract.texts import is_storable
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError

T = TypeVar("T")

MOST = 1000
MOST_BYTES = 3 * 1024 * 1024
"""Of what makes the rows of a page large: gRPC clients take messages of 4 MiB, unless they are configured otherwise."""


def page_size(asked: int, *, default: int = 50, most: int = MOST) -> int:
    """The number of rows to return: `default` for 0, never more than `most`. Raises MeshError INVALID_FIELD below 0."""
    if asked < 0:
        raise MeshError(
            grpc.StatusCode.INVALID_ARGUMENT,
            Reason.INVALID_FIELD,
            "page_size: must not be negative",
            {"field": "page_size"},
        )
    return min(asked or default, most)


def encode_token(key: Sequence[Any], *, binding: str = "") -> str:
    """The token of the page after the row with this key. `binding` is what else must stay the same: the filter."""
    return base64.urlsafe_b64encode(msgspec.json.encode([binding, *key])).decode().rstrip("=")


def decode_token(token: str, types: Sequence[type], *, binding: str = "") -> tuple[Any, ...] | None:
    """The key in a token, or None for the first page. Raises MeshError INVALID_PAGE_TOKEN for an invalid one."""
    if not token:
        return None
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        key = msgspec.json.decode(text, type=tuple.__class_getitem__((str, *types)))
    except (ValueError, binascii.Error, msgspec.MsgspecError) as error:
        raise _invalid("page_token is not one that this list returned") from error
    if any(_is_beyond_sql(part) for part in key):
        raise _invalid("page_token is not one that this list returned")
    if key[0] != binding:
        raise _invalid("page_token belongs to a list with another filter: keep all else the same while paging")
    return tuple(key[1:])


@dataclass(frozen=True, kw_only=True)
class Page:
    """The part of a list that is wanted: up to `limit` rows after the one with the key `after`.

    `limit` is one more than fit, to see whether there is a next page. `condition` is what the filter stands for, and
    `binding` is all that must stay the same while paging, such as the filter's text.
    """

    limit: int
    after: tuple[Any, ...] | None = None
    condition: Any = None
    binding: str = ""

    def cut(
        self, rows: Sequence[T], key: Callable[[T], Sequence[Any]], *, text: Callable[[T], str] | None = None
    ) -> tuple[list[T], str]:
        """The rows of the page, of up to `limit`, and the token of the next one; `key` is that of a row in the list.

        `text` is what makes a row large, where something does: then a page may end before its size is reached.
        """
        size = self.limit - 1
        if text is not None:
            size = min(size, _fitting([len(text(row).encode()) for row in rows]))
        if len(rows) <= size:
            return list(rows), ""
        return list(rows[:size]), self.token(key(rows[size - 1]))

    def token(self, place: Sequence[Any]) -> str:
        """The token of the page after a place of the list."""
        return encode_token(place, binding=self.binding)


def page_of(
    request: Any,
    key: Sequence[type],
    *,
    binding: str = "",
    condition: Any = None,
    default: int = 50,
    most: int = MOST,
) -> Page:
    """The page that a request asks for, which has page_size and page_token; `key` has the types of a row's key.

    Raises MeshError INVALID_FIELD, INVALID_PAGE_TOKEN.
    """
    return Page(
        limit=page_size(request.page_size, default=default, most=most) + 1,
        after=decode_token(request.page_token, key, binding=binding),
        condition=condition,
        binding=binding,
    )


def _fitting(sizes: Sequence[int]) -> int:
    """Number of rows of these sizes in bytes that make a page, at least one."""
    total = 0
    for index, size in enumerate(sizes):
        total += size
        if index and total > MOST_BYTES:
            return index
    return MOST


def _is_beyond_sql(part: Any) -> bool:
    """Whether a database does not take this: an integer beyond 64 bits, or a text with a NUL."""
    return not -(2**63) <= part < 2**63 if isinstance(part, int) else isinstance(part, str) and not is_storable(part)


def _invalid(message: str) -> MeshError:
    return MeshError(grpc.StatusCode.INVALID_ARGUMENT, Reason.INVALID_PAGE_TOKEN, message)
