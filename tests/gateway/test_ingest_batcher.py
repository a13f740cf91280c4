"""Natural batching, and riding out a service's absence."""

import asyncio
import gc
from collections.abc import Sequence

import pytest
from csms.common.v1.origin_pb2 import Origin

from gateway.batching import availability, linger
from gateway.batching.background_buffer import Buffer
from gateway.batching.background_sink import BackgroundSink
from gateway.batching.ingest_batcher import Flow, IngestBatcher
from gateway.batching.sinks import IngestUnavailableError
from mesh.runtime.backoff import Backoff
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import unavailable
from tests.waiting import until


class Service:
    """A service: answers each item with its ordinal, once it is let."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.away = False

    async def send(self, items: Sequence[bytes]) -> Sequence[int]:
        """The RPC."""
        ordinals = [Origin.FromString(item).ordinal for item in items]
        self.batches.append(ordinals)
        await self.gate.wait()
        if self.away:
            raise unavailable(Reason.DATABASE_UNAVAILABLE, "away")
        return ordinals


@pytest.fixture(autouse=True)
def _quick_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(availability, "BACKOFF", Backoff(first_s=0.001, most_s=0.005))


def _batcher(service: Service) -> "IngestBatcher[Origin, int]":
    return IngestBatcher(name="test", send=service.send)


def _in(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


async def test_an_idle_batcher_sends_at_once_and_a_busy_one_batches() -> None:
    """The first item leaves alone; those that come while it is out leave together when it returns."""
    service = Service()
    service.gate.clear()
    batcher = _batcher(service)
    results = [batcher.ask(Origin(ordinal=1), deadline_s=_in(60))]
    await until(lambda: len(service.batches) == 1)
    results += [batcher.ask(Origin(ordinal=n), deadline_s=_in(60)) for n in range(2, 9)]
    for _ in range(10):
        await asyncio.sleep(0)
    assert service.batches == [[1]]
    service.gate.set()
    assert await asyncio.gather(*results) == list(range(1, 9))
    assert service.batches == [[1], [2, 3, 4, 5, 6, 7, 8]]


async def test_a_second_batch_leaves_only_for_a_large_load() -> None:
    """Two in flight are the most, and the second waits until it is worth it."""
    service = Service()
    service.gate.clear()
    batcher = _batcher(service)
    results = [batcher.ask(Origin(ordinal=0), deadline_s=_in(60))]
    await until(lambda: len(service.batches) == 1)
    results += [batcher.ask(Origin(ordinal=n), deadline_s=_in(60)) for n in range(1, 1 + 2 * 128)]
    await until(lambda: len(service.batches) == 2)
    results += [batcher.ask(Origin(ordinal=n), deadline_s=_in(60)) for n in range(300, 300 + 2 * 128)]
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(service.batches) == 2
    service.gate.set()
    await asyncio.gather(*results)
    assert [len(batch) for batch in service.batches] == [1, 256, 256]


async def _first_batch(service: Service, batcher: "IngestBatcher[Origin, int]", items: int) -> None:
    """Has a batch answered, and one item that came meanwhile waiting."""
    service.gate.clear()
    results = [batcher.ask(Origin(ordinal=n), deadline_s=_in(60)) for n in range(items)]
    await until(lambda: len(service.batches) == 1)
    batcher.ask(Origin(ordinal=100), deadline_s=_in(60))
    service.gate.set()
    await asyncio.gather(*results)


async def test_item_of_a_far_machine_holds_back_no_other() -> None:
    """Each leaves in a batch of its own, up to so many at once; those beyond leave as one comes back."""
    service = Service()
    service.gate.clear()
    flow = Flow(max_in_flight=3, next_batch_items=1)
    batcher: IngestBatcher[Origin, int] = IngestBatcher(name="test", send=service.send, flow=flow)
    results = []
    for number in range(5):
        results.append(batcher.ask(Origin(ordinal=number), deadline_s=_in(60)))
        for _ in range(10):
            await asyncio.sleep(0)
    assert service.batches == [[0], [1], [2]]
    service.gate.set()
    assert await asyncio.gather(*results) == list(range(5))
    assert sorted(number for batch in service.batches for number in batch) == list(range(5))


async def test_those_who_were_answered_share_the_next_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next batch leaves as soon as all have spoken again, long before it has waited for long enough."""
    monkeypatch.setattr(linger, "MAX_LINGER_S", 60.0)
    monkeypatch.setattr(linger, "LINGER_SHARE", 1e9)
    service = Service()
    batcher = _batcher(service)
    await _first_batch(service, batcher, 8)
    results = []
    for n in range(101, 109):
        await asyncio.sleep(0)
        assert len(service.batches) == 1
        results.append(batcher.ask(Origin(ordinal=n), deadline_s=_in(60)))
    await asyncio.gather(*results)
    assert service.batches[1:] == [list(range(100, 109))]


async def test_a_batch_waits_no_longer_than_for_a_part_of_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where those who were answered have nothing to say, who waits is not held up for long."""
    monkeypatch.setattr(linger, "MAX_LINGER_S", 0.001)
    service = Service()
    batcher = _batcher(service)
    await _first_batch(service, batcher, 8)
    await until(lambda: service.batches[1:] == [[100]])


async def test_a_batcher_that_was_busy_just_now_lingers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Items that come in bursts leave together; the first does not leave alone."""
    monkeypatch.setattr(linger, "MAX_LINGER_S", 60.0)
    monkeypatch.setattr(linger, "LINGER_SHARE", 1e9)
    monkeypatch.setattr(linger, "LINGER_WITHIN_S", 60.0)
    service = Service()
    batcher = _batcher(service)
    await asyncio.gather(*[batcher.ask(Origin(ordinal=n), deadline_s=_in(60)) for n in range(8)])
    results = []
    for n in range(8):
        await asyncio.sleep(0)
        assert len(service.batches) == 1
        results.append(batcher.ask(Origin(ordinal=n), deadline_s=_in(60)))
    await asyncio.gather(*results)
    assert service.batches[1:] == [list(range(8))]


async def test_a_batcher_whose_large_batch_is_long_gone_sends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quiet again, an item leaves when it comes."""
    monkeypatch.setattr(linger, "MAX_LINGER_S", 60.0)
    monkeypatch.setattr(linger, "LINGER_SHARE", 1e9)
    monkeypatch.setattr(linger, "LINGER_WITHIN_S", 0.0)
    service = Service()
    batcher = _batcher(service)
    await asyncio.gather(*[batcher.ask(Origin(ordinal=n), deadline_s=_in(60)) for n in range(8)])
    assert await batcher.ask(Origin(ordinal=100), deadline_s=_in(60)) == 100
    assert service.batches == [list(range(8)), [100]]


async def test_nobody_waits_after_a_small_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batcher with little to do adds no delay."""
    monkeypatch.setattr(linger, "MAX_LINGER_S", 60.0)
    monkeypatch.setattr(linger, "LINGER_SHARE", 1e9)
    service = Service()
    batcher = _batcher(service)
    await _first_batch(service, batcher, 7)
    await until(lambda: service.batches[1:] == [[100]])


async def test_closing_does_not_wait_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Items that linger leave at once when the batcher closes."""
    monkeypatch.setattr(linger, "MAX_LINGER_S", 60.0)
    monkeypatch.setattr(linger, "LINGER_SHARE", 1e9)
    service = Service()
    batcher = _batcher(service)
    await _first_batch(service, batcher, 8)
    await batcher.close()
    assert service.batches[1:] == [[100]]


async def test_closing_delivers_what_waits_for_the_batch_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the batch comes back while the batcher closes."""
    monkeypatch.setattr(linger, "MAX_LINGER_S", 60.0)
    monkeypatch.setattr(linger, "LINGER_SHARE", 1e9)
    service = Service()
    service.gate.clear()
    batcher = _batcher(service)
    results = [batcher.ask(Origin(ordinal=n), deadline_s=_in(60)) for n in range(8)]
    await until(lambda: len(service.batches) == 1)
    results.append(batcher.ask(Origin(ordinal=100), deadline_s=_in(60)))
    closing = asyncio.create_task(batcher.close())
    await asyncio.sleep(0)
    service.gate.set()
    await closing
    assert await asyncio.gather(*results) == [*range(8), 100]


async def test_items_of_one_turn_of_the_loop_leave_together() -> None:
    """No timer, yet what arrives at once is one batch."""
    service = Service()
    batcher = _batcher(service)
    results = [batcher.ask(Origin(ordinal=n), deadline_s=_in(60)) for n in range(5)]
    assert await asyncio.gather(*results) == list(range(5))
    assert service.batches == [[0, 1, 2, 3, 4]]


async def test_batches_are_bounded_in_items_and_bytes() -> None:
    """At most 256 items and 1 MiB, but always at least one item."""
    service = Service()
    batcher = _batcher(service)
    await asyncio.gather(*(batcher.ask(Origin(ordinal=n), deadline_s=_in(60)) for n in range(600)))
    assert [len(batch) for batch in service.batches] == [256, 256, 88]
    service.batches.clear()
    big = "x" * 700_000
    await asyncio.gather(*(batcher.ask(Origin(ordinal=n, station_id=big), deadline_s=_in(60)) for n in range(3)))
    assert [len(batch) for batch in service.batches] == [1, 1, 1]


async def test_an_absence_is_ridden_out_in_order() -> None:
    """A failed batch is sent again; nothing is lost, nothing overtakes."""
    service = Service()
    service.away = True
    batcher = _batcher(service)
    results = [batcher.ask(Origin(ordinal=n), deadline_s=_in(60)) for n in range(3)]
    await until(lambda: len(service.batches) >= 3)
    assert batcher.unavailable_for_s() > 0
    results += [batcher.ask(Origin(ordinal=n), deadline_s=_in(60)) for n in range(3, 6)]
    service.away = False
    assert await asyncio.gather(*results) == list(range(6))
    assert batcher.unavailable_for_s() == 0


async def test_an_item_fails_at_its_deadline_and_only_it() -> None:
    """Each item has its own budget."""
    service = Service()
    service.away = True
    batcher = _batcher(service)
    hurried = batcher.ask(Origin(ordinal=1), deadline_s=_in(0.01))
    patient = batcher.ask(Origin(ordinal=2), deadline_s=_in(60))
    with pytest.raises(IngestUnavailableError):
        await hurried
    service.away = False
    assert await patient == 2


async def test_a_failure_nobody_hears_is_no_error_in_the_log() -> None:
    """A message with several items stops waiting at the first that fails; the others' failures are no news."""
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: reported.append(context))
    service = Service()
    service.away = True
    batcher = _batcher(service)
    results = [batcher.ask(Origin(ordinal=n), deadline_s=_in(0.01)) for n in range(2)]
    await until(lambda: all(result.done() for result in results))
    results.clear()
    gc.collect()
    assert reported == []


async def test_an_empty_batcher_probes_until_the_service_is_back() -> None:
    """When nobody asks any more, the batcher itself finds out that the service is back."""
    service = Service()
    service.away = True
    batcher = _batcher(service)
    with pytest.raises(IngestUnavailableError):
        await batcher.ask(Origin(ordinal=1), deadline_s=_in(0))
    service.away = False
    await until(lambda: batcher.unavailable_for_s() == 0)
    assert service.batches[-1] == []


async def test_an_item_nobody_waits_for_is_not_sent_again() -> None:
    """A cancelled wait takes its item out of the queue."""
    service = Service()
    service.away = True
    batcher = _batcher(service)
    lost = batcher.ask(Origin(ordinal=1), deadline_s=_in(60))
    kept = batcher.ask(Origin(ordinal=2), deadline_s=_in(60))
    await until(lambda: len(service.batches) >= 1)
    lost.cancel()
    await until(lambda: service.batches[-1] == [2])
    service.away = False
    assert await kept == 2


async def test_closing_waits_for_what_is_in_flight() -> None:
    """A batch that is out is waited for."""
    service = Service()
    service.gate.clear()
    batcher = _batcher(service)
    result = batcher.ask(Origin(ordinal=1), deadline_s=_in(60))
    await until(lambda: len(service.batches) == 1)
    closing = asyncio.ensure_future(batcher.close())
    await asyncio.sleep(0)
    assert not closing.done()
    service.gate.set()
    await closing
    assert await result == 1


async def test_closing_fails_what_waits_for_an_absent_service() -> None:
    """Closing does not hang on a service that is unavailable."""
    service = Service()
    service.away = True
    batcher = _batcher(service)
    result = batcher.ask(Origin(ordinal=1), deadline_s=_in(60))
    await until(lambda: batcher.unavailable_for_s() > 0)
    await batcher.close()
    with pytest.raises(IngestUnavailableError):
        await result


async def test_what_goes_in_the_background_is_waited_for_by_nobody() -> None:
    """It outlasts an absence of its service, and leaves in one batch."""
    delivered: list[Origin] = []
    failures = [unavailable(Reason.DATABASE_UNAVAILABLE, "away")]

    async def flush(items: Sequence[Origin]) -> None:
        if failures:
            raise failures.pop()
        delivered.extend(items)

    buffer: Buffer[Origin] = Buffer(name="asides", flush=flush, delay_s=60, batch=3, capacity=10)
    batcher = BackgroundSink(buffer=buffer, result=0)
    items = [Origin() for _ in range(2)]
    for item in items:
        taken: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        batcher.submit(item, taken, deadline_s=0)
        assert taken.result() == 0
    await buffer.drain(1)  # it is away
    assert (delivered, buffer.depth) == ([], 2)
    await buffer.drain(1)
    assert delivered == items


class Follower:
    """Sends its next item with the result, as a station's next CALL does."""

    def __init__(self, batcher: "IngestBatcher[Origin, int]", more: int) -> None:
        self._batcher = batcher
        self._more = more
        self._told = False
        self.failures = 0

    def done(self) -> bool:
        """See gateway.batching.sinks.Waiter."""
        return self._told

    def set_result(self, _result: int) -> None:
        """See gateway.batching.sinks.Waiter."""
        raise AssertionError

    def set_exception(self, _error: IngestUnavailableError) -> None:
        """See gateway.batching.sinks.Waiter."""
        self.failures += 1
        if self._more:
            self._more -= 1
            self._batcher.submit(Origin(), self, deadline_s=_in(60))
        else:
            self._told = True


async def test_closing_fails_what_is_sent_while_it_closes() -> None:
    """A caller that learns of a missing result may send more items at once."""
    service = Service()
    service.away = True
    batcher = _batcher(service)
    followers = [Follower(batcher, more=2) for _ in range(3)]
    for follower in followers:
        batcher.submit(Origin(), follower, deadline_s=_in(60))
    await until(lambda: service.batches)
    await batcher.close()
    assert [follower.failures for follower in followers] == [3, 3, 3]


class Broken:
    """Fails when it gets the result."""

    def done(self) -> bool:
        """See gateway.batching.sinks.Waiter."""
        return False

    def set_result(self, _result: int) -> None:
        """See gateway.batching.sinks.Waiter."""
        raise RuntimeError("broken")

    def set_exception(self, _error: IngestUnavailableError) -> None:
        """See gateway.batching.sinks.Waiter."""
        raise RuntimeError("broken")


async def test_a_waiter_that_fails_harms_no_other() -> None:
    """A batch has the items of many stations, and the service's absence is that of them all."""
    service = Service()
    service.gate.clear()
    batcher = _batcher(service)
    for away in (False, True):
        batcher.submit(Origin(ordinal=1), Broken(), deadline_s=_in(0))
        other = batcher.ask(Origin(ordinal=2), deadline_s=_in(60 if not away else 0))
        service.away = away
        service.gate.set()
        if away:
            with pytest.raises(IngestUnavailableError):
                await other
        else:
            assert await other == 2
    service.away = False
    assert await batcher.ask(Origin(ordinal=3), deadline_s=_in(60)) == 3
    await batcher.close()
