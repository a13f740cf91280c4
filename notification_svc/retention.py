"""Removes events that have been kept long enough."""

import asyncio
from functools import partial

from mesh.database.engine import Database
from mesh.runtime.errors import MeshError
from mesh.runtime.logs import get_logger
from mesh.runtime.times import SECOND_US, Clock
from notification_svc import store

log = get_logger(__name__)

_DAY_US = 24 * 3600 * SECOND_US
_EVERY_S = 3600
# A few at a time: the stream is locked meanwhile, and new events wait.
MOST = 1_000


class Retention:
    """Removes events that came more than `days` ago."""

    def __init__(self, *, database: Database, clock: Clock, days: int) -> None:
        self._database = database
        self._clock = clock
        self._kept_us = days * _DAY_US

    async def run(self) -> None:
        """Removes each hour, until cancelled."""
        while True:
            try:
                await self.remove_old()
            except MeshError as error:
                log.warning("old events stay for now", error=error.message)
            await asyncio.sleep(_EVERY_S)

    async def remove_old(self) -> int:
        """Removes all that is old enough, and returns how many."""
        before_us = self._clock() - self._kept_us
        total = 0
        for tenant_id in await self._database.read(store.read_heads):
            removed = MOST
            while removed == MOST:
                work = partial(store.remove_old, tenant_id=tenant_id, before_us=before_us, limit=MOST)
                removed = await self._database.write(work)
                total += removed
        if total:
            log.info("old events removed", count=total)
        return total
