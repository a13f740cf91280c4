"""CALLs that wait for their turn."""

import asyncio

import pytest

from gateway.connection import inbound_queue as inbox_module
from gateway.connection.inbound_queue import Arrival, Inbox
from gateway.ocpp.frames import Call


def _arrival(number: int, size: int = 10) -> Arrival:
    return Arrival(Call(f"{number}", "Heartbeat", {}), b"x" * size, number, 0)


class Counter:
    """Serves CALLs; at once, or when it is released."""

    def __init__(self, *, at_once: bool = False) -> None:
        self.served: list[int] = []
        self.reading: list[bool] = []
        self.at_once = at_once
        self.inbox = Inbox(
            serve=self._serve, hold=lambda: self.reading.append(False), resume=lambda: self.reading.append(True)
        )

    def _serve(self, arrival: Arrival) -> None:
        self.served.append(arrival.ordinal)
        if self.at_once:
            self.inbox.answered()


def test_one_is_served_at_a_time_in_the_order_they_came() -> None:
    """The next one's turn is when the one before it is answered."""
    counter = Counter()
    for number in range(3):
        counter.inbox.add(_arrival(number))
    assert counter.served == [0]
    counter.inbox.answered()
    assert counter.served == [0, 1]
    counter.inbox.answered()
    assert counter.served == [0, 1, 2]
    assert not counter.inbox.is_idle
    counter.inbox.answered()
    assert counter.inbox.is_idle


async def test_many_that_are_answered_while_being_served_take_no_stack() -> None:
    """A long queue that a service lets go at once is a loop, not a recursion."""
    counter = Counter()
    counter.inbox.add(_arrival(0))
    for number in range(1, 5_000):
        counter.inbox.add(_arrival(number))
    counter.at_once = True
    counter.inbox.answered()
    await counter.inbox.finish(60)
    assert counter.served == list(range(5_000))
    assert counter.inbox.is_idle


async def test_other_sockets_have_their_turn_while_many_are_served() -> None:
    """One turn of the event loop serves a bounded number of bytes; no CALL overtakes one that waits."""
    counter = Counter()
    size = inbox_module.TURN_BYTES // 4
    for number in range(10):
        counter.inbox.add(_arrival(number, size))
    counter.at_once = True
    counter.inbox.answered()
    assert counter.served == list(range(5))
    counter.inbox.add(_arrival(10, 10))
    assert counter.served == list(range(5))
    await counter.inbox.finish(60)
    assert counter.served == list(range(11))


@pytest.mark.parametrize(("bound", "value"), [("INBOX_SIZE", 3), ("INBOX_BYTES", 30)])
def test_the_socket_is_held_while_too_much_waits(monkeypatch: pytest.MonkeyPatch, bound: str, value: int) -> None:
    """In calls and in bytes; reading is paused once, and resumed once there is room."""
    monkeypatch.setattr(inbox_module, bound, value)
    counter = Counter()
    for number in range(3):
        counter.inbox.add(_arrival(number))
    assert counter.reading == []
    counter.inbox.add(_arrival(3))
    assert counter.reading == [False]
    counter.inbox.answered()
    assert counter.reading == [False, True]
    counter.inbox.answered()
    assert counter.reading == [False, True]


def test_a_message_id_is_known_until_its_call_is_answered() -> None:
    """Quirk 19: waiting or being served, but no longer."""
    counter = Counter()
    counter.inbox.add(_arrival(0, size=1))
    counter.inbox.add(_arrival(1, size=2))
    assert (counter.inbox.open_data("0"), counter.inbox.open_data("1")) == (b"x", b"xx")
    counter.inbox.answered()
    assert (counter.inbox.open_data("0"), counter.inbox.open_data("1")) == (None, b"xx")


async def test_the_end_is_waited_for_as_long_as_is_allowed() -> None:
    """A gateway that stops waits for the CALLs that were read, for a bounded time."""
    counter = Counter()
    await counter.inbox.finish(60)
    counter.inbox.add(_arrival(0))
    await counter.inbox.finish(0)
    waiting = [asyncio.ensure_future(counter.inbox.finish(60)) for _ in range(2)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    counter.inbox.answered()
    await asyncio.wait_for(asyncio.gather(*waiting), 30)
