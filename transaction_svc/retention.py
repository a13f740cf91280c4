"""Retention: deletes old rows of the outbox and quarantined messages. Transactions are thinned, and never deleted."""

import asyncio
from functools import partial

from mesh.database.engine import Database
from mesh.events import outbox
from mesh.runtime.errors import MeshError
from mesh.runtime.logs import get_logger
from mesh.runtime.times import DAY_US, Clock
from transaction_svc import meter_values_store, quarantine_store
from transaction_svc.thinning import thin_old

log = get_logger(__name__)

_EVERY_S = 300
# A few at a time, with a pause, so that messages are recorded meanwhile.
_MOST = 500
_PAUSE_S = 0.02


class Retention:
    """Deletes outbox rows a day after they were published, and unpublished ones after `outbox_days`.

    Quarantined messages are deleted `quarantine_days` after their last change, in any state. Transactions lose their
    samples `sample_days` after their last event; meter values outside of transactions are deleted `meter_values_days`
    after they came. 0 keeps either.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        outbox_days: int,
        quarantine_days: int,
        sample_days: int = 0,
        meter_values_days: int = 0,
    ) -> None:
        self._database = database
        self._clock = clock
        self._outbox_days = outbox_days
        self._quarantine_days = quarantine_days
        self._sample_days = sample_days
        self._meter_values_days = meter_values_days

    async def run(self) -> None:
        """Deletes every few minutes, until cancelled."""
        while True:
            try:
                await self.delete_old()
                await self.thin_old()
            except MeshError as error:
                log.warning("old rows stay for now", error=error.message)
            await asyncio.sleep(_EVERY_S)

    async def delete_old(self) -> int:
        """Deletes the rows whose time is over; returns their number."""
        now_us = self._clock()
        removals = [
            partial(outbox.remove_old, now_us=now_us, days=self._outbox_days, limit=_MOST),
            partial(quarantine_store.remove_old, before_us=now_us - self._quarantine_days * DAY_US, limit=_MOST),
        ]
        if self._meter_values_days:
            before_us = now_us - self._meter_values_days * DAY_US
            removals.append(partial(meter_values_store.remove_old, before_us=before_us, limit=_MOST))
        total = 0
        for removal in removals:
            while deleted := await self._database.write(removal):
                total += deleted
                await asyncio.sleep(_PAUSE_S)
        if total:
            log.info("old rows deleted", count=total)
        return total

    async def thin_old(self) -> int:
        """Thins the transactions whose samples' time is over; returns their number."""
        if not self._sample_days:
            return 0
        count = await thin_old(self._database, before_us=self._clock() - self._sample_days * DAY_US)
        if count:
            log.info("samples of old transactions removed", transactions=count)
        return count
