"""Messages in parts: a list cut into messages of a bounded number of entries. Pure."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

PART_LENGTH = 20


def in_parts(entries: Sequence[T], length: int = PART_LENGTH) -> Iterator[tuple[int, Sequence[T], bool]]:
    """The parts: number from 0 on, entries, and whether more follow. An empty list is one part."""
    starts = range(0, max(len(entries), 1), length)
    for number, start in enumerate(starts):
        yield number, entries[start : start + length], start + length < len(entries)
