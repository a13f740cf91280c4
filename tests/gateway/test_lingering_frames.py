"""Which frames of a session wait for others, where the fleet is busy."""

import pytest

from tests.conftest import FakeClock
from tests.gateway.session_rig import HEARTBEAT, STATUS, Rig, session_rig

SECOND_US = 1_000_000


def _make_busy(rig: Rig, clock: FakeClock) -> None:
    """As many frames of other stations come as make frames wait."""
    while not rig.linger.should_wait(clock()):
        pass


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def test_a_call_of_a_quiet_station_waits_while_the_fleet_is_busy(clock: FakeClock) -> None:
    async with session_rig(clock=clock) as rig:
        _make_busy(rig, clock)
        rig.wire.put(HEARTBEAT)
        assert rig.wire.sent == []
        rig.linger.flush()
        assert len(rig.wire.sent) == 1


async def test_no_call_waits_on_a_quiet_system(clock: FakeClock) -> None:
    async with session_rig(clock=clock) as rig:
        rig.wire.put(HEARTBEAT)
        assert len(rig.wire.sent) == 1


async def test_a_call_that_waits_carries_the_time_it_came_at(clock: FakeClock) -> None:
    async with session_rig(clock=clock) as rig:
        _make_busy(rig, clock)
        rig.wire.put(HEARTBEAT)
        came_us = clock()
        clock.advance(0.02)
        rig.linger.flush()
        await rig.buffer.drain(1)
    assert rig.frames[0].message_time.ToMicroseconds() == came_us
    assert rig.session.liveness.last_seen_us == came_us


async def test_the_next_frame_of_a_station_ends_the_wait_of_the_one_before(clock: FakeClock) -> None:
    async with session_rig(clock=clock) as rig:
        _make_busy(rig, clock)
        rig.wire.put(HEARTBEAT)
        rig.wire.put(STATUS)
        rig.linger.flush()
        await rig.answers(2)
    assert [answer[1] for answer in rig.wire.sent] == ["h", "s"]


async def test_a_station_that_sends_one_call_after_the_other_is_not_held_up(clock: FakeClock) -> None:
    """An offline queue of thousands would take minutes more."""
    async with session_rig(clock=clock) as rig:
        waits = 0
        for _ in range(50):
            _make_busy(rig, clock)
            answered = len(rig.wire.sent)
            rig.wire.put(HEARTBEAT)
            if len(rig.wire.sent) == answered:
                waits += 1
                rig.linger.flush()
            clock.advance(0.001)
        assert waits <= 4


async def test_an_answer_to_a_command_never_waits(clock: FakeClock) -> None:
    async with session_rig(clock=clock) as rig:
        _make_busy(rig, clock)
        rig.wire.put('[3,"nobody-asked",{}]')
        assert ("answer", "unexpected") in rig.counts


async def test_a_frame_that_waits_is_handled_before_its_connection_ends(clock: FakeClock) -> None:
    async with session_rig(clock=clock) as rig:
        _make_busy(rig, clock)
        rig.wire.put(STATUS)
        rig.session.closed()
        assert len(rig.wire.sent) == 1
