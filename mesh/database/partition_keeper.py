"""Makes partitions ahead of time and drops those that are old enough, in the background. PostgreSQL only."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from mesh.database.engine import is_unavailable
from mesh.database.partitions import OnDrop, TimePartitions, advance, drop_old
from mesh.runtime.background import PeriodicTask
from mesh.runtime.logs import get_logger
from mesh.runtime.times import DAY_US, Clock

log = get_logger(__name__)

EVERY_S = 300.0


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The days that the rows of a table are kept (None: for good), and further work when a partition is dropped."""

    partitions: TimePartitions
    days: int | None
    on_drop: OnDrop | None = None


class PartitionKeeper:
    """Keeps partitions of tables. Safe on several replicas at the same time.

    Its transactions are on a connection of their own: none waits long, but validating a large table takes its time.
    """

    def __init__(self, *, engine: Engine, clock: Clock, kept: Sequence[Kept]) -> None:
        self._engine = engine
        self._clock = clock
        self._kept = kept if engine.dialect.name == "postgresql" else ()

    async def run(self) -> None:
        """Makes and drops partitions every few minutes, until cancelled."""
        await PeriodicTask("partitions", self._turn, every_s=EVERY_S).run()

    async def _turn(self) -> None:
        await asyncio.to_thread(self.keep)

    def keep(self) -> None:
        """Makes and drops all that is due. What fails, or finds its table busy for long, is left to the next turn."""
        for one in self._kept:
            try:
                self._keep(one)
            except DBAPIError as error:
                # Also where the service may not change its tables: all else goes on without partitions.
                level = log.debug if is_unavailable(error) else log.warning
                level("partitions stay as they are for now", table=one.partitions.table, error=_first_line(error))

    def _keep(self, one: Kept) -> None:
        now_us = self._clock()
        steps: list[Callable[[Connection], str | None]] = [partial(advance, partitions=one.partitions, now_us=now_us)]
        if one.days is not None:
            before_us = now_us - one.days * DAY_US
            steps.append(partial(drop_old, partitions=one.partitions, before_us=before_us, on_drop=one.on_drop))
        for step in steps:
            while change := self._transaction(step):
                log.info("partitions changed", table=one.partitions.table, change=change)

    def _transaction(self, step: Callable[[Connection], str | None]) -> str | None:
        with closing(self._engine.connect()) as connection, connection.begin():
            return step(connection)


def _first_line(error: DBAPIError) -> str:
    return (str(error.orig).strip().splitlines() or [""])[0]
