"""Transaction messages on their way to the central system: kept while offline, sent in order, never doubled by us.

OCPP 1.6, section 3.7.1: a message that the central system fails to process is sent again after an interval that grows
with the attempts, and given up after TransactionMessageAttempts. Losing the connection is no attempt.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import uuid4

M = TypeVar("M")


@dataclass(kw_only=True)
class Entry(Generic[M]):
    """A message, the id it keeps over all attempts, and how often the central system failed to process it."""

    message: M
    message_id: str = field(default_factory=lambda: str(uuid4()))
    payload: Any = None  # as it was sent first, where it is to be sent again alike
    failures: int = 0


class TransactionQueue(Generic[M]):
    """First in, first out; only the first entry is ever on its way. Survives restarts of the station."""

    def __init__(self) -> None:
        self._entries: deque[Entry[M]] = deque()
        self.given_up = 0  # messages that the central system failed to process too often

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, message: M) -> None:
        """Puts a message last."""
        self._entries.append(Entry(message=message))

    def messages(self) -> Sequence[M]:
        """All messages, the oldest first."""
        return [entry.message for entry in self._entries]

    def first(self) -> Entry[M] | None:
        """The message to send now, or None."""
        return self._entries[0] if self._entries else None

    def confirmed(self, entry: Entry[M]) -> None:
        """The central system has answered the first entry with a result."""
        self._remove(entry)

    def failed(self, entry: Entry[M], *, attempts: int, interval_s: float) -> float | None:
        """The central system failed to process the first entry.

        Returns the seconds to wait before it is sent again, or None where it was given up.
        """
        entry.failures += 1
        if entry.failures >= attempts:
            self._remove(entry)
            self.given_up += 1
            return None
        return interval_s * entry.failures

    def _remove(self, entry: Entry[M]) -> None:
        if not self._entries or self._entries[0] is not entry:
            raise ValueError("only the first message may leave the queue")
        self._entries.popleft()
