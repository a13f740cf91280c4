"""The order, the expiry and the batches of the items of an ingest RPC."""

from collections import deque

from gateway.batching.item_queue import ItemQueue, QueuedItem, drop_expired, fail_all, put_back, take_batch
from gateway.batching.sinks import IngestUnavailableError

NOW_S = 1000.0
MIB = 1024 * 1024


class Noting:
    """A waiter that notes that it failed."""

    def __init__(self) -> None:
        self.is_done = False
        self.failures = 0

    def done(self) -> bool:
        return self.is_done

    def set_result(self, _result: bytes) -> None:
        raise AssertionError

    def set_exception(self, _error: IngestUnavailableError) -> None:
        self.failures += 1
        self.is_done = True


def _queued(item: bytes, deadline_s: float = NOW_S + 1) -> QueuedItem[bytes]:
    return QueuedItem(item, deadline_s, Noting())


def _queue(*items: bytes) -> ItemQueue[bytes]:
    return deque(_queued(item) for item in items)


def _items(queue: "ItemQueue[bytes] | list[QueuedItem[bytes]]") -> list[bytes]:
    return [queued.item for queued in queue]


def test_a_batch_is_cut_from_the_front_by_items() -> None:
    queue = _queue(b"1", b"2", b"3")
    assert _items(take_batch(queue, max_items=2, max_bytes=MIB)) == [b"1", b"2"]
    assert _items(queue) == [b"3"]


def test_a_batch_is_cut_by_bytes() -> None:
    queue = _queue(b"1234", b"5678", b"9")
    assert _items(take_batch(queue, max_items=9, max_bytes=8)) == [b"1234", b"5678"]


def test_an_item_larger_than_a_batch_leaves_alone() -> None:
    queue = _queue(b"123456789", b"1")
    assert _items(take_batch(queue, max_items=9, max_bytes=8)) == [b"123456789"]
    assert _items(queue) == [b"1"]


def test_an_empty_queue_gives_an_empty_batch() -> None:
    assert take_batch(_queue(), max_items=9, max_bytes=8) == []


def test_a_failed_batch_goes_back_to_the_front_in_its_order() -> None:
    queue = _queue(b"1", b"2", b"3")
    batch = take_batch(queue, max_items=2, max_bytes=MIB)
    put_back(queue, batch)
    assert _items(queue) == [b"1", b"2", b"3"]


def test_an_item_that_nobody_waits_for_does_not_go_back() -> None:
    queue = _queue(b"3")
    done, waiting = _queued(b"1"), _queued(b"2")
    done.waiter.set_exception(IngestUnavailableError())
    put_back(queue, [done, waiting])
    assert _items(queue) == [b"2", b"3"]


def test_only_expired_items_fail() -> None:
    expired, due, later, done = _queued(b"1", NOW_S - 1), _queued(b"2", NOW_S), _queued(b"3"), _queued(b"4")
    done.waiter.set_exception(IngestUnavailableError())
    queue: ItemQueue[bytes] = deque([later, expired, done, due])
    drop_expired(queue, NOW_S)
    assert _items(queue) == [b"3"]
    assert [expired.waiter.done(), due.waiter.done(), later.waiter.done()] == [True, True, False]


def test_an_item_that_is_added_while_the_others_fail_fails_too() -> None:
    queue = _queue()

    class Repeating(Noting):
        def set_exception(self, error: IngestUnavailableError) -> None:
            if not self.failures:
                queue.append(QueuedItem(b"again", NOW_S, self))
            self.failures += 1

    waiter = Repeating()
    queue.append(QueuedItem(b"first", NOW_S, waiter))
    fail_all(queue)
    assert waiter.failures == 2
    assert not queue


def test_a_waiter_that_raises_harms_no_other() -> None:
    class Broken(Noting):
        def set_exception(self, _error: IngestUnavailableError) -> None:
            raise RuntimeError

    other = _queued(b"2")
    fail_all(deque([QueuedItem(b"1", NOW_S, Broken()), other]))
    assert other.waiter.done()
