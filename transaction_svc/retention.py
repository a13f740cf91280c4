"""Retention: for how long rows are kept of the outbox and of quarantined messages. Transactions are never deleted."""

from functools import partial

from mesh.database.engine import Database
from mesh.database.retention import RetentionTask, older_than
from mesh.events import outbox
from mesh.runtime.times import Clock
from transaction_svc import quarantine_store


def retention_task(*, database: Database, clock: Clock, outbox_days: int, quarantine_days: int) -> RetentionTask:
    """Removes outbox rows a day after they were published, and unpublished ones after `outbox_days`.

    Quarantined messages are removed `quarantine_days` after their last change, in any state.
    """
    removals = (
        partial(outbox.remove_old, days=outbox_days),
        older_than(quarantine_days, quarantine_store.remove_old),
    )
    return RetentionTask(database=database, clock=clock, removals=removals)
