"""Retention: for how long rows are kept. Transactions are thinned, and never deleted."""

from collections.abc import Sequence
from functools import partial

from mesh.database.engine import Database
from mesh.database.retention import EVERY_S, Removal, RetentionTask, older_than
from mesh.events import outbox
from mesh.runtime.background import Background, PeriodicTask
from mesh.runtime.times import DAY_US, Clock
from transaction_svc import meter_values_store, quarantine_store, rollup_store
from transaction_svc.thinning import thin_old


def retention_task(
    *,
    database: Database,
    clock: Clock,
    outbox_days: int,
    quarantine_days: int,
    meter_values_days: int = 0,
    rollup_days: int = 0,
) -> RetentionTask:
    """Removes outbox rows a day after they were published, and unpublished ones after `outbox_days`.

    Quarantined messages are removed `quarantine_days` after their last change, in any state; meter values outside of
    transactions `meter_values_days` after they came, with 0 never; rollups `rollup_days` after their day, likewise.
    """
    removals: list[Removal] = [
        partial(outbox.remove_old, days=outbox_days),
        older_than(quarantine_days, quarantine_store.remove_old),
    ]
    if meter_values_days:
        removals.append(older_than(meter_values_days, meter_values_store.remove_old))
    if rollup_days:
        removals.append(older_than(rollup_days, rollup_store.remove_old))
    return RetentionTask(database=database, clock=clock, removals=removals)


def thinning_task(*, database: Database, clock: Clock, days: int) -> Sequence[Background]:
    """Thins transactions so many days after their last event; with 0 there is no such task."""
    if not days:
        return ()

    async def thin() -> None:
        await thin_old(database, before_us=clock() - days * DAY_US)

    return (PeriodicTask("thinning", thin, every_s=EVERY_S).run,)
