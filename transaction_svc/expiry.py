"""Ends transactions that were hanging for the whole grace period (ends.py); fills in what older code left out."""

import asyncio
from collections.abc import Collection
from functools import partial

from sqlalchemy import Connection

from mesh.database import Database
from mesh.errors import MeshError
from mesh.logs import get_logger
from mesh.times import Clock
from transaction_svc import ingestion, store
from transaction_svc.batch_context import BatchContext

log = get_logger(__name__)

_EVERY_S = 10
# A few at a time, with a pause: recording goes on between.
_MOST = 100
_MOST_FLAGS = 200
_PAUSE_S = 0.02


class Expiry:
    """Several replicas may run it: each looks again at what is due once it has locked the stations."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def run(self) -> None:
        """Looks now and then, until cancelled."""
        while True:
            try:
                await self.end_due()
                await self.fill_flags()
            except MeshError as error:
                log.warning("hanging transactions stay for now", error=error.message)
            await asyncio.sleep(_EVERY_S)

    async def end_due(self) -> int:
        """Ends all that is due; returns how many."""
        total = 0
        while True:
            now_us = self._clock()
            keys = await self._database.read(partial(store.due_transactions, now_us=now_us, limit=_MOST))
            if keys:
                total += await self._database.write(partial(_end, keys=set(keys), now_us=now_us))
            if len(keys) < _MOST:
                break
            await asyncio.sleep(_PAUSE_S)
        if total:
            log.info("hanging transactions ended", count=total)
        return total

    async def fill_flags(self) -> int:
        """Fills the column of flags where older code left it empty; returns in how many rows."""
        total = 0
        while filled := await self._database.write(partial(store.fill_flags, limit=_MOST_FLAGS)):
            total += filled
            await asyncio.sleep(_PAUSE_S)
        return total


def _end(connection: Connection, *, keys: Collection[store.Key], now_us: int) -> int:
    batch = BatchContext()
    count = 0
    for row in store.lock_open_transactions(connection, {key[:2] for key in keys}):
        tx = batch.adopt(row)
        if tx.key not in keys:
            continue
        due_us = tx.state.hanging_due_us
        if tx.state.mark is not None and due_us is not None and due_us <= now_us:
            tx.state.mark.expired = True
            count += 1
        # Also where older code has left the column as it was: it is set anew.
        tx.changed = True
        tx.write_whole()
    ingestion.write_back(connection, batch, now_us=now_us)
    return count
