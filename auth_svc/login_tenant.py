"""The tenant of a login: the one that is named, the one whose host name the front door was called by, or the default.

It has to be the user's: a login shows nothing of any other tenant.
"""

from mesh.contract.tenants import DEFAULT_TENANT, host_name, is_tenant_id
from mesh.grpc.types import Context
from mesh.identity.front_door import HOST_HEADER
from mesh.identity.tenants import TenantDirectory

# Stands for text that is no tenant's id: it has no users, and is as good as one that does not exist.
_NOBODY = "-"


def login_tenant(tenants: TenantDirectory, named: str, context: Context) -> str:
    """The id of the tenant; there may be no such tenant."""
    if named:
        return named if is_tenant_id(named) else _NOBODY
    for key, value in context.invocation_metadata() or ():
        if key == HOST_HEADER.lower():
            found = tenants.find_host(host_name(str(value)))
            return DEFAULT_TENANT if found is None else found.tenant_id
    return DEFAULT_TENANT
