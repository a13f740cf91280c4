"""Transaction messages wait in order, and are given up only as the settings say."""

import pytest

from simulator.transaction_queue import TransactionQueue


def test_first_in_first_out() -> None:
    """A message leaves only when it is confirmed, and only from the front."""
    queue: TransactionQueue[str] = TransactionQueue()
    for message in ("start", "meter", "stop"):
        queue.add(message)
    first = queue.first()
    assert first is not None
    assert first is queue.first()
    queue.confirmed(first)
    second = queue.first()
    assert second is not None
    assert second.message == "meter"
    with pytest.raises(ValueError, match="first"):
        queue.confirmed(first)


def test_failures_wait_longer_each_time_and_then_give_up() -> None:
    """TransactionMessageRetryInterval grows with the attempts; after the last one the next message is up."""
    queue: TransactionQueue[str] = TransactionQueue()
    queue.add("start")
    queue.add("stop")
    entry = queue.first()
    assert entry is not None
    assert [queue.failed(entry, attempts=3, interval_s=10) for _ in range(3)] == [10, 20, None]
    assert queue.given_up == 1
    following = queue.first()
    assert following is not None
    assert following.message == "stop"


def test_message_id_stays_over_attempts() -> None:
    """A message that is sent again keeps its id; another message has another."""
    queue: TransactionQueue[str] = TransactionQueue()
    queue.add("start")
    queue.add("stop")
    entry = queue.first()
    assert entry is not None
    message_id = entry.message_id
    queue.failed(entry, attempts=3, interval_s=1)
    again = queue.first()
    assert again is not None
    assert again.message_id == message_id
    queue.confirmed(again)
    following = queue.first()
    assert following is not None
    assert following.message_id != message_id
