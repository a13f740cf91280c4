"""The order of admission: connections are accepted a few at a time, and fewer while the services are behind."""

import asyncio
import errno
import json
import socket
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from gateway.websocket.entrance import BEHIND_S, EXHAUSTED_S, Entrance, Pace, listen
from tests.gateway.raw_station import RawStation
from tests.gateway.rig import MeshRig
from tests.waiting import until

LONGEST_TURN_S = 0.05


class Waiting:
    """A listening socket at which some connections wait."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.error: OSError | None = None
        self.closed = False

    def accept(self) -> tuple["Accepted", tuple[str, int]]:
        """The next connection."""
        if self.error is not None:
            raise self.error
        if not self.count:
            raise BlockingIOError
        self.count -= 1
        return Accepted(), ("127.0.0.1", 1)

    def close(self) -> None:
        """Listens no more."""
        self.closed = True


class Accepted:
    """A connection that was accepted."""

    def setblocking(self, _flag: bool, /) -> None:
        """See socket."""

    def setsockopt(self, *_: int) -> None:
        """See socket."""


@dataclass(eq=False)
class Timer:
    """Something that is due."""

    due_s: float
    call: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        """Is not due any more."""
        self.cancelled = True


@dataclass(kw_only=True)
class Turns:
    """An event loop whose turns and clock are the test's."""

    now_s: float = 0.0
    readers: dict[Any, Callable[[], None]] = field(default_factory=dict)
    timers: list[Timer] = field(default_factory=list)
    connected: int = 0
    takes_s: float = 0.0  # each turn

    def add_reader(self, one: Any, call: Callable[..., None], *arguments: Any) -> None:
        """See asyncio."""
        self.readers[one] = lambda: call(*arguments)

    def remove_reader(self, one: Any) -> None:
        """See asyncio."""
        self.readers.pop(one, None)

    def time(self) -> float:
        """See asyncio."""
        return self.now_s

    def call_soon(self, call: Callable[..., None], *arguments: Any) -> Timer:
        """See asyncio."""
        return self.call_later(0.0, call, *arguments)

    def call_later(self, delay_s: float, call: Callable[..., None], *arguments: Any) -> Timer:
        """See asyncio."""
        timer = Timer(self.now_s + delay_s, lambda: call(*arguments))
        self.timers.append(timer)
        return timer

    async def connect_accepted_socket(self, *_: Any, **__: Any) -> None:
        """See asyncio."""
        self.connected += 1

    def create_task(self, work: Coroutine[Any, Any, None]) -> "asyncio.Future[None]":
        """Does the work at once: nothing of it waits."""
        with pytest.raises(StopIteration):
            work.send(None)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    def turn(self) -> int:
        """One turn: all that is due, and each reader once; returns how many were accepted in it."""
        before = self.connected
        self.now_s += self.takes_s
        for timer in [one for one in self.timers if one.due_s <= self.now_s]:
            self.timers.remove(timer)
            if not timer.cancelled:
                timer.call()
        for call in list(self.readers.values()):
            call()
        return self.connected - before


@dataclass(kw_only=True)
class Door:
    """An entrance on such a loop."""

    waiting: Waiting
    turns: Turns = field(default_factory=Turns)
    is_behind: bool = False
    per_turn: int = 4

    def open(self) -> Entrance:
        """Opens it."""
        return Entrance(
            [cast("socket.socket", self.waiting)],
            factory=asyncio.Protocol,
            pace=Pace(per_turn=self.per_turn, longest_turn_s=LONGEST_TURN_S, is_behind=lambda: self.is_behind),
            loop=cast("asyncio.AbstractEventLoop", self.turns),
        )


async def test_a_returning_fleet_is_accepted_a_few_in_each_turn() -> None:
    """The frames of connected stations have their turn between them."""
    door = Door(waiting=Waiting(10))
    door.open()
    assert [door.turns.turn() for _ in range(4)] == [4, 4, 2, 0]


async def test_while_services_are_behind_one_is_accepted_in_each_tenth_of_a_second() -> None:
    """A system that is always behind lets stations in all the same: none waits for ever."""
    door = Door(waiting=Waiting(12), is_behind=True)
    door.open()
    assert [door.turns.turn() for _ in range(4)] == [4, 0, 0, 0]  # what was accepted tells
    door.turns.now_s += BEHIND_S
    assert [door.turns.turn() for _ in range(3)] == [1, 0, 0]
    door.turns.now_s += BEHIND_S
    door.is_behind = False
    assert [door.turns.turn() for _ in range(4)] == [1, 4, 2, 0]


async def test_while_turns_are_long_one_is_accepted_in_each_tenth_of_a_second() -> None:
    """The event loop has more to do than frames of connected stations may wait for."""
    door = Door(waiting=Waiting(12))
    door.turns.takes_s = 2 * LONGEST_TURN_S
    door.open()
    assert [door.turns.turn() for _ in range(4)] == [4, 0, 1, 0]
    door.turns.takes_s = LONGEST_TURN_S / 2
    door.turns.now_s += BEHIND_S
    assert [door.turns.turn() for _ in range(4)] == [1, 4, 2, 0]


async def test_while_services_are_behind_those_that_come_one_by_one_wait_too() -> None:
    """Each turn finds one that waits: together they are no more than those of a crowd that waits already."""
    door = Door(waiting=Waiting(1), is_behind=True)
    door.open()
    assert door.turns.turn() == 1
    door.waiting.count = 1
    assert [door.turns.turn() for _ in range(3)] == [0, 0, 0]
    door.turns.now_s += BEHIND_S
    assert door.turns.turn() == 1


async def test_without_descriptors_it_tries_again_a_second_later() -> None:
    door = Door(waiting=Waiting(1))
    door.waiting.error = OSError(errno.EMFILE, "too many open files")
    door.open()
    assert door.turns.turn() == 0
    door.waiting.error = None
    assert door.turns.turn() == 0
    door.turns.now_s += EXHAUSTED_S
    assert door.turns.turn() == 1


async def test_a_connection_that_was_aborted_stops_nothing() -> None:
    door = Door(waiting=Waiting(1))
    door.waiting.error = ConnectionAbortedError()
    door.open()
    assert door.turns.turn() == 0
    door.waiting.error = None
    assert door.turns.turn() == 1


@pytest.mark.parametrize("is_behind", [False, True])
async def test_a_closed_entrance_accepts_nobody(is_behind: bool) -> None:
    """Also where it was about to resume."""
    door = Door(waiting=Waiting(10), is_behind=is_behind)
    entrance = door.open()
    assert door.turns.turn() == 4
    if is_behind:
        door.turns.turn()
    entrance.close()
    door.turns.now_s += 2 * EXHAUSTED_S
    assert door.turns.turn() == 0
    assert door.waiting.closed
    assert not entrance.is_serving()
    assert entrance.sockets == ()
    await entrance.wait_closed()


class Greeting(asyncio.Protocol):
    """Greets each connection, and notes it."""

    made: int = 0
    delayed: int = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        type(self).made += 1
        own = transport.get_extra_info("socket")
        type(self).delayed += not own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        cast("asyncio.Transport", transport).write(b"hello")
        transport.close()


async def test_silent_connections_keep_nobody_out() -> None:
    """On real sockets: strangers that say nothing hold no places, and the last one is served without Nagle's delay."""
    Greeting.made = Greeting.delayed = 0
    loop = asyncio.get_running_loop()
    sockets = await listen("127.0.0.1", 0, backlog=128, shared_port=False)
    entrance = Entrance(
        sockets,
        factory=Greeting,
        pace=Pace(per_turn=2, longest_turn_s=LONGEST_TURN_S, is_behind=lambda: False),
        loop=loop,
    )
    port = sockets[0].getsockname()[1]
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.read() == b"hello"
        writer.close()
        await until(lambda: Greeting.made == 21)
        assert Greeting.delayed == 0
    finally:
        for one in silent:
            one.close()
        entrance.close()
        await entrance.wait_closed()


# Behind


async def _begin(station: RawStation, number: int) -> None:
    """Sends a StartTransaction, and does not wait for its answer."""
    start = {"connectorId": 1, "idTag": "TAG", "meterStart": number, "timestamp": "2026-01-31T12:00:00Z"}
    await station.send(json.dumps([2, "start", "StartTransaction", start]))


async def test_items_without_a_result_hold_admissions_back(mesh: MeshRig) -> None:
    """Items that wait and items under way count; items of a service that does not answer do not."""
    batcher, calls = mesh.batcher_of_transactions(), mesh.gateway.mesh
    async with AsyncExitStack() as stack:
        stations = [await stack.enter_async_context(RawStation(mesh.station_url(f"CP{number}"))) for number in range(3)]
        for station in stations:
            await station.boot()
        await until(lambda: calls.most_outstanding() == 0)
        mesh.transaction_service.hold()
        await _begin(stations[0], 1)
        await until(lambda: mesh.transaction_service.waiting == 1)
        for number, station in enumerate(stations[1:]):
            await _begin(station, number)
        await until(lambda: (batcher.depth, batcher.outstanding, calls.most_outstanding()) == (2, 3, 3))
        mesh.transaction_service.release()
        for station in stations:
            assert (await station.receive())[:2] == [3, "start"]
        await until(lambda: calls.most_outstanding() == 0)
        await mesh.transaction_service.stop()
        await _begin(stations[0], 2)
        # Its item waits, and soon that of auth_svc does not any more.
        await until(lambda: batcher.outstanding == 1 and calls.most_outstanding() == 0)
        await mesh.transaction_service.start()
        assert (await stations[0].receive())[:2] == [3, "start"]
