"""The quota of stored rows: of a tenant that has more, the oldest are removed. Transactions are never among them.

Rows are counted once an hour, from the newest back to where the quota is reached: the cost follows the quota, and no
message pays for it. In between a tenant may have some more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa
from prometheus_client import Counter
from sqlalchemy import Connection

from mesh.database import tenant_rows
from mesh.database.engine import Database
from mesh.database.retention import in_chunks
from mesh.identity.tenants import TenantDirectory
from mesh.runtime.background import PeriodicTask
from mesh.runtime.logs import get_logger
from mesh.runtime.times import DAY_US, Clock

log = get_logger(__name__)

EVERY_S = 3600.0
# Rows are removed by slices of this time; the present one is never removed.
SLICE_US = DAY_US // 288
# After so many days without a row, what is before them is counted at once.
_MOST_EMPTY_DAYS = 30
_BEGINNING_US = -(2**62)

TRIMMED = Counter(
    "csms_storage_quota_removed_rows_total",
    "Rows that were removed because a tenant had more than its quota",
    ["table"],
    registry=None,
)


@dataclass(frozen=True, kw_only=True)
class StoredRows:
    """A table that grows with time, which is in its column `age`.

    `remove(connection, tenant_id=…, before_us=…, limit=…)` removes a tenant's rows of before a moment, and returns how
    many.
    """

    age: sa.Column[int]
    remove: Callable[..., int]

    @property
    def name(self) -> str:
        """The name of the table."""
        return f"{self.age.table.name}"


def plain_rows(age: sa.Column[int]) -> StoredRows:
    """A table whose rows are removed without further ado."""
    return StoredRows(age=age, remove=partial(tenant_rows.remove_old_rows, age=age))


class StorageQuota:
    """Keeps tenants within their quotas of stored rows. Run `run` beside the servers; replicas may do so at once."""

    def __init__(
        self, *, database: Database, tables: Sequence[StoredRows], tenants: TenantDirectory, clock: Clock
    ) -> None:
        self._database = database
        self._tables = tables
        self._tenants = tenants
        self._clock = clock

    async def run(self) -> None:
        """Removes until it is cancelled."""
        await PeriodicTask("quota of stored rows", self.trim, every_s=EVERY_S).run()

    async def trim(self) -> int:
        """Removes what is beyond the quotas; returns the number of rows. Raises MeshError."""
        total = 0
        for tenant in list(self._tenants.all()):
            most = tenant.quotas.max_stored_rows
            for table in self._tables if most else ():
                total += await self._trim(table, tenant.tenant_id, most)
        return total

    async def _trim(self, table: StoredRows, tenant_id: str, most: int) -> int:
        before_us = await self._cut(table, tenant_id, most)
        if before_us is None:
            return 0
        count = await in_chunks(self._database, partial(table.remove, tenant_id=tenant_id, before_us=before_us))
        if count:
            TRIMMED.labels(table=table.name).inc(count)
            log.warning("rows beyond the quota of a tenant removed", tenant_id=tenant_id, table=table.name, rows=count)
        return count

    async def _cut(self, table: StoredRows, tenant_id: str, most: int) -> int | None:
        """The moment before which rows are beyond the quota; None where there are no more than that."""
        now_us, empty, total = self._clock(), 0, 0
        since_us, until_us = now_us // DAY_US * DAY_US, None
        while until_us != _BEGINNING_US:
            count = partial(_count, age=table.age, tenant_id=tenant_id, since_us=since_us, until_us=until_us)
            slices = await self._database.read(count)
            for begin_us, rows in slices:
                total += rows
                if total > most:
                    return min(begin_us + SLICE_US, now_us // SLICE_US * SLICE_US)
            empty = 0 if slices else empty + 1
            until_us = since_us
            since_us = since_us - DAY_US if empty < _MOST_EMPTY_DAYS else _BEGINNING_US
        return None


def _count(
    connection: Connection, *, age: sa.Column[int], tenant_id: str, since_us: int, until_us: int | None
) -> Sequence[tuple[int, int]]:
    return tenant_rows.count_by_time(
        connection, age=age, tenant_id=tenant_id, since_us=since_us, until_us=until_us, slice_us=SLICE_US
    )
