"""The queue of an ingest RPC: items in the order in which they came, each with its deadline."""

from collections import deque
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import msgspec

from gateway.batching.sinks import IngestUnavailableError, Waiter
from mesh.runtime.logs import get_logger

log = get_logger(__name__)

Result = TypeVar("Result")


class QueuedItem(msgspec.Struct, Generic[Result], frozen=True):
    """A serialized item that waits to be sent. `deadline_s` is by the loop's clock."""

    item: bytes
    deadline_s: float
    waiter: Waiter[Result]


ItemQueue = deque[QueuedItem[Result]]
"""Items that wait to be sent. A plain deque: a class of its own would make each item dearer."""


def take_batch(queue: ItemQueue[Result], *, max_items: int, max_bytes: int) -> list[QueuedItem[Result]]:
    """Takes a batch from the front: at least one item, where there is any, however large it is."""
    batch: list[QueuedItem[Result]] = []
    size = 0
    while queue and len(batch) < max_items:
        size += len(queue[0].item)
        if batch and size > max_bytes:
            break
        batch.append(queue.popleft())
    return batch


def put_back(queue: ItemQueue[Result], batch: Sequence[QueuedItem[Result]]) -> None:
    """Puts a batch that failed back to the front, in its order, without items for which no caller waits any more."""
    queue.extendleft(queued for queued in reversed(batch) if not queued.waiter.done())


def drop_expired(queue: ItemQueue[Result], now_s: float) -> None:
    """Fails items whose deadline has passed, and drops those for which no caller waits any more."""
    for _ in range(len(queue)):
        queued = queue.popleft()
        if queued.waiter.done():
            continue
        if queued.deadline_s <= now_s:
            _fail(queued)
        else:
            queue.append(queued)


def fail_all(queue: ItemQueue[Result]) -> None:
    """Fails every item, and those that a waiter adds when its item fails."""
    while queue:
        _fail(queue.popleft())


def _fail(queued: QueuedItem[Any]) -> None:
    if not queued.waiter.done():
        try:
            queued.waiter.set_exception(IngestUnavailableError())
        except Exception:  # a waiter that fails harms no other
            log.exception("failure not taken")
