"""Natural batching towards the services: idle, an item leaves at once; busy, items leave together.

See docs/DESIGN.md, "Batches".

After a batch of some size the next one waits for a moment, so that those who were just answered can join it.

While its service is unavailable a batcher sends failed batches again, each item within its own deadline. The services
find repeated items by their content, so that sending again is safe.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from google.protobuf.message import Message

from gateway.batching.buffers import Buffer
from mesh.runtime.errors import MeshError
from mesh.runtime.logs import get_logger

log = get_logger(__name__)

Item = TypeVar("Item", bound=Message)
Result = TypeVar("Result")
Outcome_contra = TypeVar("Outcome_contra", contravariant=True)

MAX_ITEMS = 256
MAX_BYTES = 1024 * 1024
MAX_IN_FLIGHT = 2
# A second batch leaves only when this many items wait: two small batches cost more than one large one (at 50 stations
# in a closed loop, 12 % more CPU per message), and only a large load gains by two.
SECOND_BATCH_ITEMS = 128
# After a batch of at least this many items the next one lingers: stations that were just answered may send more, and
# others may send at the same time. Half of a batch's price does not depend on its size (at 50
# stations in a closed loop, 25 % less CPU per message). It waits for a part of the time that the large batch took, and
# not at all where that one is long gone: a batcher with little to do adds no delay.
LINGER_FROM_ITEMS = 8
FIXED_LINGER_FROM_ITEMS = 2
LINGER_SHARE = 0.5
MAX_LINGER_S = 0.005
LINGER_WITHIN_S = 0.05
FIRST_BACKOFF_S = 0.05
MOST_BACKOFF_S = 1.0


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


class QueuedItem(msgspec.Struct, Generic[Result], frozen=True):
    """A serialized item that waits to be sent."""

    item: bytes
    deadline_s: float
    waiter: Waiter[Result]


class ItemSink(Protocol):
    """Takes items of one ingest RPC, and gives each result to a waiter."""

    def submit(self, item: Any, waiter: Waiter[Any], *, deadline_s: float) -> None:
        """Sends an item; see `IngestBatcher.submit`."""


class BackgroundSink(Generic[Item, Result]):
    """A sink of items that no answer waits for: a buffer takes each at once, and `result` stands for its result.

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


class IngestBatcher(Generic[Item, Result]):
    """Sends the items of one ingest RPC in batches.

    `send(items)` does the RPC with serialized items and returns one result per item, in their order; it raises
    MeshError where the whole batch failed. It is also called with no items, as a probe. Use from one event loop;
    `close` when done.

    With `max_linger_s` it always lingers for so long after a batch of several items. That is for items that go beside
    other messages: they come a few at a time, each from another station.
    """

    def __init__(
        self,
        *,
        name: str,
        send: Callable[[Sequence[bytes]], Awaitable[Sequence[Result]]],
        max_linger_s: float | None = None,
    ) -> None:
        self.name = name
        self._max_linger_s = max_linger_s
        self._send = send
        self._queue: deque[QueuedItem[Result]] = deque()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._pump_scheduled = False
        self._failures = 0
        self._unavailable_since_s: float | None = None
        self._retry: asyncio.Handle | None = None
        self._lingering: asyncio.Handle | None = None
        self._enough = 0  # with as many items as this the next batch need not wait
        self._linger_s = 0.0
        self._busy_until_s = 0.0
        self.batches = 0
        self.items = 0

    def submit(self, item: Item, waiter: Waiter[Result], *, deadline_s: float) -> None:
        """Sends an item; `waiter` gets the result, or IngestUnavailableError after `deadline_s` of the loop's clock.

        The queue is bounded by the callers: each session waits for its item before it reads on.
        """
        self._queue.append(QueuedItem(item.SerializeToString(), deadline_s, waiter))
        if self._lingering is not None:
            if len(self._queue) >= self._enough:
                self._end_linger()
        elif self._busy_until_s and not self._in_flight and not self._pump_scheduled:
            self._linger()
        else:
            self._schedule_pump()

    def ask(self, item: Item, *, deadline_s: float) -> "asyncio.Future[Result]":
        """Sends an item, as `submit` does; the future gets what a waiter would."""
        result: asyncio.Future[Result] = self._loop.create_future()
        result.add_done_callback(_retrieve_exception)
        self.submit(item, result, deadline_s=deadline_s)
        return result

    @property
    def depth(self) -> int:
        """Items that wait to be sent."""
        return len(self._queue)

    def unavailable_for_s(self) -> float:
        """For how long the service has been unavailable, in seconds; 0 while it answers."""
        return 0.0 if self._unavailable_since_s is None else self._loop.time() - self._unavailable_since_s

    async def close(self) -> None:
        """Waits for batches in flight; what still waits fails."""
        while self._in_flight or self._pump_scheduled or self._lingering is not None:
            self._end_linger()
            await asyncio.sleep(0)
            if self._in_flight:
                await asyncio.wait(self._in_flight)
            if self._unavailable_since_s is not None:
                break
        if self._retry is not None:
            self._retry.cancel()
        while self._queue:  # a waiter may send the next item at once, which fails too
            _fail(self._queue.popleft())

    def _schedule_pump(self) -> None:
        # At the end of this turn of the event loop, so that all that arrived in it leaves together.
        if not self._pump_scheduled and self._retry is None:
            self._pump_scheduled = True
            self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        self._pump_scheduled = False
        while self._queue and self._may_send():
            task = self._loop.create_task(self._deliver(self._take_batch()))
            self._in_flight.add(task)
            task.add_done_callback(self._landed)

    def _may_send(self) -> bool:
        if not self._in_flight:
            return True
        enough = len(self._queue) >= SECOND_BATCH_ITEMS and len(self._in_flight) < MAX_IN_FLIGHT
        return enough and self._unavailable_since_s is None

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        if self._queue and self._lingering is None:
            self._schedule_pump()

    def _note_size(self, items: int, took_s: float) -> None:
        """Decides whether the next batch lingers, and for how long."""
        if items < (LINGER_FROM_ITEMS if self._max_linger_s is None else FIXED_LINGER_FROM_ITEMS):
            return
        if self._max_linger_s is None:
            self._enough = min(MAX_ITEMS, items + len(self._queue))
            self._linger_s = min(MAX_LINGER_S, took_s * LINGER_SHARE)
        else:
            self._enough, self._linger_s = MAX_ITEMS, self._max_linger_s
        self._busy_until_s = self._loop.time() + LINGER_WITHIN_S
        if self._queue and self._lingering is None:
            self._linger()

    def _linger(self) -> None:
        """Waits a moment for more items, where the batcher was busy just now."""
        if self._loop.time() < self._busy_until_s and self._retry is None:
            self._lingering = self._loop.call_later(self._linger_s, self._end_linger)
        else:
            self._busy_until_s = 0.0
            self._schedule_pump()

    def _end_linger(self) -> None:
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None
        if self._queue:
            self._schedule_pump()

    def _take_batch(self) -> list[QueuedItem[Result]]:
        batch: list[QueuedItem[Result]] = []
        size = 0
        queue = self._queue
        while queue and len(batch) < MAX_ITEMS:
            size += len(queue[0].item)
            if batch and size > MAX_BYTES:
                break
            batch.append(queue.popleft())
        return batch

    async def _deliver(self, batch: list[QueuedItem[Result]]) -> None:
        begun_s = self._loop.time()
        try:
            results = await self._send([queued.item for queued in batch])
        except Exception as error:  # whatever failed, the items are still ours to deliver
            self._failed(batch, error)
            return
        self._succeeded()
        self.batches += 1
        self.items += len(batch)
        for queued, result in zip(batch, results, strict=True):
            if not queued.waiter.done():
                try:
                    queued.waiter.set_result(result)
                except Exception:  # what one station meets is no reason to leave the others without an answer
                    log.exception("result not taken", lane=self.name)
        self._note_size(len(batch), self._loop.time() - begun_s)

    def _succeeded(self) -> None:
        if self._unavailable_since_s is not None:
            log.info("service is back", lane=self.name, away_s=round(self.unavailable_for_s(), 1))
        self._failures = 0
        self._unavailable_since_s = None

    def _failed(self, batch: list[QueuedItem[Result]], error: Exception) -> None:
        if self._unavailable_since_s is None:
            self._unavailable_since_s = self._loop.time()
            reason = error.reason if isinstance(error, MeshError) else repr(error)
            log.warning("service does not answer", lane=self.name, error=reason)
        self._failures += 1
        # Back to the front, in order, but for what can wait no longer or is not waited for any more.
        self._queue.extendleft(queued for queued in reversed(batch) if not queued.waiter.done())
        self._drop_expired()
        if self._retry is None:
            self._retry = self._loop.call_later(self._backoff_s(), self._try_again)

    def _drop_expired(self) -> None:
        now_s = self._loop.time()
        for _ in range(len(self._queue)):
            queued = self._queue.popleft()
            if queued.waiter.done():
                continue
            if queued.deadline_s <= now_s:
                _fail(queued)
            else:
                self._queue.append(queued)

    def _backoff_s(self) -> float:
        most = min(MOST_BACKOFF_S, FIRST_BACKOFF_S * 2 ** min(self._failures, 10))
        jitter: float = most * random.uniform(0.5, 1.0)  # noqa: S311 - not a secret
        return jitter

    def _try_again(self) -> None:
        self._retry = None
        self._drop_expired()
        if self._queue:
            self._schedule_pump()
        elif self._unavailable_since_s is not None and not self._in_flight:
            task = self._loop.create_task(self._deliver([]))
            self._in_flight.add(task)
            task.add_done_callback(self._landed)


def _fail(queued: QueuedItem[Any]) -> None:
    if not queued.waiter.done():
        try:
            queued.waiter.set_exception(IngestUnavailableError())
        except Exception:  # as above
            log.exception("failure not taken")


def _retrieve_exception(result: "asyncio.Future[Any]") -> None:
    """Marks an exception as seen: a caller that is gone is no reason for asyncio to log it."""
    if not result.cancelled():
        result.exception()
