"""RoleService: the roles that a tenant makes."""

import re
from dataclasses import replace

import grpc
from csms.auth.v1.role_service_pb2 import (
    CreateRoleRequest,
    CreateRoleResponse,
    CustomRole,
    DeleteRoleRequest,
    DeleteRoleResponse,
    GetRoleRequest,
    GetRoleResponse,
    ListRolesRequest,
    ListRolesResponse,
    UpdateRoleRequest,
    UpdateRoleResponse,
)
from csms.auth.v1.role_service_pb2_grpc import RoleServiceServicer
from sqlalchemy import Connection

from auth_svc import role_store
from auth_svc.assigning import MAX_ROLE_ID, read_permissions, role_not_found
from auth_svc.grants import check_covers
from auth_svc.role_store import Permissions, TenantRole
from mesh.contract.requests import check_text
from mesh.database.engine import Database
from mesh.database.pages import page_of
from mesh.grpc.types import Context
from mesh.identity.callers import Caller, Grant, Role, current_caller
from mesh.identity.permissions import permissions_of
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, invalid_field
from mesh.runtime.times import Clock, to_timestamp

MOST_ROLES = 200
_MAX_NAME = 100
_ID = re.compile(r"[a-z][a-z0-9-]{0,62}")


class RoleServicer(RoleServiceServicer):
    """RoleService."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def CreateRole(self, request: CreateRoleRequest, context: Context) -> CreateRoleResponse:
        """Adds a role."""
        caller, now_us = current_caller(), self._clock()
        if not _ID.fullmatch(request.role.role_id):
            raise invalid_field("role.role_id", f"1 to {MAX_ROLE_ID} of a-z, 0-9 and - are needed, and a letter first")
        role = TenantRole(
            tenant_id=caller.tenant_id,
            role_id=request.role.role_id,
            display_name=_read_name(request.role),
            permissions=read_permissions(request.role.permissions, field="role.permissions"),
            create_us=now_us,
            update_us=now_us,
        )
        _check_holds(caller, role.permissions)

        def create(connection: Connection) -> None:
            if role_store.count_roles(connection, caller.tenant_id) >= MOST_ROLES:
                raise MeshError(
                    grpc.StatusCode.RESOURCE_EXHAUSTED,
                    Reason.TOO_MANY_ROLES,
                    f"there are {MOST_ROLES} roles: remove one first",
                )
            if not role_store.create_role(connection, role):
                raise MeshError(
                    grpc.StatusCode.ALREADY_EXISTS, Reason.ROLE_EXISTS, f"there is a role {role.role_id!r} already"
                )

        await self._database.write(create)
        return CreateRoleResponse(role=_to_message(role))

    async def GetRole(self, request: GetRoleRequest, context: Context) -> GetRoleResponse:
        """Returns one."""
        if request.role_id in Role.__members__:
            return GetRoleResponse(role=_built_in(Role[request.role_id]))
        tenant_id = current_caller().tenant_id
        _check_findable(request.role_id)
        role = await self._database.read(lambda connection: role_store.get_role(connection, tenant_id, request.role_id))
        if role is None:
            raise role_not_found(request.role_id)
        return GetRoleResponse(role=_to_message(role))

    async def ListRoles(self, request: ListRolesRequest, context: Context) -> ListRolesResponse:
        """Lists them."""
        tenant_id, page = current_caller().tenant_id, page_of(request, [str])
        (after_id,) = page.after or ("",)
        built_in = [_built_in(Role[name]) for name in sorted(Role.__members__)]
        # Ids of a tenant's own roles begin with a small letter, and so follow the built-in ones.
        rows = await self._database.read(
            lambda connection: role_store.list_roles(connection, tenant_id, after_id=after_id, limit=page.limit)
        )
        listed = [role for role in built_in if role.role_id > after_id] + [_to_message(row) for row in rows]
        listed, next_token = page.cut(listed[: page.limit], lambda role: (role.role_id,))
        return ListRolesResponse(roles=listed, next_page_token=next_token)

    async def UpdateRole(self, request: UpdateRoleRequest, context: Context) -> UpdateRoleResponse:
        """Changes one."""
        caller, now_us = current_caller(), self._clock()
        paths = set(request.update_mask.paths) or {
            name for name in ("display_name", "permissions") if getattr(request.role, name)
        }
        if unknown := sorted(paths - {"display_name", "permissions"}):
            raise invalid_field("update_mask", f"{unknown[0]}: only display_name and permissions can be changed")
        _check_own(request.role.role_id)

        def update(connection: Connection) -> TenantRole:
            present = role_store.lock_role(connection, caller.tenant_id, request.role.role_id)
            if present is None:
                raise role_not_found(request.role.role_id)
            role = replace(present, update_us=now_us)
            if "display_name" in paths:
                role = replace(role, display_name=_read_name(request.role))
            if "permissions" in paths:
                permissions = read_permissions(request.role.permissions, field="role.permissions")
                _check_holds(caller, permissions - present.permissions)
                role = replace(role, permissions=permissions)
            role_store.update_role(connection, role)
            return role

        return UpdateRoleResponse(role=_to_message(await self._database.write(update)))

    async def DeleteRole(self, request: DeleteRoleRequest, context: Context) -> DeleteRoleResponse:
        """Removes one that nobody has."""
        caller, now_us = current_caller(), self._clock()
        _check_own(request.role_id)

        def delete(connection: Connection) -> None:
            role = role_store.lock_role(connection, caller.tenant_id, request.role_id)
            if role is None:
                raise role_not_found(request.role_id)
            if role_store.is_assigned(connection, caller.tenant_id, request.role_id):
                raise MeshError(
                    grpc.StatusCode.FAILED_PRECONDITION,
                    Reason.ROLE_ASSIGNED,
                    f"a user, an API key or an invitation has the role {request.role_id!r}: take it from them first",
                )
            role_store.delete_role(connection, role, now_us=now_us)

        await self._database.write(delete)
        return DeleteRoleResponse()


def _check_holds(caller: Caller, permissions: Permissions) -> None:
    """A role may be given anywhere in the tenant, so its maker needs its permissions in all of it."""
    check_covers(caller, [Grant(permissions=permissions)], "the role gives")


def _check_own(role_id: str) -> None:
    if role_id in Role.__members__:
        raise MeshError(
            grpc.StatusCode.FAILED_PRECONDITION,
            Reason.ROLE_BUILT_IN,
            f"{role_id} is built in: make a role of your own instead",
        )
    _check_findable(role_id)


def _check_findable(role_id: str) -> None:
    if not _ID.fullmatch(role_id):
        raise role_not_found(role_id)


def _read_name(role: CustomRole) -> str:
    check_text("role.display_name", role.display_name, most=_MAX_NAME)
    return role.display_name


def _built_in(role: Role) -> CustomRole:
    return CustomRole(
        role_id=role.name, display_name=role.name.capitalize(), permissions=sorted(permissions_of(role)), built_in=True
    )


def _to_message(role: TenantRole) -> CustomRole:
    return CustomRole(
        role_id=role.role_id,
        display_name=role.display_name,
        permissions=sorted(role.permissions),
        create_time=to_timestamp(role.create_us),
        update_time=to_timestamp(role.update_us),
    )
