"""Work in the background: the connections of lost gateways are closed, and old rows are removed."""

from collections.abc import Mapping, Sequence
from functools import partial

from sqlalchemy import Connection

from mesh.database.engine import Database
from mesh.database.retention import CHUNK, ChunkWork, RetentionTask, in_chunks, older_than
from mesh.events import outbox
from mesh.runtime.background import Background, PeriodicTask
from mesh.runtime.errors import MeshError
from mesh.runtime.logs import get_logger
from mesh.runtime.times import SECOND_US, Clock
from station_svc.core import retention_store as store
from station_svc.core.storage import Storage
from station_svc.feature import DueHandler
from station_svc.ingest.lease_store import close_lost, earliest_lease_end

log = get_logger(__name__)

# Least and most time between two looks at the leases of gateways: a gateway is found no later than SWEEP_AFTER_S after
# it is lost. One that begins after a look is lost 5 s later at the earliest, by the shortest lease and the grace.
SWEEP_AFTER_S = 1.0
LOOK_AGAIN_S = 6.0
HISTORY_EVERY_S = 300.0
DUE_EVERY_S = 6.0
# A gateway whose renewal comes this late finds its connections as they were; until then they count as offline already.
GRACE_S = 3.0
_JUST_AFTER_S = 0.01

OUTBOX = "OUTBOX"
"""The name of the retention of events, beside those that packages register."""


def retention_task(
    *, database: Database, clock: Clock, storage: Sequence[Storage], days: Mapping[str, int], chunk: int = CHUNK
) -> RetentionTask:
    """Removes rows that have been kept long enough.

    `days` has the settings, by the name of each Retention in `storage`; one that it does not name keeps its default.
    """
    registered = [one for each in storage for one in each.retention]
    removals = [older_than(days.get(one.name, one.days), removal) for one in registered for removal in one.removals]
    events = partial(outbox.remove_old, days=days.get(OUTBOX, outbox.RETENTION_DAYS))
    return RetentionTask(database=database, clock=clock, removals=[*removals, events], chunk=chunk)


class Housekeeper:
    """Ends what has come to its end by time. Run `background` beside the servers.

    `due` are the handlers of features; `storage` names the tables that have history of removed stations.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        storage: Sequence[Storage],
        due: Sequence[DueHandler],
        grace_s: float = GRACE_S,
        chunk: int = CHUNK,
    ) -> None:
        self._database = database
        self._clock = clock
        self._storage = storage
        self._due = due
        self._grace_s = grace_s
        self._chunk = chunk
        self._earliest_us: int | None = None  # when the first lease runs out, as it was at the latest look

    def background(self) -> Sequence[Background]:
        """The periodic tasks."""
        return (
            PeriodicTask("lost gateways", self.close_lost, every_s=self.until_lost_s).run,
            PeriodicTask("due", self.end_due, every_s=DUE_EVERY_S).run,
            PeriodicTask("history of removed stations", self.remove_histories, every_s=HISTORY_EVERY_S).run,
        )

    async def close_lost(self) -> int:
        """Closes the connections of gateways whose lease ran out some time ago; returns how many."""
        self._earliest_us = 0  # look again soon where this fails, or gateways are lost
        earliest_us = await self._database.read(earliest_lease_end)
        before_us = self._clock() - int(self._grace_s * SECOND_US)
        if earliest_us is None or earliest_us >= before_us:
            self._earliest_us = earliest_us
            return 0
        count = await self._in_chunks(partial(close_lost, before_us=before_us))
        if count:
            log.warning("connections of lost gateways closed", connections=count)
        return count

    def until_lost_s(self) -> float:
        """Seconds until a gateway may be lost: leases only become longer. At least SWEEP_AFTER_S."""
        if self._earliest_us is None:
            return LOOK_AGAIN_S
        lost_s = (self._earliest_us - self._clock()) / SECOND_US + self._grace_s + _JUST_AFTER_S
        return min(max(lost_s, SWEEP_AFTER_S), LOOK_AGAIN_S)

    async def end_due(self) -> int:
        """Brings what features keep to the state that time has brought it to; returns how many.

        The first chunk of each handler shares a transaction, which mostly finds nothing. Where one of them fails, each
        has its own, so that those before it are done.
        """
        now_us = self._clock()
        handlers: Sequence[ChunkWork] = [partial(end_due, now_us=now_us) for end_due in self._due]
        try:
            counts = await self._database.write(partial(_run_all, handlers=handlers, limit=self._chunk))
        except MeshError:
            raise
        except Exception as error:
            log.warning("one of the handlers of what is due failed", error=repr(error))
            counts = [self._chunk] * len(handlers)
            total = 0
        else:
            total = sum(counts)
        for handler, count in zip(handlers, counts, strict=True):
            if count >= self._chunk:
                total += await self._in_chunks(handler)
        return total

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

    async def _in_chunks(self, work: ChunkWork) -> int:
        return await in_chunks(self._database, work, chunk=self._chunk)


def _run_all(connection: Connection, *, handlers: Sequence[ChunkWork], limit: int) -> Sequence[int]:
    return [handler(connection, limit=limit) for handler in handlers]
