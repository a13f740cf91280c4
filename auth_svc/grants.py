"""The grants of users and API keys: the permissions of their roles, each in the whole tenant or in a site."""

from collections.abc import Iterable, Mapping

import grpc
from csms.options.v1 import options_pb2
from csms.options.v1.options_pb2 import Permission

from auth_svc.role_store import Assignment, Permissions
from mesh.identity.callers import Caller, Grant, Role, covers
from mesh.identity.permissions import permission_name, permissions_of
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError

_OWN: Permissions = frozenset({options_pb2.PERMISSION_OWN_ACCOUNT})


def grants_of_user(
    role: Role | None, assignments: Iterable[Assignment], permissions: Mapping[str, Permissions]
) -> tuple[Grant, ...]:
    """The grants of a user; `permissions` are those of the roles that the tenant has made."""
    found = _by_site(assignments, permissions)
    whole = _OWN | found.pop("", frozenset()) | (permissions_of(role) if role else frozenset())
    return _to_grants({"": whole, **found})


def grants_of_key(
    own: Permissions, site_id: str, assignments: Iterable[Assignment], permissions: Mapping[str, Permissions]
) -> tuple[Grant, ...]:
    """The grants of an API key. It has no account: no password, no sign-ins."""
    found = _by_site(assignments, permissions)
    found[site_id] = found.get(site_id, frozenset()) | own
    return _to_grants({site: held - _OWN for site, held in found.items()})


def check_covers(caller: Caller, wanted: Iterable[Grant], what: str) -> None:
    """Raises MeshError BEYOND_OWN_PERMISSIONS unless the caller has all permissions of `wanted`, where they count."""
    for grant in wanted:
        for permission in sorted(grant.permissions - _OWN):
            one = Grant(permissions=frozenset({permission}), site_id=grant.site_id)
            if not covers(caller.grants, [one]):
                raise _beyond(permission, grant.site_id, what)


def check_permission(caller: Caller, permission: Permission.ValueType, what: str) -> None:
    """Raises MeshError ROLE_TOO_LOW unless the caller has a permission in the whole tenant."""
    scope = caller.scope(permission)
    if scope is None or not scope.is_whole:
        raise MeshError(
            grpc.StatusCode.PERMISSION_DENIED,
            Reason.ROLE_TOO_LOW,
            f"{what} needs the permission {permission_name(permission)}, which {caller.username} does not have",
        )


def _by_site(assignments: Iterable[Assignment], permissions: Mapping[str, Permissions]) -> dict[str, Permissions]:
    found: dict[str, Permissions] = {}
    for each in assignments:
        built_in = Role.__members__.get(each.role_id)
        held = permissions_of(built_in) if built_in else permissions.get(each.role_id, frozenset())
        found[each.site_id] = found.get(each.site_id, frozenset()) | held
    return found


def _to_grants(found: Mapping[str, Permissions]) -> tuple[Grant, ...]:
    return tuple(Grant(permissions=held, site_id=site_id) for site_id, held in sorted(found.items()) if held)


def _beyond(permission: Permission.ValueType, site_id: str, what: str) -> MeshError:
    where = f"in the site {site_id}" if site_id else "in the whole tenant"
    return MeshError(
        grpc.StatusCode.PERMISSION_DENIED,
        Reason.BEYOND_OWN_PERMISSIONS,
        f"{what} the permission {permission_name(permission)} {where}, which you do not have yourself",
        {"permission": permission_name(permission)},
    )
