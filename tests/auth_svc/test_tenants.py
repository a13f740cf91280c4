"""Tenants: added, changed, suspended and removed by platform administrators; their settings by their own."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import grpc
import pytest
from csms.auth.v1 import tenant_pb2
from csms.auth.v1.authorization_service_pb2 import AuthorizeItem, AuthorizeRequest
from csms.auth.v1.id_token_service_pb2 import CreateIdTokenRequest, IdToken, ListIdTokensRequest
from csms.auth.v1.tenant_directory_service_pb2 import GetTenantDirectoryRequest, ReportTenantErasureRequest
from csms.auth.v1.tenant_directory_service_pb2_grpc import TenantDirectoryServiceStub
from csms.auth.v1.tenant_pb2 import Tenant, TenantQuotas, TenantSettings
from csms.auth.v1.tenant_service_pb2 import (
    CreateTenantRequest,
    CreateTenantResponse,
    DeleteTenantRequest,
    GetOwnTenantRequest,
    GetTenantRequest,
    ListTenantsRequest,
    ResumeTenantRequest,
    SuspendTenantRequest,
    UpdateOwnTenantSettingsRequest,
    UpdateTenantRequest,
)
from csms.auth.v1.tenant_service_pb2_grpc import TenantServiceStub
from csms.auth.v1.user_service_pb2 import LoginRequest, RegisterRequest, VerifyRequest
from csms.common.v1 import id_token_pb2
from csms.common.v1.origin_pb2 import Origin
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask

from auth_svc.models import metadata
from auth_svc.tenant_directory import KEPT_TABLES, SERVICES
from mesh.database.tenant_rows import tables_of_tenants
from tests.auth_svc.conftest import Auth, Metadata, StartAuth, bearer, refused
from tests.mesh_identities import open_callers_channel

PLATFORM_PASSWORD = "a battery of staples"
NOT_FOUND, DENIED = grpc.StatusCode.NOT_FOUND, grpc.StatusCode.PERMISSION_DENIED
INVALID, EXISTS = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.ALREADY_EXISTS
FAILED = grpc.StatusCode.FAILED_PRECONDITION


@pytest.fixture
async def auth(start_auth: StartAuth) -> Auth:
    """auth_svc with a platform administrator."""
    return await start_auth(platform_admin_password=PLATFORM_PASSWORD)


def _stub(auth: Auth) -> Any:
    return TenantServiceStub(auth.operator_channel)


async def _platform(auth: Auth) -> Metadata:
    return await _log_in(auth, "platform", PLATFORM_PASSWORD, "platform")


async def _log_in(auth: Auth, username: str, password: str, tenant_id: str) -> Metadata:
    return bearer(await auth.users.Login(LoginRequest(username=username, password=password, tenant_id=tenant_id)))


async def _add(auth: Auth, tenant_id: str = "acme", **more: Any) -> CreateTenantResponse:
    tenant = Tenant(tenant_id=tenant_id, **more)
    response: CreateTenantResponse = await _stub(auth).CreateTenant(
        CreateTenantRequest(tenant=tenant), metadata=await _platform(auth)
    )
    return response


async def _administrator(auth: Auth, added: CreateTenantResponse) -> Metadata:
    return await _log_in(auth, added.administrator_username, added.administrator_password, added.tenant.tenant_id)


async def test_a_tenant_comes_with_an_administrator_who_may_log_in(auth: Auth) -> None:
    added = await _add(auth, display_name="Acme", quotas=TenantQuotas(max_stations=5))
    assert (added.tenant.display_name, added.tenant.quotas.max_stations) == ("Acme", 5)
    assert added.tenant.state == tenant_pb2.TENANT_STATE_ACTIVE
    theirs = await _administrator(auth, added)
    verified = await auth.users.Verify(VerifyRequest(), metadata=theirs)
    assert (verified.user.username, verified.user.tenant_id) == ("admin", "acme")
    own = (await _stub(auth).GetOwnTenant(GetOwnTenantRequest(), metadata=theirs)).tenant
    assert own == added.tenant
    page = await _stub(auth).ListTenants(ListTenantsRequest(), metadata=await _platform(auth))
    assert [one.tenant_id for one in page.tenants] == ["acme", "default", "platform"]


async def test_names_are_unique_in_each_tenant_and_log_in_there_only(auth: Auth) -> None:
    added = await _add(auth)
    theirs, ours = await _administrator(auth, added), await auth.admin()
    for caller, password in ((theirs, "their own secret"), (ours, "our own secret")):
        await auth.users.Register(RegisterRequest(username="Vera", password=password), metadata=caller)
    await _log_in(auth, "vera", "their own secret", "acme")
    await _log_in(auth, "vera", "our own secret", "")
    for password, tenant in (("our own secret", "acme"), ("their own secret", "default"), ("x" * 9, "nobody")):
        with refused(grpc.StatusCode.UNAUTHENTICATED, "WRONG_CREDENTIALS"):
            await _log_in(auth, "vera", password, tenant)


async def test_failed_logins_lock_a_name_in_its_tenant_only(auth: Auth) -> None:
    added = await _add(auth)
    for _ in range(10):
        with refused(grpc.StatusCode.UNAUTHENTICATED, "WRONG_CREDENTIALS"):
            await _log_in(auth, "admin", "x" * 9, "default")
    await _administrator(auth, added)


async def test_tenants_are_for_platform_administrators(auth: Auth) -> None:
    """Not for an administrator of a tenant, and they have no permission beyond."""
    await _add(auth)
    stub, admin, platform = _stub(auth), await auth.admin(), await _platform(auth)
    calls: list[Awaitable[Any]] = [
        stub.CreateTenant(CreateTenantRequest(tenant=Tenant(tenant_id="more")), metadata=admin),
        stub.GetTenant(GetTenantRequest(tenant_id="acme"), metadata=admin),
        stub.ListTenants(ListTenantsRequest(), metadata=admin),
        stub.UpdateTenant(UpdateTenantRequest(tenant=Tenant(tenant_id="acme")), metadata=admin),
        stub.SuspendTenant(SuspendTenantRequest(tenant_id="acme"), metadata=admin),
        stub.ResumeTenant(ResumeTenantRequest(tenant_id="acme"), metadata=admin),
        stub.DeleteTenant(DeleteTenantRequest(tenant_id="acme"), metadata=admin),
        auth.id_tokens.ListIdTokens(ListIdTokensRequest(), metadata=platform),
        stub.GetOwnTenant(GetOwnTenantRequest(), metadata=platform),
    ]
    for call in calls:
        with refused(DENIED, "ROLE_TOO_LOW"):
            await call


@pytest.mark.parametrize("tenant_id", ["", "ab", "Acme", "1acme", "acme-", "a.b", "ocpp", "a" * 41, "a b"])
async def test_ids_that_could_not_be_parts_of_urls(auth: Auth, tenant_id: str) -> None:
    with refused(INVALID, "INVALID_FIELD", "tenant.tenant_id"):
        await _add(auth, tenant_id)


async def test_ids_and_host_names_are_one_tenants(auth: Auth) -> None:
    await _add(auth, host_name="Acme.Example.org")
    for taken in ("acme", "default", "platform"):
        with refused(EXISTS, "TENANT_EXISTS"):
            await _add(auth, taken)
    with refused(EXISTS, "HOST_NAME_EXISTS"):
        await _add(auth, "bolt", host_name="acme.example.org")
    await _add(auth, "bolt")
    change = UpdateTenantRequest(tenant=Tenant(tenant_id="bolt", host_name="acme.example.org"))
    with refused(EXISTS, "HOST_NAME_EXISTS"):
        await _stub(auth).UpdateTenant(change, metadata=await _platform(auth))
    for wrong in ("host", "a..b", "x.org:80", "-a.org", "a_b.org"):
        with refused(INVALID, "INVALID_FIELD", "tenant.host_name"):
            await _add(auth, "crow", host_name=wrong)


async def test_a_mask_names_what_is_changed(auth: Auth) -> None:
    await _add(auth, display_name="Acme", quotas=TenantQuotas(max_stations=5, max_storage_days=9))
    stub, platform = _stub(auth), await _platform(auth)

    async def update(*paths: str, **fields: Any) -> Tenant:
        request = UpdateTenantRequest(
            tenant=Tenant(tenant_id="acme", **fields), update_mask=FieldMask(paths=list(paths))
        )
        tenant: Tenant = (await stub.UpdateTenant(request, metadata=platform)).tenant
        return tenant

    assert (await update("quotas.max_stations")).quotas == TenantQuotas(max_storage_days=9)
    assert (await update(display_name="New")).display_name == "New"
    changed = await update("settings", settings=TenantSettings(message_log_days=3, event_days=4))
    assert (changed.settings.message_log_days, changed.quotas.max_storage_days) == (3, 9)
    for path in ("state", "tenant_id", "erasures"):
        with refused(INVALID, "INVALID_FIELD", "update_mask"):
            await update(path)
    with refused(NOT_FOUND, "TENANT_NOT_FOUND"):
        await stub.UpdateTenant(UpdateTenantRequest(tenant=Tenant(tenant_id="nobody")), metadata=platform)


async def test_settings_of_an_own_tenant_stay_within_its_quotas(auth: Auth) -> None:
    theirs = await _administrator(auth, await _add(auth, quotas=TenantQuotas(max_storage_days=10)))
    stub = _stub(auth)
    within = UpdateOwnTenantSettingsRequest(settings=TenantSettings(message_log_days=10))
    assert (await stub.UpdateOwnTenantSettings(within, metadata=theirs)).tenant.settings.message_log_days == 10
    beyond = UpdateOwnTenantSettingsRequest(settings=TenantSettings(event_days=11))
    with refused(INVALID, "INVALID_FIELD", "settings.event_days"):
        await stub.UpdateOwnTenantSettings(beyond, metadata=theirs)


async def test_unknown_id_tokens_are_a_tenants_own_choice(auth: Auth) -> None:
    accepts = TenantSettings(unknown_id_tokens=tenant_pb2.UNKNOWN_ID_TOKENS_ACCEPT)
    await _add(auth, settings=accepts)
    items = [
        AuthorizeItem(
            origin=Origin(tenant_id=tenant, station_id="CP1"), id_token=id_token_pb2.IdToken(id_token="stranger")
        )
        for tenant in ("acme", "default")
    ]
    results = (await auth.authorization.Authorize(AuthorizeRequest(items=items))).results
    assert [id_token_pb2.AuthorizationStatus.Name(one.id_token_info.status)[21:] for one in results] == [
        "ACCEPTED",
        "UNKNOWN",
    ]


async def test_where_other_machines_can_connect_no_tenant_admits_strangers(start_auth: StartAuth) -> None:
    auth = await start_auth(platform_admin_password=PLATFORM_PASSWORD, admits_anyone=False)
    for settings, field in (
        (TenantSettings(onboarding=tenant_pb2.ONBOARDING_ACCEPT), "settings.onboarding"),
        (TenantSettings(unknown_id_tokens=tenant_pb2.UNKNOWN_ID_TOKENS_ACCEPT), "settings.unknown_id_tokens"),
    ):
        with refused(INVALID, "INVALID_FIELD", field):
            await _add(auth, settings=settings)


async def test_a_suspended_tenants_users_are_refused_with_the_right_password_only(auth: Auth) -> None:
    added = await _add(auth)
    theirs, platform, stub = await _administrator(auth, added), await _platform(auth), _stub(auth)
    for _ in range(2):
        await stub.SuspendTenant(SuspendTenantRequest(tenant_id="acme"), metadata=platform)
    with refused(DENIED, "TENANT_SUSPENDED"):
        await auth.users.Verify(VerifyRequest(), metadata=theirs)
    with refused(DENIED, "TENANT_SUSPENDED"):
        await _administrator(auth, added)
    with refused(grpc.StatusCode.UNAUTHENTICATED, "WRONG_CREDENTIALS"):
        await _log_in(auth, "admin", "x" * 9, "acme")
    await stub.ResumeTenant(ResumeTenantRequest(tenant_id="acme"), metadata=platform)
    await auth.users.Verify(VerifyRequest(), metadata=theirs)
    with refused(FAILED, "TENANT_BUILT_IN"):
        await stub.SuspendTenant(SuspendTenantRequest(tenant_id="platform"), metadata=platform)


async def test_a_removal_ends_when_every_service_has_found_nothing(auth: Auth) -> None:
    """notification_svc last, since the others' events may still reach it; and the id is not given again."""
    theirs = await _administrator(auth, await _add(auth, host_name="acme.example.org"))
    token = CreateIdTokenRequest(id_token=IdToken(id_token="TAG"))
    await auth.id_tokens.CreateIdToken(token, metadata=theirs)
    platform, stub = await _platform(auth), _stub(auth)
    for built_in in ("default", "platform"):
        with refused(FAILED, "TENANT_BUILT_IN"):
            await stub.DeleteTenant(DeleteTenantRequest(tenant_id=built_in), metadata=platform)
    for _ in range(2):
        tenant = (await stub.DeleteTenant(DeleteTenantRequest(tenant_id="acme"), metadata=platform)).tenant
        assert (tenant.state, tenant.host_name) == (tenant_pb2.TENANT_STATE_REMOVING, "")
    with refused(FAILED, "TENANT_REMOVED"):
        await stub.ResumeTenant(ResumeTenantRequest(tenant_id="acme"), metadata=platform)

    async def report(service: str, rows: int = 0, *, finished: bool = True) -> Tenant:
        auth.clock.advance(1)
        request = ReportTenantErasureRequest(tenant_id="acme", service=service, erased_rows=rows, finished=finished)
        async with open_callers_channel(auth.mesh_address, "auth") as channel:
            await TenantDirectoryServiceStub(channel).ReportTenantErasure(request)
        found: Tenant = (await stub.GetTenant(GetTenantRequest(tenant_id="acme"), metadata=platform)).tenant
        return found

    await report("station", 7, finished=False)
    await report("station", 3, finished=False)
    for service in SERVICES:
        tenant = await report(service)
    assert [one.erased_rows for one in tenant.erasures if one.service == "station"] == [10]
    assert tenant.state == tenant_pb2.TENANT_STATE_REMOVED
    with refused(NOT_FOUND, "TENANT_NOT_FOUND"):
        await report("station")
    with refused(EXISTS, "TENANT_EXISTS"):
        await _add(auth)


async def test_a_removal_waits_for_events_that_were_on_their_way(auth: Auth) -> None:
    await _add(auth)
    platform, stub = await _platform(auth), _stub(auth)
    await stub.DeleteTenant(DeleteTenantRequest(tenant_id="acme"), metadata=platform)
    for service, finished, state in (
        ("notification", True, tenant_pb2.TENANT_STATE_REMOVING),
        ("station", True, tenant_pb2.TENANT_STATE_REMOVING),
        ("transaction", True, tenant_pb2.TENANT_STATE_REMOVING),
        ("auth", True, tenant_pb2.TENANT_STATE_REMOVING),
        ("station", True, tenant_pb2.TENANT_STATE_REMOVING),
        ("notification", False, tenant_pb2.TENANT_STATE_REMOVING),
        ("notification", True, tenant_pb2.TENANT_STATE_REMOVED),
    ):
        auth.clock.advance(1)
        request = ReportTenantErasureRequest(tenant_id="acme", service=service, finished=finished)
        async with open_callers_channel(auth.mesh_address, "auth") as channel:
            await TenantDirectoryServiceStub(channel).ReportTenantErasure(request)
        found = await stub.GetTenant(GetTenantRequest(tenant_id="acme"), metadata=platform)
        assert found.tenant.state == state


async def test_the_directory_is_sent_when_it_has_changed(auth: Auth) -> None:
    async with open_callers_channel(auth.mesh_address, "auth") as channel:
        stub = TenantDirectoryServiceStub(channel)
        first = await stub.GetTenantDirectory(GetTenantDirectoryRequest())
        assert [one.tenant_id for one in first.tenants] == ["default", "platform"]
        same = await stub.GetTenantDirectory(GetTenantDirectoryRequest(etag=first.etag))
        assert (same.etag, list(same.tenants)) == (first.etag, [])
        await _add(auth)
        changed = await stub.GetTenantDirectory(GetTenantDirectoryRequest(etag=first.etag))
        assert len(changed.tenants) == 3


async def test_a_question_for_the_directory_waits_for_a_change(auth: Auth) -> None:
    """A change of this process ends the wait at once: well before the 10 s of the question, and the 2 s of a look."""
    async with open_callers_channel(auth.mesh_address, "auth") as channel:
        stub = TenantDirectoryServiceStub(channel)
        first = await stub.GetTenantDirectory(GetTenantDirectoryRequest())
        question = GetTenantDirectoryRequest(etag=first.etag, wait=Duration(seconds=10))
        waiting = asyncio.ensure_future(stub.GetTenantDirectory(question, timeout=9))
        await _add(auth)
        assert len((await waiting).tenants) == 3
        behind = await stub.GetTenantDirectory(question, timeout=9)
        assert len(behind.tenants) == 3
        short = GetTenantDirectoryRequest(etag=behind.etag, wait=Duration(nanos=10_000_000))
        same = await stub.GetTenantDirectory(short, timeout=9)
        assert (same.etag, list(same.tenants)) == (behind.etag, [])


async def test_without_a_password_there_is_no_platform_administrator(start_auth: StartAuth) -> None:
    """And one who is there keeps the password, whatever the setting is."""
    auth = await start_auth()
    with refused(grpc.StatusCode.UNAUTHENTICATED, "WRONG_CREDENTIALS"):
        await _platform(auth)
    await start_auth(platform_admin_password=PLATFORM_PASSWORD)
    await start_auth(platform_admin_password="another password")
    await _platform(auth)


def test_every_table_with_rows_of_tenants_is_erased() -> None:
    """Tables of nobody are named here, so that a new one is decided about."""
    erased = {table.name for table in tables_of_tenants(metadata, keep=KEPT_TABLES)}
    assert set(metadata.tables) - erased == {*KEPT_TABLES, "signing_key", "certificate_authority", "caller_version"}
