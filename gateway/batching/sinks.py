"""Destinations of the items of messages, and the return of their results."""

from typing import Any, Protocol, TypeVar

Outcome_contra = TypeVar("Outcome_contra", contravariant=True)


class IngestUnavailableError(Exception):
    """The service was unavailable for longer than the item could wait. The item may or may not be committed."""


class Waiter(Protocol[Outcome_contra]):
    """Takes the result of an item: a future, or an object that costs less. None of these methods may raise."""

    def done(self) -> bool:
        """Whether it has its result already, or waits no more."""

    def set_result(self, result: Outcome_contra, /) -> None:
        """Takes the result."""

    def set_exception(self, error: IngestUnavailableError, /) -> None:
        """Takes note that there will be none."""


class ItemSink(Protocol):
    """Takes items of one ingest RPC, and gives each result to a waiter."""

    def submit(self, item: Any, waiter: Waiter[Any], *, deadline_s: float) -> None:
        """Sends an item; see `IngestBatcher.submit`."""
