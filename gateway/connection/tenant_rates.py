"""Limits of the messages of a tenant's stations in a second: beyond it their sockets are not read for a moment.

No message is lost or refused: what a socket is not read for stays at its station (TCP), as when a service is slow.
"""

from mesh.identity.tenants import TenantDirectory
from mesh.runtime.times import SECOND_US

# So much may come at once after a silence: a second's worth.
_BURST_US = SECOND_US
# A socket that is not read for longer looks lost to its station.
MOST_DELAY_US = 5 * SECOND_US


class TenantRate:
    """The rate of one tenant in this process, over all its sockets."""

    __slots__ = ("_interval_us", "_next_us", "is_limited")

    def __init__(self) -> None:
        self.is_limited = False
        self._interval_us = 0
        self._next_us = 0  # when the next message is due at the allowed rate

    def limit(self, per_second: int) -> None:
        """Allows so many messages a second; 0: any number."""
        self.is_limited = per_second > 0
        self._interval_us = SECOND_US // per_second if per_second else 0

    def take(self, now_us: int) -> int:
        """Counts a message that was read; for how many µs its socket is not to be read."""
        self._next_us = max(self._next_us, now_us - _BURST_US) + self._interval_us
        self._next_us = min(self._next_us, now_us + MOST_DELAY_US)  # also of a clock that was set back
        return max(0, self._next_us - now_us)


class TenantRates:
    """The rates of all tenants."""

    def __init__(self, *, directory: TenantDirectory) -> None:
        self._directory = directory
        self._rates: dict[str, TenantRate] = {}
        directory.on_change(self._apply)

    def of(self, tenant_id: str) -> TenantRate:
        """The rate of a tenant, the same for each of its sockets."""
        rate = self._rates.get(tenant_id)
        if rate is None:
            rate = self._rates[tenant_id] = TenantRate()
            self._limit(tenant_id, rate)
        return rate

    def _apply(self) -> None:
        for tenant_id, rate in self._rates.items():
            self._limit(tenant_id, rate)

    def _limit(self, tenant_id: str, rate: TenantRate) -> None:
        tenant = self._directory.find(tenant_id)
        rate.limit(0 if tenant is None else tenant.quotas.max_messages_per_second)
