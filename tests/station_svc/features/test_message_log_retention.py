"""Of two tenants one keeps its message log for a day, the other one for as long as the environment has it."""

from collections.abc import AsyncIterator
from typing import cast

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection

from mesh.database.engine import Database, make_engine
from mesh.database.partition_keeper import Kept, PartitionKeeper
from mesh.identity.tenants import Tenant, TenantDirectory, TenantQuotas, TenantSettings
from mesh.runtime.times import DAY_US
from station_svc.catalogue import STORAGE
from station_svc.feature import Resources
from station_svc.features.message_log.models import PARTITIONS, message
from station_svc.features.message_log.tenant_retention import message_retention
from station_svc.housekeeping import retention_task
from tests.conftest import FakeClock
from tests.tenants import FixedTenants

DAYS = 30
DAY = TenantSettings(message_log_days=1)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated database."""
    found = Database(engine=make_engine(database_url, "station"))
    yield found
    await found.close()


async def _fill(database: Database, now_us: int) -> None:
    """A frame of each tenant on each of the days before, in the middle of the day."""

    def insert(connection: Connection) -> None:
        for tenant_id in ("brief", "long", "quota"):
            for day in range(40):
                row = {"tenant_id": tenant_id, "station_id": "CP1", "epoch": 1, "ordinal": day}
                connection.execute(sa.insert(message).values(**row, message_us=now_us - day * DAY_US - 60_000_000))

    await database.write(insert)


async def _days(database: Database, tenant_id: str) -> int:
    query = sa.select(sa.func.count()).select_from(message).where(message.c.tenant_id == tenant_id)
    return await database.read(lambda connection: int(connection.execute(query).scalar_one()))


@pytest.mark.parametrize("is_partitioned", [False, True])
async def test_each_tenant_keeps_its_message_log_for_its_own_days(
    database: Database, clock: FakeClock, is_partitioned: bool
) -> None:
    keeper = PartitionKeeper(engine=database.engine, clock=clock, kept=[Kept(partitions=PARTITIONS, days=DAYS)])
    if is_partitioned:
        keeper.keep()  # an empty table is partitioned at once
    await _fill(database, clock())
    brief, long = Tenant(tenant_id="brief", settings=DAY), Tenant(tenant_id="long")
    quota = Tenant(tenant_id="quota", quotas=TenantQuotas(max_storage_days=7))
    tenants = TenantDirectory(source=FixedTenants([brief, long, quota]))
    await tenants.refresh()
    resources = cast("Resources", _Resources(database=database, clock=clock, tenants=tenants))
    for task in (
        message_retention(resources, days=DAYS),
        retention_task(database=database, clock=clock, storage=STORAGE, days={"MESSAGE": DAYS}),
    ):
        await task.remove_old()
    if is_partitioned:
        keeper.keep()
    kept = {tenant_id: await _days(database, tenant_id) for tenant_id in ("brief", "quota")}
    assert kept == {"brief": 1, "quota": 7}
    # A partition goes as a whole, when all of its day is over.
    assert DAYS <= await _days(database, "long") <= (DAYS + 1 if is_partitioned else DAYS)


class _Resources:
    """Those that the retention needs."""

    def __init__(self, *, database: Database, clock: FakeClock, tenants: TenantDirectory) -> None:
        self.database = database
        self.clock = clock
        self.tenants = tenants
