"""Removes rows whose time is over, a chunk in a transaction, so that other work goes on between them."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy import Connection

from mesh.database.engine import Database
from mesh.runtime.background import PeriodicTask
from mesh.runtime.logs import get_logger
from mesh.runtime.times import DAY_US, Clock

log = get_logger(__name__)

EVERY_S = 300.0
# Rows in a transaction: it takes a few milliseconds.
CHUNK = 500
# Between two chunks, so that long work never has the database to itself.
PAUSE_S = 0.02

ChunkWork = Callable[..., int]
"""`work(connection, limit=…)` changes up to `limit` rows and returns how many: fewer where no other is left."""

Removal = Callable[..., int]
"""`removal(connection, now_us=…, limit=…)` is ChunkWork that removes rows whose time is over at `now_us`."""


def older_than(days: int, removal: ChunkWork) -> Removal:
    """A removal of rows after so many days, made of one that takes the moment as `before_us`."""

    def remove(connection: Connection, *, now_us: int, limit: int) -> int:
        return removal(connection, before_us=now_us - days * DAY_US, limit=limit)

    return remove


async def in_chunks(database: Database, work: ChunkWork, *, chunk: int = CHUNK) -> int:
    """Runs `work` until no row is left, each chunk in a transaction of its own; returns the number of rows.

    Raises MeshError where the database is unavailable; the chunks before are committed then.
    """
    total = 0
    while True:
        count = await database.write(partial(work, limit=chunk))
        total += count
        if count < chunk:
            return total
        await asyncio.sleep(PAUSE_S)


class RetentionTask:
    """Runs all `removals` every `every_s` seconds. Run `run` beside the servers."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        removals: Sequence[Removal],
        every_s: float = EVERY_S,
        chunk: int = CHUNK,
    ) -> None:
        self._database = database
        self._clock = clock
        self._removals = removals
        self._every_s = every_s
        self._chunk = chunk

    async def run(self) -> None:
        """Removes until it is cancelled."""
        await PeriodicTask("retention", self.remove_old, every_s=self._every_s).run()

    async def remove_old(self) -> int:
        """Removes all rows whose time is over; returns their number. Raises MeshError as `in_chunks` does."""
        now_us, total = self._clock(), 0
        for removal in self._removals:
            total += await in_chunks(self._database, partial(removal, now_us=now_us), chunk=self._chunk)
        if total:
            log.info("old rows removed", rows=total)
        return total
