"""Who may give which roles to whom: nobody gives, or manages, more than they have themselves."""

from collections.abc import Collection, Iterable, Sequence

import grpc
from csms.auth.v1.user_service_pb2 import RoleAssignment
from csms.options.v1 import options_pb2
from csms.options.v1.options_pb2 import Permission
from sqlalchemy import Connection

from auth_svc import api_key_store, role_store, user_store
from auth_svc.caller_store import held_roles_of
from auth_svc.grants import check_covers, grants_of_key, grants_of_user
from auth_svc.role_store import Assignment, Permissions
from auth_svc.user_store import User
from mesh.contract.requests import check_text
from mesh.identity.callers import Caller, Grant, Role
from mesh.identity.permissions import LEAST_ROLES
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, invalid_field

MOST_ASSIGNMENTS = 100
MAX_ROLE_ID = 63
MAX_SITE_ID = 255


def read_role(number: int, *, field: str = "role") -> Role | None:
    """A built-in role of a request; None where it is unspecified. Raises MeshError INVALID_FIELD."""
    if number not in (0, *Role):
        raise invalid_field(field, "one of VIEWER, OPERATOR, ADMINISTRATOR is needed")
    return Role(number) if number else None


def read_assignments(given: Sequence[RoleAssignment], *, field: str = "role_assignments") -> list[Assignment]:
    """The role assignments of a request. Raises MeshError INVALID_FIELD."""
    if len(given) > MOST_ASSIGNMENTS:
        raise invalid_field(field, f"at most {MOST_ASSIGNMENTS} are taken")
    for index, each in enumerate(given):
        check_text(f"{field}[{index}].role_id", each.role_id, least=1, most=MAX_ROLE_ID)
        check_text(f"{field}[{index}].site_id", each.site_id, most=MAX_SITE_ID)
        if not each.site_id and each.role_id in Role.__members__:
            raise invalid_field(
                f"{field}[{index}].site_id", "a site is needed; a built-in role in the whole tenant stands in `role`"
            )
    return [Assignment(role_id=each.role_id, site_id=each.site_id) for each in given]


def read_key_assignments(given: Sequence[RoleAssignment], *, field: str) -> list[Assignment]:
    """As `read_assignments`, for an API key: it has no field `role`."""
    built_in = [each for each in given if not each.site_id and each.role_id in Role.__members__]
    others = [each for each in given if each not in built_in]
    return [*read_assignments(others, field=field), *(Assignment(role_id=each.role_id) for each in built_in)]


def read_permissions(given: Iterable[Permission.ValueType], *, field: str) -> Permissions:
    """The permissions of a request. Raises MeshError INVALID_FIELD for one that this release does not know."""
    permissions = frozenset(given)
    if unknown := sorted(permissions - LEAST_ROLES.keys()):
        raise invalid_field(field, f"{unknown[0]} is no permission")
    return permissions


def to_messages(assignments: Iterable[Assignment]) -> list[RoleAssignment]:
    """Role assignments as the contract has them."""
    return [RoleAssignment(role_id=each.role_id, site_id=each.site_id) for each in assignments]


def found_permissions(
    connection: Connection, tenant_id: str, assignments: Collection[Assignment]
) -> dict[str, Permissions]:
    """The permissions of the roles that the tenant has made. Raises MeshError ROLE_NOT_FOUND."""
    role_ids = {each.role_id for each in assignments} - Role.__members__.keys()
    found = dict(role_store.permissions_of_roles(connection, tenant_id, role_ids, lock=True))
    for role_id in sorted(role_ids - found.keys()):
        raise role_not_found(role_id)
    return found


def check_may_give(
    connection: Connection, caller: Caller, role: Role | None, assignments: Collection[Assignment]
) -> None:
    """Raises MeshError BEYOND_OWN_PERMISSIONS unless the caller has all that these roles give to a user."""
    permissions = found_permissions(connection, caller.tenant_id, assignments)
    check_covers(caller, grants_of_user(role, assignments, permissions), "this gives")


def check_may_manage(connection: Connection, caller: Caller, user: User) -> None:
    """Raises MeshError BEYOND_OWN_PERMISSIONS unless the caller has all that a user has.

    A new password is a way to all of that.
    """
    check_covers(caller, grants_of(connection, user), f"{user.username} has")


def grants_of(connection: Connection, user: User) -> tuple[Grant, ...]:
    """The present grants of a user."""
    subjects = user_store.subjects_of(connection, user.tenant_id, [user.username])
    held_roles = held_roles_of(connection, user.tenant_id, subjects[user.username])
    return grants_of_user(user.role, held_roles.assignments, held_roles.permissions)


def inviter_grants(
    connection: Connection, tenant_id: str, inviter: str, role: Role | None, assignments: Collection[Assignment]
) -> tuple[tuple[Grant, ...], tuple[Grant, ...]]:
    """The present grants of an inviter, and those that the roles of the invitation give."""
    permissions = found_permissions(connection, tenant_id, assignments)
    given = grants_of_user(role, assignments, permissions)
    kind, _, name = inviter.partition(":")
    if kind == "user":
        user = user_store.get_user(connection, tenant_id, name)
        return (() if user is None else grants_of(connection, user)), given
    key, held_roles = api_key_store.get_key(connection, tenant_id, name), held_roles_of(connection, tenant_id, inviter)
    if key is None:
        return (), given
    own = frozenset({options_pb2.PERMISSION_OWN_ACCOUNT})
    held = grants_of_key(key.permissions, key.site_id, held_roles.assignments, held_roles.permissions)
    return (*held, Grant(permissions=own)), given


def role_not_found(role_id: str) -> MeshError:
    """NOT_FOUND, reason ROLE_NOT_FOUND."""
    return MeshError(grpc.StatusCode.NOT_FOUND, Reason.ROLE_NOT_FOUND, f"there is no role {role_id[:MAX_ROLE_ID]!r}")
