"""The watch over sessions: who was seen, who is silent, who does not read."""

import asyncio
from collections.abc import Iterable

import pytest
from csms.station.v1.station_ingest_service_pb2 import Sighting

from gateway.batching.background_buffer import Buffer
from gateway.connection import keepalive_monitor
from gateway.connection.keepalive_monitor import KeepaliveMonitor
from gateway.connection.registry import Registry
from gateway.connection.session import Session
from gateway.connection.station_budgets import StationBudgets
from gateway.token_bucket import TokenBucket
from mesh.runtime.times import SECOND_US
from tests.conftest import FakeClock
from tests.gateway.session_rig import HEARTBEAT, session_rig
from tests.waiting import until


class Log:
    """Where sightings go."""

    def __init__(self) -> None:
        self.sightings: list[Sighting] = []
        self.buffer: Buffer[Sighting] = Buffer(name="test", flush=self._keep, delay_s=0, batch=99, capacity=99)

    async def _keep(self, items: object) -> None:
        self.sightings.extend(items)  # type: ignore[arg-type]


def _watch(log: Log, registry: Iterable[Session], clock: FakeClock) -> KeepaliveMonitor:
    return KeepaliveMonitor(
        registry=registry, sightings=log.buffer, clock=clock, loop_s=asyncio.get_running_loop().time
    )


async def test_a_station_is_noted_once_for_all_it_sent(clock: FakeClock) -> None:
    """Signs of life are coalesced; one who said nothing new is not noted again; quirks go along, once."""
    log, registry = Log(), Registry()
    watch = _watch(log, registry, clock)
    async with session_rig() as rig:
        registry.add(rig.session)
        for _ in range(3):
            rig.wire.put(HEARTBEAT)
        rig.session.reports.note_quirk("repeated_call")
        await watch.sweep()
        await watch.sweep()
        await log.buffer.drain(5)
    assert [(sighting.station_id, dict(sighting.quirks)) for sighting in log.sightings] == [
        ("CP1", {"repeated_call": 1})
    ]
    assert log.sightings[0].seen_time.seconds == clock() // 1_000_000


@pytest.mark.parametrize(
    ("heartbeat_interval_s", "ping_after_s"), [(0, 60), (10, 60), (120, 132), (300, 210), (86_400, 210)]
)
async def test_a_station_is_pinged_when_its_own_heartbeat_is_late(
    clock: FakeClock, heartbeat_interval_s: int, ping_after_s: int
) -> None:
    """Before middleboxes forget the connection: the strictest of usual ones do after 240 s."""
    log, registry = Log(), Registry()
    watch = _watch(log, registry, clock)
    async with session_rig(clock=clock) as rig:
        registry.add(rig.session)
        rig.session.registration.heartbeat_interval_s = heartbeat_interval_s
        pings = []
        for seconds in (ping_after_s - 1, 2, 5, ping_after_s - 6, 2):
            clock.advance(seconds)
            await watch.sweep()
            pings.append(rig.wire.pings)
    assert pings == [0, 1, 1, 1, 2]


async def test_a_silent_station_is_given_up(clock: FakeClock) -> None:
    """Quirk 4: any frame or pong proves life; none for 20 minutes or three heartbeats means it is gone."""
    log, registry = Log(), Registry()
    watch = _watch(log, registry, clock)
    async with session_rig(clock=clock) as rig:
        registry.add(rig.session)
        rig.session.on_pong()
        clock.advance(19 * 60)
        await watch.sweep()
        rig.session.registration.heartbeat_interval_s = 600
        clock.advance(2 * 60)
        await watch.sweep()
        assert rig.wire.closed_with is None
        rig.session.registration.heartbeat_interval_s = 300
        rig.session.liveness.look_again()  # as after the boot that changes it
        await watch.sweep()
        codes = [rig.wire.closed_with]
    assert codes == [1006]


async def test_frames_that_found_no_place_in_the_log_are_counted(clock: FakeClock) -> None:
    """A station that floods the log is shown as such, and the log holds no more than its share."""
    budgets = StationBudgets()
    budgets.log = TokenBucket(burst=1_000, per_period=1, period_us=SECOND_US)
    log, registry = Log(), Registry()
    watch = _watch(log, registry, clock)
    async with session_rig(clock=clock, budgets=budgets) as rig:
        registry.add(rig.session)
        for _ in range(50):
            rig.wire.put(HEARTBEAT)
        await watch.sweep()
        await log.buffer.drain(5)
        await rig.buffer.drain(5)
    assert len(rig.frames) < 10
    assert log.sightings[0].quirks["frames_not_logged"] == 100 - len(rig.frames)


async def test_a_station_that_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> None:
    """Once it has been blocked for too long."""
    log, registry = Log(), Registry()
    watch = _watch(log, registry, clock)
    async with session_rig() as rig:
        registry.add(rig.session)
        rig.wire.reads.clear()
        rig.wire.put(HEARTBEAT)
        await until(lambda: rig.session.liveness.blocked_since_s is not None)
        codes = []
        for limit_s in (keepalive_monitor.BLOCKED_S, -1):
            monkeypatch.setattr(keepalive_monitor, "BLOCKED_S", limit_s)
            await watch.sweep()
            codes.append(rig.wire.closed_with)
        assert codes == [None, 1006]
        rig.wire.reads.set()


async def test_a_session_without_news_is_looked_at_when_its_ping_is_due(clock: FakeClock) -> None:
    """Of ten thousand sessions few have changed since the last sweep: the others cost a comparison."""
    log, registry = Log(), Registry()
    watch = _watch(log, registry, clock)
    async with session_rig(clock=clock) as rig:
        registry.add(rig.session)
        await watch.sweep()
        looked = [rig.session.liveness.look_us]
        for seconds in (5, 5):
            clock.advance(seconds)
            await watch.sweep()
            looked.append(rig.session.liveness.look_us)
        assert set(looked) == {looked[0]}
        assert looked[0] > clock()
        rig.wire.put(HEARTBEAT)
        await until(lambda: not rig.session.liveness.look_us)
        await watch.sweep()
        assert rig.session.liveness.look_us > looked[0]


async def test_others_have_their_turn_during_a_sweep(monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> None:
    """A sweep over many sessions with news holds no frame up for longer than a few of them take."""
    monkeypatch.setattr(keepalive_monitor, "TURN_SESSIONS", 1)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with session_rig(clock=clock) as first, session_rig(clock=clock) as second:
        watch = _watch(Log(), [first.session, second.session], clock)
        running = asyncio.create_task(others())
        await watch.sweep()
        running.cancel()
    assert turns >= 2
