"""Of a tenant with more rows than its quota the oldest go, and no other tenant's."""

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from mesh.database.engine import Database, make_engine
from mesh.identity.tenants import Tenant, TenantDirectory, TenantQuotas
from mesh.runtime.times import DAY_US, SECOND_US
from mesh.tenant_storage import SLICE_US, StorageQuota, plain_rows
from tests.conftest import FakeClock
from tests.tenants import FixedTenants

ENTRY = sa.Table(
    "entry",
    sa.MetaData(),
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("tenant_id", sa.Text),
    sa.Column("create_us", sa.BigInteger),
)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with an empty table."""
    database = Database(engine=make_engine(database_url, "public"))
    ENTRY.metadata.create_all(database.engine)
    yield database
    await database.close()


async def _fill(database: Database, tenant_id: str, times_us: list[int]) -> None:
    rows = [{"tenant_id": tenant_id, "create_us": us} for us in times_us]
    await database.write(lambda connection: connection.execute(sa.insert(ENTRY), rows))


async def _left(database: Database, tenant_id: str) -> list[int]:
    query = sa.select(ENTRY.c.create_us).where(ENTRY.c.tenant_id == tenant_id).order_by(ENTRY.c.create_us.desc())
    return await database.read(lambda connection: list(connection.execute(query).scalars()))


async def _quota(database: Database, clock: FakeClock, most: int) -> StorageQuota:
    quotas = TenantQuotas(max_stored_rows=most)
    tenants = TenantDirectory(source=FixedTenants([Tenant(tenant_id="acme", quotas=quotas), Tenant(tenant_id="bolt")]))
    await tenants.refresh()
    return StorageQuota(database=database, tables=[plain_rows(ENTRY.c.create_us)], tenants=tenants, clock=clock)


async def test_the_oldest_go_and_the_newest_stay(database: Database, clock: FakeClock) -> None:
    hourly = [clock() - n * 3600 * SECOND_US for n in range(24 * 10)]
    for tenant_id in ("acme", "bolt"):
        await _fill(database, tenant_id, hourly)
    quota = await _quota(database, clock, 100)
    assert await quota.trim() == 140
    assert await _left(database, "acme") == hourly[:100]
    assert await _left(database, "bolt") == hourly
    assert await quota.trim() == 0


async def test_rows_beyond_a_gap_and_with_a_wrong_clock_count(database: Database, clock: FakeClock) -> None:
    ahead, old = clock() + 5 * DAY_US, [clock() - (300 + n) * DAY_US for n in range(5)]
    await _fill(database, "acme", [ahead, clock() - 1, *old])
    assert await (await _quota(database, clock, 4)).trim() == 3
    assert await _left(database, "acme") == [ahead, clock() - 1, *old[:2]]


async def test_what_is_being_written_stays(database: Database, clock: FakeClock) -> None:
    """More in the present minutes than the quota has for all time: they are removed later, not while they come."""
    clock.us = clock.us // SLICE_US * SLICE_US + SLICE_US // 2
    await _fill(database, "acme", [clock() - n for n in range(50)] + [clock() - DAY_US])
    assert await (await _quota(database, clock, 10)).trim() == 1
    assert len(await _left(database, "acme")) == 50


async def test_without_a_quota_nothing_is_counted(database: Database, clock: FakeClock) -> None:
    await _fill(database, "acme", [clock() - n for n in range(50)])
    assert await (await _quota(database, clock, 0)).trim() == 0
