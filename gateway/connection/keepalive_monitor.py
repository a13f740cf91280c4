"""Watches over the sessions: notes who was seen, pings the silent, gives up on those who no longer read or live."""

from collections.abc import Callable

from csms.station.v1 import station_ingest_service_pb2 as ingest

from gateway.batching.background_buffer import Buffer
from gateway.connection.last_seen import has_news, take_last_seen
from gateway.connection.registry import Registry
from gateway.connection.session import Session
from mesh.runtime.background import PeriodicTask
from mesh.runtime.logs import get_logger
from mesh.runtime.times import SECOND_US, Clock

log = get_logger(__name__)

SWEEP_S = 5.0
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
        registry: Registry,
        sightings: Buffer[ingest.Sighting],
        clock: Clock,
        loop_s: Callable[[], float],
    ) -> None:
        self._registry = registry
        self._sightings = sightings
        self._clock = clock
        self._loop_s = loop_s
        self._noted_us: dict[Session, int] = {}

    async def run(self) -> None:
        """Sweeps until it is cancelled."""
        await PeriodicTask("keepalive", self._turn, every_s=SWEEP_S, at_once=False).run()

    def sweep(self) -> None:
        """Looks at every session once."""
        noted = {}
        for session in self._registry:
            noted[session] = session.liveness.last_seen_us
            self._judge(session)
            if session.liveness.last_seen_us > self._noted_us.get(session, 0) or has_news(session):
                self._sightings.add(take_last_seen(session, self._clock()))
        self._noted_us = noted

    async def _turn(self) -> None:
        self.sweep()

    def _judge(self, session: Session) -> None:
        station_id, liveness = session.connection.station_id, session.liveness
        if liveness.blocked_since_s is not None and self._loop_s() - liveness.blocked_since_s > BLOCKED_S:
            log.warning("station reads nothing: cut off", station_id=station_id)
            session.abort()
            return
        session.keepalive.check_lost()
        session.keepalive.check_pong()
        now_us = self._clock()
        silent_us = now_us - liveness.last_alive_us
        if silent_us > max(
            GONE_AFTER_US, GONE_AFTER_HEARTBEATS * session.registration.heartbeat_interval_s * SECOND_US
        ):
            log.warning("station is silent: cut off", station_id=station_id, silent_s=silent_us // SECOND_US)
            session.abort()
        elif now_us - max(liveness.last_alive_us, liveness.pinged_us) > _ping_after_us(session):
            session.keepalive.ping()


def _ping_after_us(session: Session) -> int:
    heartbeats_us = int(PING_AFTER_HEARTBEATS * session.registration.heartbeat_interval_s * SECOND_US)
    return min(max(LEAST_PING_AFTER_US, heartbeats_us), MOST_PING_AFTER_US)
