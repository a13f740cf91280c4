"""Watches over the sessions: notes who was seen, pings the silent, gives up on those who no longer read or live."""

import asyncio
from collections.abc import Callable, Iterable

from csms.station.v1 import station_ingest_service_pb2 as ingest

from gateway.batching.background_buffer import Buffer
from gateway.connection.last_seen import has_news, take_last_seen
from gateway.connection.session import Session
from mesh.runtime.background import PeriodicTask
from mesh.runtime.logs import get_logger
from mesh.runtime.times import SECOND_US, Clock

log = get_logger(__name__)

SWEEP_S = 5.0
# So many sessions are looked at in one turn of the event loop, a few milliseconds of CPU.
TURN_SESSIONS = 200
# A station that reads nothing for this long, while there is something to send, is disconnected.
BLOCKED_S = 20.0
# Silence after which a station is pinged, and after which its connection is closed. Any frame or pong is a sign of life
# (quirk 4); the pings keep middleboxes from closing an idle connection, and make a dead one fail at the TCP level. A
# station that keeps to its own heartbeat needs none, where that comes more often than the 240 s after which the
# strictest of usual load balancers close an idle connection.
LEAST_PING_AFTER_US = 60 * SECOND_US
MOST_PING_AFTER_US = 210 * SECOND_US
PING_AFTER_HEARTBEATS = 1.1
GONE_AFTER_US = 20 * 60 * SECOND_US
GONE_AFTER_HEARTBEATS = 3


class KeepaliveMonitor:
    """Sweeps over all sessions every few seconds. Run `run()` as a task."""

    def __init__(
        self,
        *,
        registry: Iterable[Session],
        sightings: Buffer[ingest.Sighting],
        clock: Clock,
        loop_s: Callable[[], float],
    ) -> None:
        self._registry = registry
        self._sightings = sightings
        self._clock = clock
        self._loop_s = loop_s

    async def run(self) -> None:
        """Sweeps until it is cancelled."""
        await PeriodicTask("keepalive", self.sweep, every_s=SWEEP_S, at_once=False).run()

    async def sweep(self) -> None:
        """Looks at every session that has changed since the last sweep, or that has been silent for long enough."""
        looked_at, now_us = 0, self._clock()
        for session in self._registry:
            if session.liveness.look_us <= now_us:
                self._look_at(session)
                looked_at += 1
                if not looked_at % TURN_SESSIONS:
                    await asyncio.sleep(0)

    def _look_at(self, session: Session) -> None:
        liveness, now_us = session.liveness, self._clock()
        liveness.look_us = self._judge(session, now_us)
        if liveness.last_seen_us > liveness.reported_us or has_news(session):
            liveness.reported_us = liveness.last_seen_us
            self._sightings.add(take_last_seen(session, now_us))

    def _judge(self, session: Session, now_us: int) -> int:
        """Pings a silent session, and gives up on one that is gone; returns when to look at it again."""
        station_id, liveness = session.connection.station_id, session.liveness
        blocked_since_s = liveness.blocked_since_s
        if blocked_since_s is not None and self._loop_s() - blocked_since_s > BLOCKED_S:
            log.warning("station reads nothing: cut off", station_id=station_id)
            session.abort()
            return 0
        is_held = session.keepalive.check_lost()
        session.keepalive.check_pong()
        gone_us = liveness.last_alive_us + _gone_after_us(session)
        if now_us > gone_us:
            silent_s = (now_us - liveness.last_alive_us) // SECOND_US
            log.warning("station is silent: cut off", station_id=station_id, silent_s=silent_s)
            session.abort()
            return 0
        ping_after_us = _ping_after_us(session)
        if now_us - max(liveness.last_alive_us, liveness.pinged_us) > ping_after_us:
            session.keepalive.ping()
        if blocked_since_s is not None or is_held:
            return 0
        return min(max(liveness.last_alive_us, liveness.pinged_us) + ping_after_us, gone_us) + 1


def _gone_after_us(session: Session) -> int:
    return max(GONE_AFTER_US, GONE_AFTER_HEARTBEATS * session.registration.heartbeat_interval_s * SECOND_US)


def _ping_after_us(session: Session) -> int:
    heartbeats_us = int(PING_AFTER_HEARTBEATS * session.registration.heartbeat_interval_s * SECOND_US)
    return min(max(LEAST_PING_AFTER_US, heartbeats_us), MOST_PING_AFTER_US)
