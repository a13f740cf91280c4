"""The audited state of auth_svc follows from its entries alone: of users, roles, keys, invitations, id tokens, tenants.

Each method that changes something is among the operations, or has a reason why it changes no audited field.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from csms.auth.v1.tenant_pb2 import TenantQuotas, TenantSettings
from csms.auth.v1.user_service_pb2 import ROLE_OPERATOR, ROLE_VIEWER, RoleAssignment
from csms.options.v1 import options_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auth_svc import id_token_store, models, role_store, tenant_store
from mesh.audit.replay import Key, replay
from mesh.contract.tenants import PLATFORM_TENANT
from mesh.identity.callers import Role
from tests.audited import contents, linked_entries
from tests.auth_svc.audited_operations import OPERATIONS, PLATFORM_PASSWORD, STATELESS, WAIT, Operator
from tests.auth_svc.conftest import Auth, StartAuth
from tests.replayed import expect_actions, expect_each_fault_found, expect_each_method

EXAMPLES = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
State = dict[Key, dict[str, Any]]
Operation = tuple[str, dict[str, Any]]
_READ, _WATCH = options_pb2.PERMISSION_STATIONS_READ, options_pb2.PERMISSION_EVENTS_READ
_NIGHT = RoleAssignment(role_id="night", site_id="berlin")

# Each method once, or more often, so that it changes something.
EACH: tuple[Operation, ...] = (
    ("RoleService/CreateRole", {"role_id": "night", "permissions": [_READ], "display_name": "Night"}),
    ("RoleService/UpdateRole", {"role_id": "night", "permissions": [_READ, _WATCH]}),
    ("UserService/Register", {"username": "ada", "role": ROLE_VIEWER, "role_assignments": [_NIGHT]}),
    ("UserService/UpdateUser", {"username": "ada", "role": ROLE_OPERATOR, "role_assignments": []}),
    ("UserService/DeleteUser", {"username": "ada"}),
    ("RoleService/CreateRole", {"role_id": "day", "permissions": [_READ]}),
    ("RoleService/DeleteRole", {"role_id": "day"}),
    ("ApiKeyService/CreateApiKey", {"permissions": [_READ], "display_name": "a", "site_id": "berlin"}),
    ("ApiKeyService/CreateApiKey", {"permissions": [_WATCH], "display_name": "b", "role_assignments": [_NIGHT]}),
    ("ApiKeyService/RevokeApiKey", {"number": 0}),
    ("InvitationService/CreateInvitation", {"username": "bob", "role": ROLE_VIEWER, "role_assignments": [_NIGHT]}),
    ("InvitationService/CreateInvitation", {"username": "Cy", "role": ROLE_VIEWER}),
    ("InvitationService/CreateInvitation", {"username": "ada", "role": ROLE_VIEWER, "role_assignments": [_NIGHT]}),
    ("InvitationService/AcceptInvitation", {"number": 0}),
    ("InvitationService/RevokeInvitation", {"number": 1}),
    (WAIT, {}),
    ("IdTokenService/CreateIdToken", {"id_token": "04AB", "display_name": "Ada", "group_id_token": "FLEET"}),
    ("IdTokenService/UpdateIdToken", {"id_token": "04ab", "status": "Blocked"}),
    ("IdTokenService/AddSeenIdToken", {"id_token": "t"}),
    ("IdTokenService/DeleteIdToken", {"id_token": "t"}),
    ("DriverErasureService/CreateDriverErasure", {"id_token": "04AB"}),
    ("TenantService/CreateTenant", {"tenant_id": "acme", "settings": TenantSettings(event_days=3)}),
    ("TenantService/CreateTenant", {"tenant_id": "bolt", "host_name": "bolt.example.org"}),
    ("TenantService/UpdateTenant", {"tenant_id": "acme", "quotas": TenantQuotas(max_stations=3)}),
    ("TenantService/UpdateTenant", {"tenant_id": "default", "settings": TenantSettings(message_log_days=5)}),
    ("TenantService/SuspendTenant", {"tenant_id": "acme"}),
    ("TenantService/ResumeTenant", {"tenant_id": "acme"}),
    ("TenantService/DeleteTenant", {"tenant_id": "bolt"}),
    ("TenantService/UpdateOwnTenantSettings", {"settings": TenantSettings(event_days=7)}),
)


@pytest.fixture
async def auth(start_auth: StartAuth) -> Auth:
    """auth_svc with a platform administrator."""
    return await start_auth(platform_admin_password=PLATFORM_PASSWORD)


def test_each_method_that_changes_something_is_replayed() -> None:
    expect_each_method("auth", OPERATIONS, STATELESS)
    assert {name for name, _values in EACH} == {*OPERATIONS, WAIT}


async def test_each_method_is_in_the_state_that_entries_make(auth: Auth) -> None:
    """And whichever entry is changed or missing, it is found, in the chain of each tenant."""
    operator = Operator(auth)
    for operation in EACH:
        await operator.apply(*operation)
        await _expect_same_state(auth)
    chains = {name: await linked_entries(auth.database, "auth", name) for name in await _tenants(auth)}
    expect_actions([entry for chain in chains.values() for entry in chain], OPERATIONS)
    assert {"default", "acme", PLATFORM_TENANT} <= set(chains)
    for name, chain in chains.items():
        expect_each_fault_found("auth", chain, name)


_OPERATION: st.SearchStrategy[Operation] = st.one_of(
    st.tuples(st.just(WAIT), st.just({})), *(st.tuples(st.just(name), values) for name, values in OPERATIONS.items())
)


@EXAMPLES
@given(operations=st.lists(_OPERATION, min_size=4, max_size=20))
async def test_the_state_follows_from_the_audit_alone(auth: Auth, operations: list[Operation]) -> None:
    """After any operations, some of which fail."""
    operator = Operator(auth)
    for operation in operations:
        with suppress(grpc.aio.AioRpcError):
            await operator.apply(*operation)
    await _expect_same_state(auth)


async def _expect_same_state(auth: Auth) -> None:
    for tenant_id in await _tenants(auth):
        chain = await linked_entries(auth.database, "auth", tenant_id)
        assert replay(contents(chain)) == await _state(auth, tenant_id)


async def _tenants(auth: Auth) -> list[str]:
    query = sa.select(models.tenant.c.tenant_id)
    return list(await auth.database.read(lambda connection: connection.execute(query).scalars().all()))


async def _state(auth: Auth, tenant_id: str) -> State:
    """The audited fields of all that a tenant's chain is about, from the tables."""
    return await auth.database.read(lambda connection: _read_state(connection, tenant_id))


def _read_state(connection: sa.Connection, tenant_id: str) -> State:
    def rows(table: sa.Table) -> list[Mapping[str, Any]]:
        query = sa.select(table).where(table.c.tenant_id == tenant_id)
        return [dict(row) for row in connection.execute(query).mappings()]

    state: State = {("user", row["username"]): {"role": _role_name(row["role"])} for row in rows(models.user_account)}
    for row in rows(models.id_token):
        state["id_token", row["id_token"]] = id_token_store.audited_fields(id_token_store.of_row(row))
    for row in rows(models.role):
        permissions = row["permissions"].split()
        state["role", row["role_id"]] = {"display_name": row["display_name"], "permissions": permissions}
    for row in rows(models.api_key):
        fields = {name: row[name] for name in ("display_name", "site_id", "expire_us")}
        state["api_key", row["prefix"]] = fields | {"permissions": row["permissions"].split()}
    for row in rows(models.invitation):
        fields = {"username": row["username"], "role": _role_name(row["role"]), "expire_us": row["expire_us"]}
        state["invitation", row["invitation_id"]] = fields
    subjects = {row["subject"] for row in rows(models.role_assignment)}
    for subject, assigned in role_store.assignments_of(connection, tenant_id, subjects).items():
        roles = [{"role_id": one.role_id, "site_id": one.site_id} for one in assigned]
        state["role_assignments", subject] = {"roles": roles}
    return state | _tenant_state(connection, tenant_id)


def _tenant_state(connection: sa.Connection, tenant_id: str) -> State:
    """The settings of a tenant, and for the platform's chain all tenants without their settings."""
    state: State = {}
    for row in connection.execute(sa.select(models.tenant)).mappings():
        own = {name: row[name] for name in tenant_store.SETTINGS}
        if tenant_id == PLATFORM_TENANT:
            apart = {"tenant_id", "create_us", "update_us", *tenant_store.SETTINGS}
            state["tenant", row["tenant_id"]] = {name: value for name, value in row.items() if name not in apart}
        if tenant_id == row["tenant_id"] and any(own.values()):
            state["tenant_settings", tenant_id] = own
    return state


def _role_name(number: int) -> str:
    return Role(number).name if number else ""
