"""Natural batching towards the services: idle, an item leaves at once; busy, items leave together.

See docs/DESIGN.md, "Batches".

After a batch of some size the next one waits for a moment, so that those who were just answered can join it
(`linger.py`).

While its service is unavailable (`availability.py`) a batcher sends failed batches again, each item within its own
deadline (`item_queue.py`). The services find repeated items by their content, so that sending again is safe.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

import msgspec
from google.protobuf.message import Message

from gateway.batching.availability import Availability
from gateway.batching.item_queue import ItemQueue, QueuedItem, drop_expired, fail_all, put_back, take_batch
from gateway.batching.linger import LingerPolicy
from gateway.batching.sinks import Waiter
from mesh.runtime.errors import MeshError
from mesh.runtime.logs import get_logger

log = get_logger(__name__)

Item = TypeVar("Item", bound=Message)
Result = TypeVar("Result")

MAX_ITEMS = 256
MAX_BYTES = 1024 * 1024


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """The batches that may be under way at once.

    A further batch leaves only when `next_batch_items` wait: two small batches cost more than one large one (at 50
    stations in a closed loop, 12 % more CPU per message), and only a large load gains by two.
    """

    max_in_flight: int = 2
    next_batch_items: int = 128
    max_items: int = MAX_ITEMS  # of a batch


class IngestBatcher(Generic[Item, Result]):
    """Sends the items of one ingest RPC in batches.

    `send(items)` does the RPC with serialized items and returns one result per item, in their order; it raises
    MeshError where the whole batch failed. It is also called with no items, as a probe. Use from one event loop;
    `close` when done.

    `max_linger_s` is for items that go beside other messages: see `LingerPolicy`. `flow` bounds the batches that are
    under way.
    """

    def __init__(
        self,
        *,
        name: str,
        send: Callable[[Sequence[bytes]], Awaitable[Sequence[Result]]],
        max_linger_s: float | None = None,
        flow: Flow = Flow(),  # noqa: B008 - frozen
    ) -> None:
        self.name = name
        self._flow = flow
        self.batches = 0
        self.items = 0
        self._send = send
        self._queue: ItemQueue[Result] = deque()
        self._linger_policy = LingerPolicy(max_items=MAX_ITEMS, max_linger_s=max_linger_s)
        self._availability = Availability()
        self._loop = asyncio.get_running_loop()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._items_in_flight = 0
        self._pump_scheduled = False
        self._retry: asyncio.Handle | None = None
        self._lingering: asyncio.Handle | None = None

    def submit(self, item: Item, waiter: Waiter[Result], *, deadline_s: float) -> None:
        """Sends an item; `waiter` gets the result, or IngestUnavailableError after `deadline_s` of the loop's clock.

        The queue is bounded by the callers: each session waits for its item before it reads on.
        """
        queue = self._queue
        queue.append(QueuedItem(item.SerializeToString(), deadline_s, waiter))
        if self._lingering is not None:
            if len(queue) >= self._linger_policy.enough_items:
                self._end_linger()
        elif not self._pump_scheduled and not self._in_flight and self._linger_policy.is_active:
            self._begin_linger()
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

    @property
    def outstanding(self) -> int:
        """Items without a result: those that wait to be sent, and those under way."""
        return len(self._queue) + self._items_in_flight

    def unavailable_for_s(self) -> float:
        """For how long the service has been unavailable, in seconds; 0 while it answers."""
        return self._availability.unavailable_for_s(self._loop.time())

    async def close(self) -> None:
        """Waits for batches in flight; what still waits fails."""
        while self._in_flight or self._pump_scheduled or self._lingering is not None:
            self._end_linger()
            await asyncio.sleep(0)
            if self._in_flight:
                await asyncio.wait(self._in_flight)
            if not self._availability.is_available:
                break
        if self._retry is not None:
            self._retry.cancel()
        fail_all(self._queue)

    # Sending

    def _schedule_pump(self) -> None:
        # At the end of this iteration of the event loop, so that all items that arrived in it are sent together.
        if not self._pump_scheduled and self._retry is None:
            self._pump_scheduled = True
            self._loop.call_soon(self._pump)

    def _pump(self) -> None:
        self._pump_scheduled = False
        while self._queue and self._may_send():
            self._send_soon(take_batch(self._queue, max_items=self._flow.max_items, max_bytes=MAX_BYTES))

    def _may_send(self) -> bool:
        if not self._in_flight:
            return True
        flow = self._flow
        enough = len(self._queue) >= flow.next_batch_items and len(self._in_flight) < flow.max_in_flight
        return enough and self._availability.is_available

    def _send_soon(self, batch: list[QueuedItem[Result]]) -> None:
        task = self._loop.create_task(self._deliver(batch))
        self._in_flight.add(task)
        self._items_in_flight += len(batch)
        task.add_done_callback(partial(self._landed, len(batch)))

    def _landed(self, items: int, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._items_in_flight -= items
        if self._queue and self._lingering is None:
            self._schedule_pump()

    # Lingering

    def _begin_linger(self) -> None:
        """Waits a moment for more items, where the batcher was busy just now."""
        if self._lingering is not None:
            return
        if self._retry is not None:
            self._linger_policy.reset()  # the retry sends what waits
        linger_s = self._linger_policy.linger_s(self._loop.time())
        if linger_s is None:
            self._schedule_pump()
        else:
            self._lingering = self._loop.call_later(linger_s, self._end_linger)

    def _end_linger(self) -> None:
        if self._lingering is not None:
            self._lingering.cancel()
            self._lingering = None
        if self._queue:
            self._schedule_pump()

    # Results

    async def _deliver(self, batch: list[QueuedItem[Result]]) -> None:
        begun_s = self._loop.time()
        try:
            results = await self._send([queued.item for queued in batch])
        except Exception as error:  # with any error, the items still have to be delivered
            self._on_failure(batch, error)
            return
        if not self._availability.is_available:
            self._on_recovery()
        self.batches += 1
        self.items += len(batch)
        for queued, result in zip(batch, results, strict=True):
            waiter = queued.waiter
            if not waiter.done():
                try:
                    waiter.set_result(result)
                except Exception:  # what one station meets is no reason to leave the others without an answer
                    log.exception("result not taken", lane=self.name)
        now_s = self._loop.time()
        if self._linger_policy.on_batch(len(batch), len(self._queue), now_s - begun_s, now_s) and self._queue:
            self._begin_linger()

    def _on_recovery(self) -> None:
        log.info("service is back", lane=self.name, away_s=round(self.unavailable_for_s(), 1))
        self._availability.on_success()

    def _on_failure(self, batch: list[QueuedItem[Result]], error: Exception) -> None:
        if self._availability.is_available:
            reason = error.reason if isinstance(error, MeshError) else repr(error)
            log.warning("service does not answer", lane=self.name, error=reason)
        now_s = self._loop.time()
        self._availability.on_failure(now_s)
        put_back(self._queue, batch)
        drop_expired(self._queue, now_s)
        if self._retry is None:
            self._retry = self._loop.call_later(self._availability.backoff_s(), self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        drop_expired(self._queue, self._loop.time())
        if self._queue:
            self._schedule_pump()
        elif not self._availability.is_available and not self._in_flight:
            self._send_soon([])  # a probe


def _retrieve_exception(result: "asyncio.Future[Any]") -> None:
    """Marks an exception as retrieved: asyncio need not log it where the caller has given up."""
    if not result.cancelled():
        result.exception()
