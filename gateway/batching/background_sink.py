"""The sink of items that no answer waits for."""

from typing import Generic, TypeVar

from gateway.batching.background_buffer import Buffer
from gateway.batching.sinks import Waiter

Item = TypeVar("Item")
Result = TypeVar("Result")


class BackgroundSink(Generic[Item, Result]):
    """A sink of items that no answer waits for: a buffer keeps each at once, and `result` stands in for its result.

    They are kept while their service is unavailable; a gateway that is killed loses those of its last moment.
    """

    def __init__(self, *, buffer: Buffer[Item], result: Result) -> None:
        self._buffer = buffer
        self._result = result

    def submit(self, item: Item, waiter: Waiter[Result], *, deadline_s: float) -> None:
        """Takes the item over."""
        del deadline_s
        self._buffer.add(item)
        waiter.set_result(self._result)
