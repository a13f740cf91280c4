"""Tenants that a test has, where no auth_svc runs to ask."""

from collections.abc import Sequence

from mesh.identity.tenants import Tenant, TenantDirectory


class FixedTenants:
    """A source of the same tenants each time. See mesh.identity.tenants.TenantSource."""

    def __init__(self, tenants: Sequence[Tenant]) -> None:
        self._tenants = tenants

    async def fetch(self, etag: str, *, wait_s: float) -> tuple[str, Sequence[Tenant]] | None:
        """See TenantSource."""
        return None if etag == "fixed" else ("fixed", self._tenants)


def known(*tenant_ids: str) -> TenantDirectory:
    """A directory of active tenants: the default one, and these."""
    tenants = [Tenant(tenant_id=tenant_id) for tenant_id in ("default", *tenant_ids)]
    return TenantDirectory(source=FixedTenants(tenants))
