"""Buffers for items that are sent in the background and that no answer waits for: frames for the log, last-seen times.

A buffer is flushed when it is old or large enough. It is bounded, in items and in bytes: while its service is
unavailable it keeps the newest items and counts those that it drops. While its service answers more slowly than items
arrive, a caller that adds to it may wait for capacity.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import islice
from typing import Generic, TypeVar

import grpc

from mesh.runtime.errors import MeshError
from mesh.runtime.logs import get_logger

log = get_logger(__name__)

Item = TypeVar("Item")

RETRY_S = 1.0
# As much as an ingest batcher sends at once, far below what a gRPC message may hold.
BATCH_BYTES = 1024 * 1024
# Failures that pass by themselves. Any other is about the batch, which would fail for ever.
_PASSING = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED})


class Buffer(Generic[Item]):
    """Collects items and flushes them in batches of at most `batch`, `delay_s` seconds old at the most.

    `flush(items)` sends a batch and raises MeshError where that failed; the batch is then kept and tried again, unless
    the failure is about the batch itself. Beyond `capacity` items or `capacity_bytes`, by `size`, the oldest are
    dropped. Run `run()` as a task, or as `runners` tasks where batches may overtake each other; `drain` at the end.
    """

    def __init__(
        self,
        *,
        name: str,
        flush: Callable[[Sequence[Item]], Awaitable[None]],
        delay_s: float,
        batch: int,
        capacity: int,
        capacity_bytes: int = 64 * 1024 * 1024,
        size: Callable[[Item], int] = lambda _item: 200,
        runners: int = 1,
    ) -> None:
        self.name = name
        self.runners = runners
        self._flush = flush
        self._delay_s = delay_s
        self._batch = batch
        self._capacity = capacity
        self._capacity_bytes = capacity_bytes
        self._half, self._half_bytes = capacity // 2, capacity_bytes // 2
        self._size = size
        self._bytes = 0
        self._items: deque[Item] = deque()
        self._wake = asyncio.Event()
        self._full = asyncio.Event()
        self._has_capacity = asyncio.Event()
        self._has_capacity.set()
        self.backlogged = False  # whether items come faster than its service accepts them; false in an outage
        self._is_unavailable = False
        self.dropped = 0

    def add(self, item: Item) -> None:
        """Adds an item; never waits."""
        self._items.append(item)
        self._bytes += self._size(item)
        waiting = len(self._items)
        if waiting > self._half or self._bytes > self._half_bytes:
            self._drop_oldest()
            if not self._is_unavailable:
                self._set_backlogged(True)
        if waiting == 1:
            self._wake.set()
        if waiting >= self._batch:
            self._full.set()

    @property
    def depth(self) -> int:
        """Number of items that wait to be flushed."""
        return len(self._items)

    async def wait_for_capacity(self, timeout_s: float) -> None:
        """Waits until it is not backlogged, for `timeout_s` seconds at the most."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._has_capacity.wait()
        except TimeoutError:
            pass

    async def run(self) -> None:
        """Hands over until cancelled."""
        while True:
            await self._wake.wait()
            await self._until_due()
            if not await self._hand_over():
                await asyncio.sleep(RETRY_S)

    async def drain(self, timeout_s: float) -> None:
        """Hands over all there is, for at most `timeout_s` seconds; call it once `run` is cancelled."""
        try:
            async with asyncio.timeout(timeout_s):
                while self._items and await self._hand_over():
                    pass
        except TimeoutError:
            pass
        if self._items:
            log.warning("not handed over", buffer=self.name, items=len(self._items))

    async def _until_due(self) -> None:
        if len(self._items) >= self._batch:
            return
        try:
            async with asyncio.timeout(self._delay_s):
                await self._full.wait()
        except TimeoutError:
            pass

    def _set_backlogged(self, backlogged: bool) -> None:
        self.backlogged = backlogged
        if backlogged:
            self._has_capacity.clear()
        else:
            self._has_capacity.set()

    def _is_half_full(self) -> bool:
        return len(self._items) > self._half or self._bytes > self._half_bytes

    def _drop_oldest(self) -> None:
        while len(self._items) > self._capacity or self._bytes > self._capacity_bytes:
            self._bytes -= self._size(self._items.popleft())
            self.dropped += 1

    def _take_batch(self) -> list[Item]:
        items, size_of = self._items, self._size
        count = size = 0
        for item in islice(items, self._batch):
            grown = size + size_of(item)
            if count and grown > BATCH_BYTES:
                break
            count, size = count + 1, grown
        self._bytes -= size
        return [items.popleft() for _ in range(count)]

    async def _hand_over(self) -> bool:
        batch = self._take_batch()
        if not batch:  # another runner has it
            return True
        if len(self._items) < self._batch:
            self._full.clear()
        if not self._items:
            self._wake.clear()
        try:
            await self._flush(batch)
        except MeshError as error:
            return self._failed(batch, error)
        except asyncio.CancelledError:
            self._keep(batch)
            raise
        self._is_unavailable = False
        if not self._is_half_full():
            self._set_backlogged(False)
        return True

    def _failed(self, batch: Sequence[Item], error: MeshError) -> bool:
        if error.code not in _PASSING:
            log.error("refused: dropped", buffer=self.name, items=len(batch), error=str(error))
            self.dropped += len(batch)
            return True
        self._is_unavailable = True
        self._set_backlogged(False)
        log.warning("not handed over yet", buffer=self.name, waiting=len(self._items), error=str(error))
        self._keep(batch)
        return False

    def _keep(self, batch: Sequence[Item]) -> None:
        self._items.extendleft(reversed(batch))
        self._bytes += sum(self._size(item) for item in batch)
        self._drop_oldest()
        self._wake.set()
