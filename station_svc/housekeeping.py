"""Work in the background: the connections of lost gateways are closed, and old rows are removed."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial

from mesh.database.engine import Database
from mesh.events import outbox
from mesh.runtime.errors import MeshError
from mesh.runtime.logs import get_logger
from mesh.runtime.times import DAY_US, SECOND_US, Clock
from station_svc.core import retention_store as store
from station_svc.core.storage import Storage
from station_svc.feature import DueHandler
from station_svc.ingest.lease_store import close_lost

log = get_logger(__name__)

# Rows per transaction: a few milliseconds, between which the work of gateways goes on.
CHUNK = 500
SWEEP_EVERY_S = 1.0
TIDY_EVERY_S = 300.0
DUE_EVERY_S = 5.0
# Between two chunks of a long removal, so that it never has the database to itself.
PAUSE_S = 0.02
# A gateway whose renewal comes this late finds its connections as they were; until then they count as offline already.
GRACE_S = 3.0

OUTBOX = "OUTBOX"
"""The name of the retention of events, beside those that packages register."""

_Turn = Callable[..., int]
"""`turn(db, limit=…)` changes up to so many rows, and returns how many."""


class Housekeeper:
    """Keeps house. `watch_nodes`, `watch_due` and `tidy_up` run until they are cancelled.

    `retention` says for how many days rows are kept, by the name of each Retention in `storage`; where it says nothing,
    the usual days count. `due` ends what has come to its end by time.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        retention: Mapping[str, int],
        storage: Sequence[Storage],
        due: Sequence[DueHandler],
        grace_s: float = GRACE_S,
        chunk: int = CHUNK,
    ) -> None:
        self._database = database
        self._clock = clock
        self._retention = retention
        self._storage = storage
        self._due = due
        self._grace_s = grace_s
        self._chunk = chunk

    async def watch_nodes(self) -> None:
        """Closes the connections of gateways that are gone."""
        while True:
            await _despite_database(self.close_lost)
            await asyncio.sleep(SWEEP_EVERY_S)

    async def watch_due(self) -> None:
        """Ends what has come to its end by time."""
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
        count = await self._in_chunks(partial(close_lost, before_us=before_us))
        if count:
            log.warning("connections of lost gateways closed", connections=count)
        return count

    async def end_due(self) -> int:
        """Brings what features keep to the state that time has brought it to; returns how many."""
        now_us = self._clock()
        count = 0
        for end_due in self._due:
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
                store.remove_history,
                tables=[table for storage in self._storage for table in storage.history],
                tenant_id=tenant_id,
                station_id=station_id,
                through_epoch=through_epoch,
            )
            count += await self._in_chunks(remove)
        return count

    def _removals(self) -> Iterator[_Turn]:
        now_us = self._clock()
        for one in (one for storage in self._storage for one in storage.retention):
            days = self._retention.get(one.name, one.days)
            for removal in one.removals:
                yield partial(removal, before_us=now_us - days * DAY_US)
        yield partial(outbox.remove_old, now_us=now_us, days=self._retention.get(OUTBOX, outbox.RETENTION_DAYS))

    async def _in_chunks(self, turn: _Turn) -> int:
        count = 0
        while True:
            changed = await self._database.write(partial(turn, limit=self._chunk))
            count += changed
            if changed < self._chunk:
                return count
            await asyncio.sleep(PAUSE_S)


async def _despite_database(turn: Callable[[], Awaitable[int]]) -> None:
    """One turn; a database that is away is waited for without a word: `Database` has said so already."""
    try:
        await turn()
    except MeshError as error:
        log.debug("turn skipped", error=error.reason)
