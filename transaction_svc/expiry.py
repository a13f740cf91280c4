"""Background tasks: ends transactions that hang for longer than the grace period; fills columns of old rows.

Ends that were kept back until no refusal could undo them (`outbox_events.py`) are published here too.
"""

import asyncio
from collections.abc import Collection
from functools import partial

from sqlalchemy import Connection

from mesh.database.engine import Database
from mesh.database.retention import PAUSE_S, in_chunks
from mesh.runtime.background import PeriodicTask
from mesh.runtime.logs import get_logger
from mesh.runtime.times import Clock
from transaction_svc import expiry_store, ingestion, store
from transaction_svc.batch_context import BatchContext

log = get_logger(__name__)

_EVERY_S = 12
# A few at a time, with a pause, so that messages are recorded meanwhile.
_MOST = 100
_MOST_FLAGS = 200


class Expiry:
    """Ends transactions that are due. Several replicas may run it: each reads them again under the stations' locks."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def run(self) -> None:
        """Runs both tasks every few seconds, until it is cancelled."""
        await PeriodicTask("expiry", self._turn, every_s=_EVERY_S).run()

    async def end_due(self) -> int:
        """Ends the transactions that are due, and publishes ends that are; returns the number of those it ended."""
        total = 0
        while True:
            now_us = self._clock()
            keys = await self._database.read(partial(expiry_store.due_transactions, now_us=now_us, limit=_MOST))
            if keys:
                total += await self._database.write(partial(_end, keys=set(keys), now_us=now_us))
            if len(keys) < _MOST:
                break
            await asyncio.sleep(PAUSE_S)
        if total:
            log.info("hanging transactions ended", count=total)
        return total

    async def fill_flags(self) -> int:
        """Fills the column `flags` of rows that older code has written; returns their number."""
        return await in_chunks(self._database, expiry_store.fill_flags, chunk=_MOST_FLAGS)

    async def _turn(self) -> None:
        await self.end_due()
        await self.fill_flags()


def _end(connection: Connection, *, keys: Collection[store.Key], now_us: int) -> int:
    batch = BatchContext()
    count = 0
    for row in store.lock_transactions(connection, keys):
        tx = batch.adopt(row)
        if tx.key not in keys:
            continue
        due_us = tx.state.hanging_due_us  # None where it has ended
        if tx.state.mark is not None and due_us is not None and due_us <= now_us:
            tx.state.mark.expired = True
            count += 1
        # Also if it is not due: older code may have left a wrong value in the column, which is written again.
        tx.changed = True
        tx.write_whole()
    ingestion.write_back(connection, batch, now_us=now_us)
    return count
