"""What leaves the gateway in the background, never as part of an acknowledgement: frames for the log, signs of life.

A buffer is flushed when it is old or large enough. It is bounded: while its service is away it keeps the newest and
counts what it had to drop.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from mesh.errors import MeshError
from mesh.logs import get_logger

log = get_logger(__name__)

Item = TypeVar("Item")

RETRY_S = 1.0


class Buffer(Generic[Item]):
    """Collects items and hands them over in batches of at most `batch`, `delay_s` seconds old at the most.

    `flush(items)` hands a batch over and raises MeshError where that failed; the batch is then kept and tried again.
    Beyond `capacity` the oldest items are dropped. Run `run()` as a task; `drain` at the end.
    """

    def __init__(
        self,
        *,
        name: str,
        flush: Callable[[Sequence[Item]], Awaitable[None]],
        delay_s: float,
        batch: int,
        capacity: int,
    ) -> None:
        self.name = name
        self._flush = flush
        self._delay_s = delay_s
        self._batch = batch
        self._items: deque[Item] = deque(maxlen=capacity)
        self._wake = asyncio.Event()
        self._full = asyncio.Event()
        self.dropped = 0

    def add(self, item: Item) -> None:
        """Adds an item; never waits."""
        if len(self._items) == self._items.maxlen:
            self.dropped += 1
        self._items.append(item)
        if len(self._items) == 1:
            self._wake.set()
        if len(self._items) >= self._batch:
            self._full.set()

    @property
    def depth(self) -> int:
        """Items that wait to be handed over."""
        return len(self._items)

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

    async def _hand_over(self) -> bool:
        batch = [self._items.popleft() for _ in range(min(self._batch, len(self._items)))]
        if len(self._items) < self._batch:
            self._full.clear()
        if not self._items:
            self._wake.clear()
        try:
            await self._flush(batch)
        except MeshError as error:
            log.warning("not handed over yet", buffer=self.name, error=error.reason)
            self._keep(batch)
            return False
        except asyncio.CancelledError:
            self._keep(batch)
            raise
        return True

    def _keep(self, batch: Sequence[Item]) -> None:
        room = (self._items.maxlen or 0) - len(self._items)
        kept = batch[max(0, len(batch) - room) :]
        self.dropped += len(batch) - len(kept)
        self._items.extendleft(reversed(kept))
        self._wake.set()
