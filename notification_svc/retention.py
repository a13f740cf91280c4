"""Retention: events are removed from their streams when they have been kept long enough."""

from functools import partial

from sqlalchemy import Connection

from mesh.database.engine import Database
from mesh.database.retention import Removal, RetentionTask, older_than
from mesh.identity.tenants import TenantDirectory
from mesh.runtime.settings import AUDIT_DAYS
from mesh.runtime.times import DAY_US, Clock
from notification_svc import audit_store, condition_store, store

_EVERY_S = 3600.0
_ACKNOWLEDGEMENT_DAYS = 365
# Rows in a transaction: the streams are locked meanwhile, and new events wait.
_CHUNK = 1_000


def retention_task(
    *, database: Database, clock: Clock, days: int, tenants: TenantDirectory, audit_days: int = AUDIT_DAYS
) -> RetentionTask:
    """Removes events that came more than `days` ago, and those of tenants that keep them for fewer days.

    Audit entries are removed `audit_days` after they were made.
    """
    removals: list[Removal] = [
        older_than(days, _remove_old),
        partial(_remove_of_tenants, days=days, tenants=tenants),
        older_than(audit_days, audit_store.remove_old),
        older_than(_ACKNOWLEDGEMENT_DAYS, condition_store.remove_old),
    ]
    return RetentionTask(database=database, clock=clock, removals=removals, every_s=_EVERY_S, chunk=_CHUNK)


def _remove_of_tenants(connection: Connection, *, now_us: int, days: int, tenants: TenantDirectory, limit: int) -> int:
    count = 0
    for tenant in sorted(tenants.all(), key=lambda tenant: tenant.tenant_id):
        own = tenant.days_of("event_days", days)
        if own < days and store.has_stream(connection, tenant.tenant_id):
            count += store.remove_old(
                connection,
                tenant_id=tenant.tenant_id,
                before_us=now_us - own * DAY_US,
                limit=limit - count,
                in_partitions=True,
            )
            if count >= limit:
                break
    return count


def _remove_old(connection: Connection, *, before_us: int, limit: int) -> int:
    count = 0
    # Sorted, as batches of new events are, so that both lock the streams in the same order.
    for tenant_id in sorted(store.read_heads(connection)):
        count += store.remove_old(connection, tenant_id=tenant_id, before_us=before_us, limit=limit - count)
        if count >= limit:
            break
    return count
