"""TenantService: platform administrators manage tenants, administrators of a tenant its settings."""

import secrets
from collections.abc import Sequence
from functools import partial

import grpc
from csms.auth.v1 import tenant_pb2
from csms.auth.v1 import tenant_service_pb2 as pb
from csms.auth.v1.tenant_service_pb2_grpc import TenantServiceServicer
from sqlalchemy import Connection

from auth_svc import tenant_store, tenant_values, user_store, usernames
from auth_svc.built_in_tenants import new_tenant
from auth_svc.passwords import Passwords
from auth_svc.platform_callers import check_platform
from auth_svc.tenant_store import TenantRow
from auth_svc.tenant_values import Value
from mesh.audit import entries as audit
from mesh.contract.tenants import DEFAULT_TENANT, ID_RULE, PLATFORM_TENANT, is_tenant_id
from mesh.database.engine import Database
from mesh.database.pages import page_of
from mesh.grpc.types import Context
from mesh.identity.callers import Role, current_caller
from mesh.identity.tenants import TenantDirectory, TenantState
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, invalid_field
from mesh.runtime.times import Clock

# All tenants are one message of the directory, of 4 MiB at most.
MOST_TENANTS = 5_000
_ADMINISTRATOR = "admin"
_SUBJECT = "tenants are managed for all"


class TenantServicer(TenantServiceServicer):
    """TenantService. `admits_anyone` is whether a tenant may accept unknown stations and id tokens."""

    def __init__(
        self,
        *,
        database: Database,
        passwords: Passwords,
        directory: TenantDirectory,
        clock: Clock,
        admits_anyone: bool,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._directory = directory
        self._clock = clock
        self._admits_anyone = admits_anyone

    async def CreateTenant(self, request: pb.CreateTenantRequest, context: Context) -> pb.CreateTenantResponse:
        """Adds a tenant with its first administrator."""
        check_platform(_SUBJECT)
        tenant_id, now_us = request.tenant.tenant_id, self._clock()
        if not is_tenant_id(tenant_id):
            raise invalid_field("tenant.tenant_id", ID_RULE)
        values = tenant_values.changes(request.tenant, ())
        tenant = new_tenant(tenant_id, now_us=now_us, **values)
        self._check(tenant, values)
        username = request.administrator_username or _ADMINISTRATOR
        if not usernames.is_username(username):
            raise invalid_field("administrator_username", usernames.RULE)
        password = secrets.token_urlsafe(12)
        administrator = user_store.User(
            tenant_id=tenant_id,
            username=usernames.normal(username),
            role=Role.ADMINISTRATOR,
            password_hash=await self._passwords.hash(password),
            create_us=now_us,
        )
        await self._database.write(partial(_create, tenant=tenant, administrator=administrator))
        await self._directory.refresh()
        return pb.CreateTenantResponse(
            tenant=tenant_values.to_message(tenant),
            administrator_username=administrator.username,
            administrator_password=password,
        )

    async def GetTenant(self, request: pb.GetTenantRequest, context: Context) -> pb.GetTenantResponse:
        """Reads one, with the progress of its removal."""
        check_platform(_SUBJECT)
        return pb.GetTenantResponse(tenant=await self._read(request.tenant_id))

    async def ListTenants(self, request: pb.ListTenantsRequest, context: Context) -> pb.ListTenantsResponse:
        """Lists them."""
        check_platform(_SUBJECT)
        page = page_of(request, [str])
        (after,) = page.after or ("",)

        def read(connection: Connection) -> tuple[list[tenant_pb2.Tenant], str]:
            rows, token = page.cut(
                tenant_store.list_tenants(connection, after=after, limit=page.limit), lambda row: (row.tenant_id,)
            )
            erasures = tenant_store.list_erasures(connection, [row.tenant_id for row in rows])
            return [tenant_values.to_message(row, erasures.get(row.tenant_id, ())) for row in rows], token

        tenants, next_token = await self._database.read(read)
        return pb.ListTenantsResponse(tenants=tenants, next_page_token=next_token)

    async def UpdateTenant(self, request: pb.UpdateTenantRequest, context: Context) -> pb.UpdateTenantResponse:
        """Changes the named fields."""
        check_platform(_SUBJECT)
        values = tenant_values.changes(request.tenant, list(request.update_mask.paths))
        return pb.UpdateTenantResponse(tenant=await self._update(request.tenant.tenant_id, values))

    async def SuspendTenant(self, request: pb.SuspendTenantRequest, context: Context) -> pb.SuspendTenantResponse:
        """Refuses its stations and operators."""
        check_platform(_SUBJECT)
        _check_not(request.tenant_id, (PLATFORM_TENANT,))
        tenant = await self._update(request.tenant_id, {"state": int(TenantState.SUSPENDED)})
        return pb.SuspendTenantResponse(tenant=tenant)

    async def ResumeTenant(self, request: pb.ResumeTenantRequest, context: Context) -> pb.ResumeTenantResponse:
        """Serves them again."""
        check_platform(_SUBJECT)
        return pb.ResumeTenantResponse(tenant=await self._update(request.tenant_id, {"state": int(TenantState.ACTIVE)}))

    async def DeleteTenant(self, request: pb.DeleteTenantRequest, context: Context) -> pb.DeleteTenantResponse:
        """Begins the erasure: each service finds the state in the directory, and reports back."""
        check_platform(_SUBJECT)
        _check_not(request.tenant_id, (DEFAULT_TENANT, PLATFORM_TENANT))
        now_us = self._clock()

        def begin(connection: Connection) -> None:
            tenant = _found(tenant_store.get_tenant(connection, request.tenant_id, for_update=True), request.tenant_id)
            if tenant.state < TenantState.REMOVING:
                values: dict[str, Value] = {"state": int(TenantState.REMOVING), "host_name": ""}
                tenant_store.set_values(connection, tenant, values, now_us=now_us)
            else:
                audit.unchanged()

        await self._database.write(begin)
        await self._directory.refresh()
        return pb.DeleteTenantResponse(tenant=await self._read(request.tenant_id))

    async def GetOwnTenant(self, request: pb.GetOwnTenantRequest, context: Context) -> pb.GetOwnTenantResponse:
        """Reads the caller's tenant."""
        return pb.GetOwnTenantResponse(tenant=await self._read(current_caller().tenant_id))

    async def UpdateOwnTenantSettings(
        self, request: pb.UpdateOwnTenantSettingsRequest, context: Context
    ) -> pb.UpdateOwnTenantSettingsResponse:
        """Changes the settings of the caller's tenant, within its quotas."""
        values = tenant_values.setting_changes(request.settings, list(request.update_mask.paths))
        tenant = await self._update(current_caller().tenant_id, values)
        return pb.UpdateOwnTenantSettingsResponse(tenant=tenant)

    async def _read(self, tenant_id: str) -> tenant_pb2.Tenant:
        def read(connection: Connection) -> tenant_pb2.Tenant:
            row = _found(tenant_store.get_tenant(connection, tenant_id), tenant_id)
            erasures = tenant_store.list_erasures(connection, [tenant_id])
            return tenant_values.to_message(row, erasures.get(tenant_id, ()))

        return await self._database.read(read)

    async def _update(self, tenant_id: str, values: dict[str, Value]) -> tenant_pb2.Tenant:
        now_us = self._clock()

        def update(connection: Connection) -> None:
            before = _found(tenant_store.get_tenant(connection, tenant_id, for_update=True), tenant_id)
            if before.state >= TenantState.REMOVING:
                raise _removed(tenant_id)
            self._check(before, values)
            host_name = str(values.get("host_name", ""))
            if host_name and tenant_store.has_host(connection, host_name, other_than=tenant_id):
                raise _host_exists(host_name)
            if values:
                tenant_store.set_values(connection, before, values, now_us=now_us)
            else:
                audit.unchanged()

        await self._database.write(update)
        await self._directory.refresh()
        return await self._read(tenant_id)

    def _check(self, before: TenantRow, values: dict[str, Value]) -> None:
        tenant_values.check_open(values, admits_anyone=self._admits_anyone)
        tenant_values.check_quotas(before, values)


def _create(connection: Connection, *, tenant: TenantRow, administrator: user_store.User) -> None:
    if tenant_store.count_tenants(connection) >= MOST_TENANTS:
        raise MeshError(
            grpc.StatusCode.RESOURCE_EXHAUSTED, Reason.TENANT_LIMIT_REACHED, f"at most {MOST_TENANTS} tenants are kept"
        )
    if tenant.host_name and tenant_store.has_host(connection, tenant.host_name, other_than=tenant.tenant_id):
        raise _host_exists(tenant.host_name)
    if not tenant_store.add_tenant(connection, tenant):
        raise MeshError(
            grpc.StatusCode.ALREADY_EXISTS,
            Reason.TENANT_EXISTS,
            f"there is or was a tenant {tenant.tenant_id!r}: choose another id",
        )
    user_store.create_user(connection, administrator)


def _check_not(tenant_id: str, built_in: Sequence[str]) -> None:
    if tenant_id in built_in:
        raise MeshError(
            grpc.StatusCode.FAILED_PRECONDITION,
            Reason.TENANT_BUILT_IN,
            f"the tenant {tenant_id!r} is a part of the system, and stays",
        )


def _found(tenant: TenantRow | None, tenant_id: str) -> TenantRow:
    if tenant is None:
        raise MeshError(grpc.StatusCode.NOT_FOUND, Reason.TENANT_NOT_FOUND, f"there is no tenant {tenant_id[:64]!r}")
    return tenant


def _removed(tenant_id: str) -> MeshError:
    return MeshError(
        grpc.StatusCode.FAILED_PRECONDITION,
        Reason.TENANT_REMOVED,
        f"the tenant {tenant_id!r} is being removed, or was: nothing of it can be changed",
    )


def _host_exists(host_name: str) -> MeshError:
    return MeshError(
        grpc.StatusCode.ALREADY_EXISTS, Reason.HOST_NAME_EXISTS, f"another tenant has the host name {host_name}"
    )
