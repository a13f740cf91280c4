"""What happens in the background: lost gateways are noticed, and what is old is removed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from mesh import outbox
from mesh.database import Database
from mesh.errors import MeshError
from mesh.logs import get_logger
from mesh.times import SECOND_US, Clock
from station_svc import housekeeping_store as store
from station_svc.features.reservations import rules as reservations
from station_svc.features.reservations import store as reservation_store
from station_svc.features.smart_charging import rules as charging_profiles
from station_svc.features.smart_charging import store as charging_profile_store

log = get_logger(__name__)

DAY_US = 24 * 3600 * SECOND_US
# Rows per transaction: a few milliseconds, between which the work of gateways goes on.
CHUNK = 500
SWEEP_EVERY_S = 1.0
TIDY_EVERY_S = 300.0
DUE_EVERY_S = 5.0
# Between two chunks of a long removal, so that it never has the database to itself.
PAUSE_S = 0.02
# A gateway whose renewal comes this late finds its connections as they were; until then they count as offline already.
GRACE_S = 3.0

Removal = Callable[..., int]
"""`removal(connection, limit=…)` removes up to so many rows, and returns how many."""


@dataclass(frozen=True, kw_only=True)
class Retention:
    """For how long things are kept, in days; events, how long they wait for somebody to fetch them."""

    messages: int = 30
    status_reports: int = 90
    data_transfers: int = 30
    security_events: int = 365
    charging_profiles: int = 90
    reservations: int = 90
    tasks: int = 365
    certificate_requests: int = 365
    commands: int = 30
    connections: int = 30
    jobs: int = 30
    rollouts: int = 365
    events: int = outbox.RETENTION_DAYS


class Housekeeper:
    """Keeps house. `watch_nodes` and `tidy_up` run until they are cancelled."""

    def __init__(
        self, *, database: Database, clock: Clock, retention: Retention, grace_s: float = GRACE_S, chunk: int = CHUNK
    ) -> None:
        self._database = database
        self._clock = clock
        self._retention = retention
        self._grace_s = grace_s
        self._chunk = chunk

    async def watch_nodes(self) -> None:
        """Closes the connections of gateways that are gone."""
        while True:
            await _despite_database(self.close_lost)
            await asyncio.sleep(SWEEP_EVERY_S)

    async def watch_due(self) -> None:
        """Ends what has come to its end by time: charging profiles, reservations, and the wait for answers to them."""
        while True:
            await _despite_database(self.end_due)
            await asyncio.sleep(DUE_EVERY_S)

    async def tidy_up(self) -> None:
        """Removes what is old, and the history of removed stations."""
        while True:
            await _despite_database(self.remove_old)
            await _despite_database(self.remove_histories)
            await asyncio.sleep(TIDY_EVERY_S)

    async def close_lost(self) -> int:
        """Closes the connections of gateways whose lease ran out some time ago; returns how many."""
        before_us = self._clock() - int(self._grace_s * SECOND_US)
        count = await self._in_chunks(partial(store.close_lost, before_us=before_us))
        if count:
            log.warning("connections of lost gateways closed", connections=count)
        return count

    async def end_due(self) -> int:
        """Brings charging profiles and reservations to the state that time has brought them to; returns how many."""
        now_us = self._clock()
        count = 0
        for end_due in (charging_profiles.end_due, reservations.end_due):
            count += await self._in_chunks(partial(end_due, now_us=now_us))
        return count

    async def remove_old(self) -> int:
        """Removes what has been kept for long enough; returns how many rows."""
        count = 0
        for removal in self._removals():
            count += await self._in_chunks(removal)
        if count:
            log.info("old rows removed", rows=count)
        return count

    async def remove_histories(self) -> int:
        """Removes the history of removed stations; returns how many rows."""
        count = 0
        stations = await self._database.read(partial(store.removed_stations, limit=self._chunk))
        for tenant_id, station_id, through_epoch in stations:
            remove = partial(
                store.remove_history, tenant_id=tenant_id, station_id=station_id, through_epoch=through_epoch
            )
            count += await self._in_chunks(remove)
        return count

    def _removals(self) -> list[Removal]:
        keep = self._retention
        aged = (
            (store.MESSAGES, keep.messages),
            (store.STATUS_REPORTS, keep.status_reports),
            (store.DATA_TRANSFERS, keep.data_transfers),
            (store.SECURITY_EVENTS, keep.security_events),
            (store.TASKS, keep.tasks),
            (store.TASK_REPORTS, keep.tasks),
            (store.CERTIFICATE_REQUESTS, keep.certificate_requests),
            (store.COMMANDS, keep.commands),
            (store.JOBS, keep.jobs),
        )
        return [
            *(partial(store.remove_old, age=age, before_us=self._days_ago(days)) for age, days in aged),
            partial(charging_profile_store.remove_old, before_us=self._days_ago(keep.charging_profiles)),
            partial(reservation_store.remove_old, before_us=self._days_ago(keep.reservations)),
            partial(store.remove_old_connections, before_us=self._days_ago(keep.connections)),
            partial(store.remove_old_rollouts, before_us=self._days_ago(keep.rollouts)),
            partial(outbox.remove_old, now_us=self._clock(), days=keep.events),
        ]

    def _days_ago(self, days: int) -> int:
        return self._clock() - days * DAY_US

    async def _in_chunks(self, removal: Removal) -> int:
        count = 0
        while True:
            removed = await self._database.write(partial(removal, limit=self._chunk))
            count += removed
            if removed < self._chunk:
                return count
            await asyncio.sleep(PAUSE_S)


async def _despite_database(turn: Callable[[], Awaitable[int]]) -> None:
    """One turn; a database that is away is waited for without a word: `Database` has said so already."""
    try:
        await turn()
    except MeshError as error:
        log.debug("turn skipped", error=error.reason)
