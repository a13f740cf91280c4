"""Retention of the message log by tenant: of those that keep it for fewer days than the environment has it."""

from functools import partial

from sqlalchemy import Connection

from mesh.database.retention import RetentionTask
from mesh.database.tenant_rows import remove_old_rows
from mesh.identity.tenants import TenantDirectory
from mesh.runtime.times import DAY_US
from station_svc.feature import Resources
from station_svc.features.message_log.models import message

_EVERY_S = 3600.0


def message_retention(resources: Resources, *, days: int) -> RetentionTask:
    """Removes messages of these tenants, each hour. `days` is the environment's number."""
    return RetentionTask(
        database=resources.database,
        clock=resources.clock,
        removals=[partial(_remove, days=days, tenants=resources.tenants)],
        every_s=_EVERY_S,
    )


def _remove(connection: Connection, *, now_us: int, days: int, tenants: TenantDirectory, limit: int) -> int:
    count = 0
    for tenant in tenants.all():
        own = tenant.days_of("message_log_days", days)
        if own < days:
            count += remove_old_rows(
                connection,
                age=message.c.message_us,
                tenant_id=tenant.tenant_id,
                before_us=now_us - own * DAY_US,
                limit=limit - count,
            )
        if count >= limit:
            break
    return count
