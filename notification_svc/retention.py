"""Retention: events are removed from their streams when they have been kept long enough."""

from sqlalchemy import Connection

from mesh.database.engine import Database
from mesh.database.retention import RetentionTask, older_than
from mesh.runtime.settings import AUDIT_DAYS
from mesh.runtime.times import Clock
from notification_svc import audit_store, store

_EVERY_S = 3600.0
# Rows in a transaction: the streams are locked meanwhile, and new events wait.
_CHUNK = 1_000


def retention_task(*, database: Database, clock: Clock, days: int, audit_days: int = AUDIT_DAYS) -> RetentionTask:
    """Removes events that came more than `days` ago, and audit entries that were made more than `audit_days` ago."""
    removals = [older_than(days, _remove_old), older_than(audit_days, audit_store.remove_old)]
    return RetentionTask(database=database, clock=clock, removals=removals, every_s=_EVERY_S, chunk=_CHUNK)


def _remove_old(connection: Connection, *, before_us: int, limit: int) -> int:
    count = 0
    # Sorted, as batches of new events are, so that both lock the streams in the same order.
    for tenant_id in sorted(store.read_heads(connection)):
        count += store.remove_old(connection, tenant_id=tenant_id, before_us=before_us, limit=limit - count)
        if count >= limit:
            break
    return count
