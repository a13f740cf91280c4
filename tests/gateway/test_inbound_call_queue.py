"""CALLs that wait for their turn."""

import asyncio

import pytest

from gateway.connection import inbound_call_queue
from gateway.connection.inbound_call_queue import InboundCallQueue, ReceivedCall
from gateway.ocpp.frames import Call


def _received(number: int, size: int = 10) -> ReceivedCall:
    return ReceivedCall(Call(f"{number}", "Heartbeat", {}), b"x" * size, number, 0)


class Counter:
    """Serves CALLs; at once, or when it is released."""

    def __init__(self, *, at_once: bool = False) -> None:
        self.served: list[int] = []
        self.reading: list[bool] = []
        self.at_once = at_once
        self.queue = InboundCallQueue(
            serve=self._serve,
            pause_reading=lambda: self.reading.append(False),
            resume_reading=lambda: self.reading.append(True),
        )

    def _serve(self, received: ReceivedCall) -> None:
        self.served.append(received.ordinal)
        if self.at_once:
            self.queue.answered()


def test_one_is_served_at_a_time_in_the_order_they_came() -> None:
    """The next one's turn is when the one before it is answered."""
    counter = Counter()
    for number in range(3):
        counter.queue.add(_received(number))
    assert counter.served == [0]
    counter.queue.answered()
    assert counter.served == [0, 1]
    counter.queue.answered()
    assert counter.served == [0, 1, 2]
    assert not counter.queue.is_idle
    counter.queue.answered()
    assert counter.queue.is_idle


async def test_many_that_are_answered_while_being_served_take_no_stack() -> None:
    """A long queue that a service lets go at once is a loop, not a recursion."""
    counter = Counter()
    counter.queue.add(_received(0))
    for number in range(1, 5_000):
        counter.queue.add(_received(number))
    counter.at_once = True
    counter.queue.answered()
    await counter.queue.finish(60)
    assert counter.served == list(range(5_000))
    assert counter.queue.is_idle


async def test_other_sockets_have_their_turn_while_many_are_served() -> None:
    """One turn of the event loop serves a bounded number of bytes; no CALL overtakes one that waits."""
    counter = Counter()
    size = inbound_call_queue.TURN_BYTES // 4
    for number in range(10):
        counter.queue.add(_received(number, size))
    counter.at_once = True
    counter.queue.answered()
    assert counter.served == list(range(5))
    counter.queue.add(_received(10, 10))
    assert counter.served == list(range(5))
    await counter.queue.finish(60)
    assert counter.served == list(range(11))


@pytest.mark.parametrize(("bound", "value"), [("MAX_WAITING_CALLS", 3), ("MAX_WAITING_BYTES", 30)])
def test_the_socket_is_held_while_too_much_waits(monkeypatch: pytest.MonkeyPatch, bound: str, value: int) -> None:
    """In calls and in bytes; reading is paused once, and resumed once there is room."""
    monkeypatch.setattr(inbound_call_queue, bound, value)
    counter = Counter()
    for number in range(3):
        counter.queue.add(_received(number))
    assert counter.reading == []
    counter.queue.add(_received(3))
    assert counter.reading == [False]
    counter.queue.answered()
    assert counter.reading == [False, True]
    counter.queue.answered()
    assert counter.reading == [False, True]


def test_a_message_id_is_known_until_its_call_is_answered() -> None:
    """Quirk 19: waiting or being served, but no longer."""
    counter = Counter()
    counter.queue.add(_received(0, size=1))
    counter.queue.add(_received(1, size=2))
    assert (counter.queue.open_data("0"), counter.queue.open_data("1")) == (b"x", b"xx")
    counter.queue.answered()
    assert (counter.queue.open_data("0"), counter.queue.open_data("1")) == (None, b"xx")


async def test_the_end_is_waited_for_as_long_as_is_allowed() -> None:
    """A gateway that stops waits for the CALLs that were read, for a bounded time."""
    counter = Counter()
    await counter.queue.finish(60)
    counter.queue.add(_received(0))
    await counter.queue.finish(0)
    waiting = [asyncio.ensure_future(counter.queue.finish(60)) for _ in range(2)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    counter.queue.answered()
    await asyncio.wait_for(asyncio.gather(*waiting), 30)
