"""ApiKeyService, and calls with an API key."""

import hashlib
import re

import grpc
import pytest
import sqlalchemy as sa
from csms.auth.v1.api_key_service_pb2 import (
    ApiKey,
    CreateApiKeyRequest,
    CreateApiKeyResponse,
    ListApiKeysRequest,
    RevokeApiKeyRequest,
)
from csms.auth.v1.id_token_service_pb2 import CreateIdTokenRequest, IdToken, ListIdTokensRequest
from csms.auth.v1.role_service_pb2 import CreateRoleRequest, CustomRole
from csms.auth.v1.user_service_pb2 import (
    ROLE_VIEWER,
    LogoutRequest,
    RegisterRequest,
    RoleAssignment,
    VerifyRequest,
)
from csms.options.v1 import options_pb2

from auth_svc import api_key_store, models
from auth_svc.callers import DirectCallers
from mesh.identity.caller_directory import KeyUse
from mesh.identity.known_callers import REPORTED_EVERY_S, KeyUses
from mesh.runtime.times import SECOND_US, from_timestamp, to_timestamp
from tests.auth_svc.conftest import PASSWORD, Auth, Metadata, bearer, refused

DENIED = grpc.StatusCode.PERMISSION_DENIED
UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED
INVALID = grpc.StatusCode.INVALID_ARGUMENT
READ, WRITE = options_pb2.PERMISSION_ID_TOKENS_READ, options_pb2.PERMISSION_ID_TOKENS_WRITE
KEYS_WRITE = options_pb2.PERMISSION_API_KEYS_WRITE


async def _make(auth: Auth, *, metadata: Metadata | None = None, **fields: object) -> CreateApiKeyResponse:
    key = ApiKey(**({"display_name": "a program", "permissions": [READ]} | fields))  # type: ignore[arg-type]
    made: CreateApiKeyResponse = await auth.api_keys.CreateApiKey(
        CreateApiKeyRequest(api_key=key), metadata=metadata or await auth.admin()
    )
    return made


def _as(key: CreateApiKeyResponse) -> Metadata:
    return (("x-api-key", key.secret),)


async def _list(auth: Auth, metadata: Metadata) -> None:
    await auth.id_tokens.ListIdTokens(ListIdTokensRequest(), metadata=metadata)


async def _listed(auth: Auth) -> list[ApiKey]:
    return list((await auth.api_keys.ListApiKeys(ListApiKeysRequest(), metadata=await auth.admin())).api_keys)


async def test_a_key_does_what_it_was_made_for_and_nothing_else(auth: Auth) -> None:
    key = await _make(auth)
    await _list(auth, _as(key))
    with refused(DENIED, "ROLE_TOO_LOW"):
        request = CreateIdTokenRequest(id_token=IdToken(id_token="AB12"))
        await auth.id_tokens.CreateIdToken(request, metadata=_as(key))


async def test_a_key_has_its_form_and_is_kept_as_a_hash_only(auth: Auth) -> None:
    """Its prefix is shown, and its secret once."""
    key = await _make(auth)
    assert re.fullmatch(rf"csms_{key.api_key.prefix}_[A-Za-z0-9_-]{{43}}", key.secret)
    rows = await auth.database.read(lambda connection: connection.execute(sa.select(models.api_key)).all())
    events = await auth.database.read(lambda connection: connection.execute(sa.select(models.outbox)).all())
    assert key.secret[-43:] not in repr(rows) + repr(events) + repr(await _listed(auth))
    assert hashlib.sha256(key.secret.encode()).hexdigest() in repr(rows)


async def test_a_key_has_no_account(auth: Auth) -> None:
    """With any role: no sign-in to end, no password."""
    key = await _make(auth, permissions=[], role_assignments=[RoleAssignment(role_id="ADMINISTRATOR")])
    with refused(DENIED, "ROLE_TOO_LOW"):
        await auth.users.Logout(LogoutRequest(), metadata=_as(key))
    with refused(DENIED, "ROLE_TOO_LOW"):
        await auth.users.Verify(VerifyRequest(), metadata=_as(key))
    with refused(INVALID, "INVALID_FIELD", "api_key.permissions"):
        await _make(auth, permissions=[options_pb2.PERMISSION_OWN_ACCOUNT])


async def test_a_key_has_the_permissions_of_its_roles_too(auth: Auth) -> None:
    """As of now, and not as of when it was made."""
    role = CustomRole(role_id="token-writer", permissions=[WRITE])
    await auth.roles.CreateRole(CreateRoleRequest(role=role), metadata=await auth.admin())
    key = await _make(auth, role_assignments=[RoleAssignment(role_id="token-writer")])
    request = CreateIdTokenRequest(id_token=IdToken(id_token="AB12"))
    await auth.id_tokens.CreateIdToken(request, metadata=_as(key))
    [listed] = await _listed(auth)
    assert [each.role_id for each in listed.role_assignments] == ["token-writer"]


async def test_a_revoked_key_is_refused_at_once(auth: Auth) -> None:
    key, other = await _make(auth), await _make(auth)
    request = RevokeApiKeyRequest(prefix=key.api_key.prefix)
    await auth.api_keys.RevokeApiKey(request, metadata=await auth.admin())
    with refused(UNAUTHENTICATED, "INVALID_API_KEY"):
        await _list(auth, _as(key))
    await _list(auth, _as(other))
    with refused(grpc.StatusCode.NOT_FOUND, "API_KEY_NOT_FOUND"):
        await auth.api_keys.RevokeApiKey(request, metadata=await auth.admin())
    assert [each["prefix"] for each in await auth.events("api_key.revoked")] == [key.api_key.prefix]


async def test_a_key_ends_with_its_time(auth: Auth) -> None:
    key = await _make(auth, expire_time=to_timestamp(auth.clock() + 10 * SECOND_US))
    auth.clock.advance(9)
    await _list(auth, _as(key))
    auth.clock.advance(1)
    with refused(UNAUTHENTICATED, "INVALID_API_KEY"):
        await _list(auth, _as(key))
    with refused(INVALID, "INVALID_FIELD", "api_key.expire_time"):
        await _make(auth, expire_time=to_timestamp(auth.clock()))


async def test_a_key_with_another_secret_is_none(auth: Auth) -> None:
    key = await _make(auth)
    for secret in (
        key.secret[:-1] + ("A" if key.secret[-1] != "A" else "B"),
        key.secret.upper(),
        "csms_",
        "",
        "x" * 5000,
    ):
        with refused(UNAUTHENTICATED, "INVALID_API_KEY"):
            await _list(auth, (("x-api-key", secret),))


async def test_nobody_makes_a_key_that_may_more_than_they(auth: Auth) -> None:
    """Another key included; nor one that reaches beyond their part of the tenant."""
    maker = await _make(auth, permissions=[KEYS_WRITE, READ])
    await _make(auth, metadata=_as(maker))
    made = await _make(auth, metadata=_as(maker), site_id="north")
    assert made.api_key.creator == f"key:{maker.api_key.prefix}"
    with refused(DENIED, "BEYOND_OWN_PERMISSIONS"):
        await _make(auth, metadata=_as(maker), permissions=[READ, WRITE])
    with refused(DENIED, "BEYOND_OWN_PERMISSIONS"):
        await _make(auth, metadata=_as(maker), role_assignments=[RoleAssignment(role_id="VIEWER")])
    with refused(DENIED, "SCOPE_TOO_NARROW"):  # keys stand in no site
        await _make(auth, metadata=_as(await _make(auth, permissions=[KEYS_WRITE], site_id="north")))


async def test_a_key_needs_a_name_and_something_to_do(auth: Auth) -> None:
    with refused(INVALID, "INVALID_FIELD", "api_key.display_name"):
        await _make(auth, display_name="")
    with refused(INVALID, "INVALID_FIELD", "api_key.permissions"):
        await _make(auth, permissions=[])
    with refused(grpc.StatusCode.NOT_FOUND, "ROLE_NOT_FOUND"):
        await _make(auth, role_assignments=[RoleAssignment(role_id="nothing")])


async def test_keys_are_for_administrators_and_of_one_tenant(auth: Auth) -> None:
    await auth.users.Register(
        RegisterRequest(username="vera", password=PASSWORD, role=ROLE_VIEWER), metadata=await auth.admin()
    )
    with refused(DENIED, "ROLE_TOO_LOW"):
        await _make(auth, metadata=bearer(await auth.login("vera")))
    other = api_key_store.ApiKey(
        tenant_id="other",
        prefix="otherone",
        secret_hash="h",
        display_name="x",
        permissions=frozenset({READ}),
        site_id="",
        creator="user:eve",
        create_us=1,
    )
    await auth.database.write(lambda connection: api_key_store.create_key(connection, other))
    assert await _listed(auth) == []
    with refused(grpc.StatusCode.NOT_FOUND, "API_KEY_NOT_FOUND"):
        await auth.api_keys.RevokeApiKey(RevokeApiKeyRequest(prefix="otherone"), metadata=await auth.admin())


async def test_the_last_use_of_a_key_is_recorded_and_not_with_each_call(auth: Auth) -> None:
    key = await _make(auth)
    assert not (await _listed(auth))[0].HasField("last_use_time")
    callers = next(task.__self__ for task in auth.access.background)  # type: ignore[attr-defined]
    assert isinstance(callers, DirectCallers)
    uses = []
    for _ in range(3):
        await _list(auth, _as(key))
        await callers.flush()
        uses.append(from_timestamp((await _listed(auth))[0].last_use_time))
        auth.clock.advance(REPORTED_EVERY_S / 2)
    assert uses[0] == uses[1] < uses[2]


def test_a_use_that_was_not_reported_is_due_again_later() -> None:
    """Nothing is lost by a failure, and the latest use counts."""
    uses, use = KeyUses(), KeyUse(tenant_id="t", prefix="p", last_us=100 * SECOND_US)

    class Used:
        tenant_id, api_key_prefix = "t", "p"

    uses.note(Used(), 100)  # type: ignore[arg-type]
    assert uses.due(100) == uses.due(100) == [use]
    uses.reported([use])
    assert uses.due(1000) == []
    uses.note(Used(), 110)  # type: ignore[arg-type]
    assert uses.due(110) == []
    assert [each.last_us for each in uses.due(100 + REPORTED_EVERY_S)] == [110 * SECOND_US]


@pytest.mark.parametrize("size", [1, 50])
async def test_keys_are_listed_by_pages(auth: Auth, size: int) -> None:
    made = sorted([(await _make(auth)).api_key.prefix for _ in range(3)])
    found, token, admin = [], "", await auth.admin()
    while True:
        page = await auth.api_keys.ListApiKeys(ListApiKeysRequest(page_size=size, page_token=token), metadata=admin)
        found += [key.prefix for key in page.api_keys]
        token = page.next_page_token
        if not token:
            break
    assert found == made
