"""The rules for stations that connect, by tenant: the settings of the environment, or a tenant's own."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from mesh.identity.tenants import Tenant, TenantDirectory, suspended
from mesh.runtime.errors import MeshError
from mesh.runtime.settings import Onboarding
from station_svc.core.rows import ACCEPTED, PENDING

# Status of stations that are not registered, by the onboarding rule; None: they are refused.
_REGISTER_AS: Mapping[Onboarding, int | None] = {"accept": ACCEPTED, "pending": PENDING, "reject": None}


@dataclass(frozen=True, kw_only=True)
class TenantRule:
    """The rules for the stations of a tenant. `register_as` is the status of those never seen; None refuses them."""

    register_as: int | None
    max_stations: int = 0  # 0: any number


class TenantRules:
    """The rules of tenants. `onboarding` is for those without a rule of their own.

    Where other machines can connect, `admits_anyone` is false: a tenant's `accept` then means `pending`.
    """

    def __init__(self, *, directory: TenantDirectory, onboarding: Onboarding, admits_anyone: bool) -> None:
        self._directory = directory
        self._onboarding = onboarding
        self._admits_anyone = admits_anyone

    async def of(self, tenant_ids: Collection[str]) -> Mapping[str, TenantRule | MeshError]:
        """The rule of each tenant, or why its stations are refused; tenants that do not exist are not in it."""
        found: dict[str, TenantRule | MeshError] = {}
        for tenant_id in tenant_ids:
            try:
                tenant = await self._directory.look_up(tenant_id)
            except MeshError as error:
                found[tenant_id] = error
            else:
                if tenant is not None:
                    found[tenant_id] = self._rule(tenant) if tenant.is_active else suspended()
        return found

    def hands_over(self, tenant_id: str) -> bool:
        """Whether a credential is delivered to stations that are accepted.

        Where the onboarding rule admits any station, it would exclude nobody.
        """
        tenant = self._directory.find(tenant_id)
        return tenant is not None and self._onboarding_of(tenant) != "accept"

    def max_stations(self, tenant_id: str) -> int:
        """Most stations of a tenant; 0: any number."""
        tenant = self._directory.find(tenant_id)
        return 0 if tenant is None else tenant.quotas.max_stations

    def _rule(self, tenant: Tenant) -> TenantRule:
        return TenantRule(
            register_as=_REGISTER_AS[self._onboarding_of(tenant)], max_stations=tenant.quotas.max_stations
        )

    def _onboarding_of(self, tenant: Tenant) -> Onboarding:
        own = tenant.settings.onboarding
        if own is None:
            return self._onboarding
        return "pending" if own == "accept" and not self._admits_anyone else own
