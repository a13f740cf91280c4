"""The CALLs of one connection that have no answer yet. Pure; the time limits are those of the caller."""

from typing import Generic, TypeVar

from station_kit.frames import CallError, CallResult

T = TypeVar("T")


class UnmatchedAnswerError(ValueError):
    """An answer belongs to no CALL that waits for one."""


class PendingCalls(Generic[T]):
    """By message id whatever the caller needs for the answer: a future, or a note of what was sent."""

    def __init__(self) -> None:
        self._pending: dict[str, T] = {}

    def add(self, message_id: str, pending: T) -> None:
        """A CALL leaves. Raises ValueError where its message id is in use."""
        if message_id in self._pending:
            raise ValueError(f"a CALL with the message id {message_id} is pending already")
        self._pending[message_id] = pending

    def take(self, answer: CallResult | CallError) -> T:
        """The CALL of an answer, which is pending no more. Raises UnmatchedAnswerError."""
        try:
            return self._pending.pop(answer.message_id)
        except KeyError:
            raise UnmatchedAnswerError(f"an answer to no CALL: {answer}") from None

    def discard(self, message_id: str) -> None:
        """A CALL is given up, if it is pending."""
        self._pending.pop(message_id, None)

    def take_all(self) -> list[T]:
        """All CALLs, which are pending no more: the connection has ended."""
        pending = list(self._pending.values())
        self._pending.clear()
        return pending
