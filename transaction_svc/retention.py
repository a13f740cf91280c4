"""Deletes what has been kept long enough: rows of the outbox. Transactions are never deleted."""

import asyncio
from functools import partial

from mesh.database import Database
from mesh.logs import get_logger
from mesh.times import SECOND_US, Clock
from transaction_svc import store

log = get_logger(__name__)

_DAY_US = 24 * 3600 * SECOND_US
_EVERY_S = 3600
# A few at a time: recording does not wait for it.
_MOST = 5_000


class Retention:
    """Deletes outbox rows that are older than `outbox_days`, whether or not anyone has fetched them."""

    def __init__(self, *, database: Database, clock: Clock, outbox_days: int) -> None:
        self._database = database
        self._clock = clock
        self._outbox_us = outbox_days * _DAY_US

    async def run(self) -> None:
        """Deletes each hour, until cancelled."""
        while True:
            await self.delete_old()
            await asyncio.sleep(_EVERY_S)

    async def delete_old(self) -> int:
        """Deletes all that is old enough; returns how many rows."""
        before_us = self._clock() - self._outbox_us
        total = 0
        deleted = _MOST
        while deleted == _MOST:
            deleted = await self._database.write(partial(store.delete_outbox_before, before_us=before_us, most=_MOST))
            total += deleted
        if total:
            log.info("outbox rows deleted", count=total)
        return total
