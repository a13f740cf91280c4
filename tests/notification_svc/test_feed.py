"""The live end of a stream, by itself: bounded, complete as far as it reaches, and honest about where it ends."""

import asyncio

import grpc
import pytest

from mesh.runtime.errors import MeshError
from notification_svc.feed import MAX_BYTES, MAX_EVENTS, Tail
from notification_svc.store import StoredEvent


def _event(cursor: int, size: int = 10) -> StoredEvent:
    return StoredEvent(
        tenant_id="t",
        cursor=cursor,
        event_id=str(cursor),
        type="x.y",
        source="s",
        station_id="",
        event_time_us=0,
        data=b"x" * size,
    )


def test_tail_tells_what_it_has_and_what_it_has_not() -> None:
    """Cursors may have gaps; before its start it knows nothing, at its head there is nothing."""
    tail = Tail(10)
    tail.extend([_event(12), _event(15)], 16)
    assert tail.after(9) is None
    for cursor, expected in ((10, [12, 15]), (11, [12, 15]), (12, [15]), (15, []), (16, [])):
        assert [event.cursor for event in tail.after(cursor) or ()] == expected


def test_tail_is_bounded_in_number() -> None:
    """The tail does not claim to have events that it has let go."""
    tail = Tail(0)
    for first in range(1, 3 * MAX_EVENTS, 100):
        tail.extend([_event(cursor) for cursor in range(first, first + 100)], first + 99)
        assert len(tail) <= MAX_EVENTS
    assert tail.after(tail.start - 1) is None
    assert [event.cursor for event in tail.after(tail.start) or ()] == list(range(tail.start + 1, tail.head + 1))


def test_tail_is_bounded_in_size() -> None:
    """Large events leave sooner."""
    tail = Tail(0)
    for cursor in range(1, 20):
        tail.extend([_event(cursor, MAX_BYTES // 4)], cursor)
    assert [event.cursor for event in tail.after(tail.start) or ()] == [16, 17, 18, 19]


async def test_waiting_ends_with_what_is_waited_for() -> None:
    """Nothing wakes a watcher that has seen it all, and each new event does."""
    tail = Tail(5)
    waiting = asyncio.create_task(tail.wait(5, 30))
    await asyncio.sleep(0)
    assert not waiting.done()
    tail.extend([_event(6)], 6)
    await waiting
    await tail.wait(5, 30)


async def test_stopping_ends_waiting() -> None:
    tail = Tail(5)
    waiting = asyncio.create_task(tail.wait(5, 30))
    await asyncio.sleep(0)
    tail.stop()
    for wait in (waiting, tail.wait(5, 30), tail.wait(0, 30)):
        with pytest.raises(MeshError) as caught:
            await wait
        assert caught.value.code is grpc.StatusCode.UNAVAILABLE
