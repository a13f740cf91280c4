"""Natural batching towards the services: idle, an item leaves at once; busy, items leave together.

See docs/DESIGN.md, "Batches".

After a batch of some size the next one waits for a moment, so that those who were just answered can join it.

A lane rides out the absence of its service: it sends a failed batch again, item by item within each one's deadline. The
services find repeated items by their content, so that sending again is safe.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from google.protobuf.message import Message

from gateway.buffers import Buffer
from mesh.errors import MeshError
from mesh.logs import get_logger

log = get_logger(__name__)

Item = TypeVar("Item", bound=Message)
Result = TypeVar("Result")
Told_contra = TypeVar("Told_contra", contravariant=True)

MAX_ITEMS = 256
MAX_BYTES = 1024 * 1024
MAX_IN_FLIGHT = 2
# A second batch leaves only when this many items wait: two small batches cost more than one large one (at 50 stations
# in a closed loop, 12 % more CPU per message), and only a large load gains by two.
SECOND_BATCH_ITEMS = 128
# After a batch of at least this many items the next one waits for company: those who were just answered, who may have
# more to say, or whoever else speaks at the same time. Half of a batch's price does not depend on its size (at 50
# stations in a closed loop, 25 % less CPU per message). It waits for a part of the time that the large batch took, and
# not at all where that one is long gone: a lane with little to do adds no delay.
GATHER_FROM_ITEMS = 8
PATIENT_FROM_ITEMS = 2
GATHER_SHARE = 0.5
MOST_GATHER_S = 0.005
GATHER_WITHIN_S = 0.05
FIRST_BACKOFF_S = 0.05
MOST_BACKOFF_S = 1.0


class LaneUnavailableError(Exception):
    """The service was away for longer than the item could wait. The item may or may not be committed."""


class Waiter(Protocol[Told_contra]):
    """Who waits for the result of an item: a future, or what is cheaper. None of these may raise."""

    def done(self) -> bool:
        """Whether it was told already, or waits no more."""

    def set_result(self, result: Told_contra, /) -> None:
        """Tells it the result."""

    def set_exception(self, error: LaneUnavailableError, /) -> None:
        """Tells it that there will be none."""


class _Entry(msgspec.Struct, Generic[Result], frozen=True):
    item: bytes
    deadline_s: float
    waiter: Waiter[Result]


class Way(Protocol):
    """Where an item can be sent, and its result waited for."""

    def submit(self, item: Any, waiter: Waiter[Any], *, deadline_s: float) -> None:
        """Sends an item; see `Lane.submit`."""


class BackgroundLane(Generic[Item, Result]):
    """The way of items that no answer waits for: a buffer takes each at once, and `result` stands for its result.

    They outlast an absence of their service; a gateway that is killed loses those of its last moment.
    """

    def __init__(self, *, buffer: Buffer[Item], result: Result) -> None:
        self._buffer = buffer
        self._result = result

    def submit(self, item: Item, waiter: Waiter[Result], *, deadline_s: float) -> None:
        """Takes the item over."""
        del deadline_s
        self._buffer.add(item)
        waiter.set_result(self._result)


class Lane(Generic[Item, Result]):
    """The way of one kind of item to one ingest RPC.

    `send(items)` does the RPC with serialized items and returns one result per item, in their order; it raises
    MeshError where the whole batch failed. It is also called with no items, as a probe. Use from one event loop;
    `close` when done.

    A lane of what goes beside other messages is given `patience_s`: its items come a few at a time, each from another
    station, so where several came at once just now, all that comes within this time leaves together.
    """

    def __init__(
        self,
        *,
        name: str,
        send: Callable[[Sequence[bytes]], Awaitable[Sequence[Result]]],
        patience_s: float | None = None,
    ) -> None:
        self.name = name
        self._patience_s = patience_s
        self._send = send
        self._queue: deque[_Entry[Result]] = deque()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._pump_scheduled = False
        self._failures = 0
        self._away_since_s: float | None = None
        self._resume: asyncio.Handle | None = None
        self._gathering: asyncio.Handle | None = None
        self._enough = 0  # with as many items as this the next batch need not wait
        self._gather_s = 0.0
        self._busy_until_s = 0.0
        self.batches = 0
        self.items = 0

    def submit(self, item: Item, waiter: Waiter[Result], *, deadline_s: float) -> None:
        """Sends an item; `waiter` is told its result, or LaneUnavailableError from `deadline_s` of the loop's clock on.

        The queue is bounded by the callers: each session waits for its item before it reads on.
        """
        self._queue.append(_Entry(item.SerializeToString(), deadline_s, waiter))
        if self._gathering is not None:
            if len(self._queue) >= self._enough:
                self._end_gathering()
        elif self._busy_until_s and not self._in_flight and not self._pump_scheduled:
            self._gather()
        else:
            self._schedule_pump()

    def ask(self, item: Item, *, deadline_s: float) -> "asyncio.Future[Result]":
        """Sends an item, as `submit` does; the future has what a waiter would be told."""
        result: asyncio.Future[Result] = self._loop.create_future()
        result.add_done_callback(_hear)
        self.submit(item, result, deadline_s=deadline_s)
        return result

    @property
    def depth(self) -> int:
        """Items that wait to be sent."""
        return len(self._queue)

    def away_for_s(self) -> float:
        """For how long the service has been away, in seconds; 0 while it answers."""
        return 0.0 if self._away_since_s is None else self._loop.time() - self._away_since_s

    async def close(self) -> None:
        """Waits for batches in flight; what still waits fails."""
        while self._in_flight or self._pump_scheduled or self._gathering is not None:
            self._end_gathering()
            await asyncio.sleep(0)
            if self._in_flight:
                await asyncio.wait(self._in_flight)
            if self._away_since_s is not None:
                break
        if self._resume is not None:
            self._resume.cancel()
        while self._queue:  # whoever is told may send the next item at once, and is told the same
            _fail(self._queue.popleft())

    def _schedule_pump(self) -> None:
        # At the end of this turn of the event loop, so that all that arrived in it leaves together.
        if not self._pump_scheduled and self._resume is None:
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
        return enough and self._away_since_s is None

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        if self._queue and self._gathering is None:
            self._schedule_pump()

    def _note_size(self, items: int, took_s: float) -> None:
        """Decides whether what comes next waits for company, and for how long."""
        if items < (GATHER_FROM_ITEMS if self._patience_s is None else PATIENT_FROM_ITEMS):
            return
        if self._patience_s is None:
            self._enough = min(MAX_ITEMS, items + len(self._queue))
            self._gather_s = min(MOST_GATHER_S, took_s * GATHER_SHARE)
        else:
            self._enough, self._gather_s = MAX_ITEMS, self._patience_s
        self._busy_until_s = self._loop.time() + GATHER_WITHIN_S
        if self._queue and self._gathering is None:
            self._gather()

    def _gather(self) -> None:
        """Lets items gather for a moment, where the lane was busy just now."""
        if self._loop.time() < self._busy_until_s and self._resume is None:
            self._gathering = self._loop.call_later(self._gather_s, self._end_gathering)
        else:
            self._busy_until_s = 0.0
            self._schedule_pump()

    def _end_gathering(self) -> None:
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        if self._queue:
            self._schedule_pump()

    def _take_batch(self) -> list[_Entry[Result]]:
        batch: list[_Entry[Result]] = []
        size = 0
        queue = self._queue
        while queue and len(batch) < MAX_ITEMS:
            size += len(queue[0].item)
            if batch and size > MAX_BYTES:
                break
            batch.append(queue.popleft())
        return batch

    async def _deliver(self, batch: list[_Entry[Result]]) -> None:
        begun_s = self._loop.time()
        try:
            results = await self._send([entry.item for entry in batch])
        except Exception as error:  # whatever failed, the items are still ours to deliver
            self._failed(batch, error)
            return
        self._succeeded()
        self.batches += 1
        self.items += len(batch)
        for entry, result in zip(batch, results, strict=True):
            if not entry.waiter.done():
                try:
                    entry.waiter.set_result(result)
                except Exception:  # what one station meets is no reason to leave the others without an answer
                    log.exception("result not taken", lane=self.name)
        self._note_size(len(batch), self._loop.time() - begun_s)

    def _succeeded(self) -> None:
        if self._away_since_s is not None:
            log.info("service is back", lane=self.name, away_s=round(self.away_for_s(), 1))
        self._failures = 0
        self._away_since_s = None

    def _failed(self, batch: list[_Entry[Result]], error: Exception) -> None:
        if self._away_since_s is None:
            self._away_since_s = self._loop.time()
            reason = error.reason if isinstance(error, MeshError) else repr(error)
            log.warning("service does not answer", lane=self.name, error=reason)
        self._failures += 1
        # Back to the front, in order, but for what can wait no longer or is not waited for any more.
        self._queue.extendleft(entry for entry in reversed(batch) if not entry.waiter.done())
        self._drop_expired()
        if self._resume is None:
            self._resume = self._loop.call_later(self._backoff_s(), self._try_again)

    def _drop_expired(self) -> None:
        now_s = self._loop.time()
        for _ in range(len(self._queue)):
            entry = self._queue.popleft()
            if entry.waiter.done():
                continue
            if entry.deadline_s <= now_s:
                _fail(entry)
            else:
                self._queue.append(entry)

    def _backoff_s(self) -> float:
        most = min(MOST_BACKOFF_S, FIRST_BACKOFF_S * 2 ** min(self._failures, 10))
        jitter: float = most * random.uniform(0.5, 1.0)  # noqa: S311 - not a secret
        return jitter

    def _try_again(self) -> None:
        self._resume = None
        self._drop_expired()
        if self._queue:
            self._schedule_pump()
        elif self._away_since_s is not None and not self._in_flight:
            task = self._loop.create_task(self._deliver([]))
            self._in_flight.add(task)
            task.add_done_callback(self._landed)


def _fail(entry: _Entry[Any]) -> None:
    if not entry.waiter.done():
        try:
            entry.waiter.set_exception(LaneUnavailableError())
        except Exception:  # as above
            log.exception("failure not taken")


def _hear(result: "asyncio.Future[Any]") -> None:
    """Whoever asked may be gone: a failure that nobody hears is none to complain of."""
    if not result.cancelled():
        result.exception()
