"""Of two tenants one keeps its events for a day, the other one for as long as the environment has it."""

from functools import partial

from mesh.identity.tenants import Tenant, TenantQuotas, TenantSettings
from mesh.runtime.times import DAY_US
from mesh.tenant_storage import SLICE_US, StorageQuota, StoredRows
from notification_svc import store
from notification_svc.models import event
from tests.conftest import FakeClock
from tests.notification_svc.rig import RETENTION_DAYS, Notifications, item

TENANTS = [
    Tenant(tenant_id="acme", settings=TenantSettings(event_days=1)),
    Tenant(tenant_id="other"),
    Tenant(tenant_id="one", quotas=TenantQuotas(max_storage_days=7)),
    # Its own wish is within its quota.
    Tenant(tenant_id="two", settings=TenantSettings(event_days=3), quotas=TenantQuotas(max_storage_days=7)),
]


async def test_each_tenant_keeps_its_events_for_its_own_days(notifications: Notifications, clock: FakeClock) -> None:
    notifications.tenants.replace("fixed", TENANTS)
    for day in range(40):
        await notifications.publish(*(item(f"e{day}", tenant_id=one.tenant_id) for one in TENANTS))
        await notifications.expire()
        clock.us += DAY_US
    clock.us -= DAY_US // 2
    await notifications.expire()
    kept = {one.tenant_id: len(await notifications.all(one.tenant_id, page_size=100)) for one in TENANTS}
    assert {name: kept[name] for name in ("acme", "one", "two")} == {"acme": 1, "one": 7, "two": 3}
    # A partition goes as a whole, when all of its day is over.
    assert RETENTION_DAYS <= kept["other"] <= RETENTION_DAYS + 1


async def test_a_tenant_that_asks_for_less_loses_what_is_older(notifications: Notifications, clock: FakeClock) -> None:
    notifications.tenants.replace("fixed", [Tenant(tenant_id="acme")])
    for day in range(5):
        await notifications.publish(item(f"e{day}", tenant_id="acme"))
        clock.us += DAY_US
    await notifications.expire()
    assert len(await notifications.all("acme")) == 5
    notifications.tenants.replace("changed", [Tenant(tenant_id="acme", settings=TenantSettings(event_days=2))])
    await notifications.expire()
    assert [one.event_id for one in await notifications.all("acme")] == ["e3", "e4"]


async def test_events_beyond_the_quota_of_stored_rows_go_and_the_stream_goes_on(
    notifications: Notifications, clock: FakeClock
) -> None:
    """One who watches from before that is told so, as after any retention."""
    quotas = TenantQuotas(max_stored_rows=3)
    notifications.tenants.replace("fixed", [Tenant(tenant_id="acme", quotas=quotas), Tenant(tenant_id="other")])
    for number in range(8):
        await notifications.publish(*(item(f"e{number}", tenant_id=one) for one in ("acme", "other")))
        clock.us += SLICE_US
    tables = [StoredRows(age=event.c.create_us, remove=partial(store.remove_old, in_partitions=True))]
    quota = StorageQuota(database=notifications.database, tables=tables, tenants=notifications.tenants, clock=clock)
    assert await quota.trim() == 5
    assert [one.event_id for one in await notifications.all("acme")] == ["e5", "e6", "e7"]
    assert len(await notifications.all("other")) == 8
    await notifications.publish(item("e8", tenant_id="acme"))
    assert [one.event_id for one in await notifications.all("acme")][-1] == "e8"
