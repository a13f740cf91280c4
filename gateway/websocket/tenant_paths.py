"""The tenant of a handshake: of its path `/ocpp/{tenant}/{station}`, of its host name, or else the default one."""

from collections.abc import Sequence

from gateway.websocket.handshake import BadHandshakeError
from mesh.contract.tenants import DEFAULT_TENANT, PLATFORM_TENANT, host_name, is_tenant_id
from mesh.identity.tenants import Tenant, TenantDirectory, TenantState
from mesh.runtime.errors import MeshError

# Stations retry after any refusal. 403 tells their engineer that waiting does not help; 503 passes by itself.
_SUSPENDED = 403


async def find_tenant(
    directory: TenantDirectory, *, named: Sequence[str], station_id: str, host: str
) -> tuple[str, bool]:
    """The id of the tenant, and whether the path names it.

    `named` are the segments of the path between the prefix and the station's id, `host` is the header Host. A segment
    that could not be a tenant's id, or that repeats the station's, belongs to an odd path (quirk 2). Any other one has
    to be a tenant: a station of a tenant that was removed must not end up in the default one.

    Raises BadHandshakeError: 404 for an unknown tenant, 403 for one that is suspended, 503 while tenants are not known.
    """
    of_host = directory.find_host(host_name(host))
    tenant = await _look_up(directory, named[0]) if named and is_tenant_id(named[0]) else None
    is_named = tenant is not None
    if tenant is None:
        if named and is_tenant_id(named[0]) and named[0] != station_id:
            raise _unknown(station_id)
        tenant = of_host or directory.find(DEFAULT_TENANT)
    elif of_host is not None and of_host.tenant_id != tenant.tenant_id:
        raise _unknown(station_id)
    if tenant is None or tenant.tenant_id == PLATFORM_TENANT or tenant.state is TenantState.REMOVED:
        raise _unknown(station_id)
    if not tenant.is_active:
        raise BadHandshakeError(_SUSPENDED, "the tenant of this station is suspended")
    return tenant.tenant_id, is_named


async def _look_up(directory: TenantDirectory, tenant_id: str) -> Tenant | None:
    try:
        return await directory.look_up(tenant_id)
    except MeshError:
        raise BadHandshakeError(503, "not ready: try again later") from None


def _unknown(station_id: str) -> BadHandshakeError:
    """As for a station that its tenant does not have."""
    return BadHandshakeError(404, f"no station {station_id} is registered here")
