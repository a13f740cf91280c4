"""Quotas of messages a second: sockets wait, and no message is lost."""

from collections.abc import Sequence

from gateway.connection.tenant_rates import MOST_DELAY_US, TenantRate, TenantRates
from mesh.identity.tenants import Tenant, TenantDirectory, TenantQuotas
from mesh.runtime.times import SECOND_US

NOW_US = 1_800_000_000 * SECOND_US


class NoSource:
    """A source that has nothing new."""

    async def fetch(self, _etag: str, *, wait_s: float) -> tuple[str, Sequence[Tenant]] | None:
        """See TenantSource."""
        return None


def _tenant(per_second: int) -> Tenant:
    return Tenant(tenant_id="acme", quotas=TenantQuotas(max_messages_per_second=per_second))


def test_messages_beyond_a_seconds_worth_wait_for_their_turn() -> None:
    rate = TenantRate()
    rate.limit(10)
    assert [rate.take(NOW_US) for _ in range(10)] == [0] * 10
    assert [rate.take(NOW_US) for _ in range(2)] == [100_000, 200_000]
    # Who sends at the allowed rate from then on never waits for longer.
    assert [rate.take(NOW_US + SECOND_US * step // 10) for step in range(1, 4)] == [200_000] * 3
    assert rate.take(NOW_US + 60 * SECOND_US) == 0


def test_no_wait_is_so_long_that_a_station_gives_up() -> None:
    rate = TenantRate()
    rate.limit(1)
    assert max(rate.take(NOW_US) for _ in range(100)) == MOST_DELAY_US
    assert rate.take(NOW_US - 3600 * SECOND_US) == MOST_DELAY_US
    assert rate.take(NOW_US) <= MOST_DELAY_US


async def test_a_quota_applies_to_open_sockets_when_it_changes() -> None:
    """One rate for all sockets of a tenant; the others have none."""
    directory = TenantDirectory(source=NoSource())
    rates = TenantRates(directory=directory)
    theirs, others = rates.of("acme"), rates.of("default")
    assert rates.of("acme") is theirs
    assert not theirs.is_limited
    directory.replace("1", [_tenant(5)])
    assert (theirs.is_limited, others.is_limited) == (True, False)
    directory.replace("2", [_tenant(0)])
    assert not theirs.is_limited
