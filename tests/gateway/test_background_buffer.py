"""Background items: bounded, batched, kept while their service is unavailable."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import pytest

from gateway.batching import background_buffer
from gateway.batching.background_buffer import Buffer
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import invalid_field, unavailable
from tests.waiting import until


class Service:
    """The far end of a buffer."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.failures = 0

    async def flush(self, items: Sequence[int]) -> None:
        """Takes a batch, or fails."""
        if self.failures:
            self.failures -= 1
            raise unavailable(Reason.DATABASE_UNAVAILABLE, "away")
        self.batches.append(list(items))


def _buffer(service: Service, *, delay_s: float = 0.0, batch: int = 4, capacity: int = 10) -> "Buffer[int]":
    return Buffer(name="test", flush=service.flush, delay_s=delay_s, batch=batch, capacity=capacity)


async def _until_empty(buffer: "Buffer[int]") -> None:
    task = asyncio.ensure_future(buffer.run())
    await until(lambda: not buffer.depth)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_full_batches_do_not_wait() -> None:
    """A batch that is full leaves before its time."""
    service = Service()
    buffer = _buffer(service, delay_s=60)
    for n in range(8):
        buffer.add(n)
    await _until_empty(buffer)
    assert service.batches == [[0, 1, 2, 3], [4, 5, 6, 7]]


async def test_a_part_of_a_batch_leaves_in_time() -> None:
    service = Service()
    buffer = _buffer(service)
    buffer.add(1)
    await _until_empty(buffer)
    assert service.batches == [[1]]


async def test_what_could_not_be_handed_over_is_kept_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """An absence delays, it does not lose."""
    monkeypatch.setattr(background_buffer, "RETRY_S", 0)
    service = Service()
    service.failures = 2
    buffer = _buffer(service)
    for n in range(6):
        buffer.add(n)
    await _until_empty(buffer)
    assert service.batches == [[0, 1, 2, 3], [4, 5]]


async def test_the_oldest_are_dropped_and_counted_beyond_the_capacity() -> None:
    """Memory is bounded, and the loss is visible."""
    service = Service()
    buffer = _buffer(service)
    for n in range(13):
        buffer.add(n)
    assert buffer.dropped == 3
    await buffer.drain(5)
    assert [n for batch in service.batches for n in batch] == list(range(3, 13))


async def test_draining_gives_up_on_an_absent_service() -> None:
    """Stopping does not hang."""
    service = Service()
    service.failures = 1_000
    buffer = _buffer(service)
    buffer.add(1)
    await buffer.drain(5)
    assert buffer.depth == 1


async def test_batches_and_buffers_are_bounded_in_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large items make small batches, and the oldest give way before memory does."""
    monkeypatch.setattr(background_buffer, "BATCH_BYTES", 10)
    service = Service()
    buffer: Buffer[int] = Buffer(
        name="test", flush=service.flush, delay_s=0, batch=100, capacity=100, capacity_bytes=40, size=lambda item: item
    )
    for item in (8, 9, 4, 5, 20):
        buffer.add(item)
    assert buffer.dropped == 1
    await buffer.drain(5)
    assert service.batches == [[9], [4, 5], [20]]


async def test_a_batch_that_is_refused_for_itself_is_dropped() -> None:
    """It would fail for ever, and hold up everything behind it."""

    async def refuse(items: Sequence[int]) -> None:
        if 1 in items:
            raise invalid_field("items", "too large")
        taken.extend(items)

    taken: list[int] = []
    buffer: Buffer[int] = Buffer(name="test", flush=refuse, delay_s=0, batch=2, capacity=10)
    for item in range(4):
        buffer.add(item)
    await buffer.drain(5)
    assert taken == [2, 3]
    assert buffer.dropped == 2


async def test_whoever_adds_may_wait_for_room() -> None:
    """Half full, it is backlogged until its service has caught up; not while the service is unavailable."""
    service = Service()
    buffer = _buffer(service)
    for n in range(6):
        buffer.add(n)
    waiting = asyncio.ensure_future(buffer.wait_for_capacity(60))
    await asyncio.sleep(0)
    assert not waiting.done()
    await buffer.drain(5)
    await waiting
    for n in range(6):
        buffer.add(n)
    service.failures = 1
    await buffer.drain(5)
    buffer.add(6)
    assert not buffer.backlogged
    assert buffer.depth == 7


async def test_nobody_waits_for_room_for_ever() -> None:
    """A service that hangs is no reason."""
    buffer = _buffer(Service())
    for n in range(6):
        buffer.add(n)
    await buffer.wait_for_capacity(0.001)
    assert buffer.backlogged


async def test_two_runners_hand_over_at_the_same_time() -> None:
    """A batch leaves while another is under way, and each item once."""
    gate, batches = asyncio.Event(), list[list[int]]()

    async def flush(items: Sequence[int]) -> None:
        batches.append(list(items))
        await gate.wait()

    buffer: Buffer[int] = Buffer(name="test", flush=flush, delay_s=0, batch=4, capacity=20, runners=2)
    tasks = [asyncio.ensure_future(buffer.run()) for _ in range(buffer.runners)]
    for n in range(10):
        buffer.add(n)
    await until(lambda: len(batches) == 2)
    gate.set()
    await until(lambda: len(batches) == 3)
    assert sorted(n for batch in batches for n in batch) == list(range(10))
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
