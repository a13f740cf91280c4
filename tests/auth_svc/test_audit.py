"""The audit of auth_svc: who did which thing, never a secret, and the same state again from its entries alone."""

from contextlib import suppress
from typing import Any

import grpc
import sqlalchemy as sa
from csms.auth.v1 import id_token_service_pb2 as token_pb
from csms.auth.v1 import user_service_pb2 as user_pb
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auth_svc import models
from auth_svc.id_token_store import audited_fields, of_row
from mesh.audit.entries import Content
from mesh.audit.replay import Key, replay
from mesh.database.engine import Database
from mesh.identity.callers import Role
from tests.audited import contents, expect_tampering_found, linked_entries
from tests.auth_svc.conftest import PASSWORD, Auth, Metadata, bearer, refused

EXAMPLES = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
NEW_PASSWORD = "another horse battery"
NAMES = ("ada", "bob", "Cy")
TOKENS = ("04AB", "DE-ABC-C123", "t")

Operation = tuple[str, dict[str, Any]]


async def _audit(auth: Auth) -> list[Content]:
    return contents(await linked_entries(auth.database, "auth"))


async def _last(auth: Auth) -> Content:
    return (await _audit(auth))[-1]


async def test_the_first_administrator_is_added_by_the_system(auth: Auth) -> None:
    [entry] = await _audit(auth)
    assert (entry.actor_kind, entry.change, entry.resource_type, entry.resource) == (
        "SYSTEM",
        "CREATE",
        "user",
        "admin",
    )
    assert entry.after == {"role": "ADMINISTRATOR"}


async def test_an_entry_names_the_caller_the_session_the_address_and_the_request(auth: Auth) -> None:
    session = await auth.login()
    metadata = (*bearer(session), ("x-request-id", "r-1"))
    await auth.users.Register(_register("ada", user_pb.ROLE_VIEWER), metadata=metadata)
    login, entry = (await _audit(auth))[-2:]
    assert (entry.action, entry.actor_kind, entry.actor) == ("csms.auth.v1.UserService/Register", "USER", "admin")
    assert (login.resource_type, entry.credential_id) == ("session", login.resource)
    assert (entry.address, entry.request_id) == ("127.0.0.1", "r-1")
    assert entry.user_agent.startswith("grpc-python")
    assert (entry.change, entry.before, entry.after) == ("CREATE", None, {"role": "VIEWER"})


async def test_an_address_without_the_front_door_s_proof_is_not_believed(auth: Auth) -> None:
    metadata = (*await auth.admin(), ("x-envoy-external-address", "192.0.2.7"), ("x-csms-front-door", "guess"))
    await auth.users.Register(_register("ada", user_pb.ROLE_VIEWER), metadata=metadata)
    assert (await _last(auth)).address == "127.0.0.1"


async def test_a_new_password_is_recorded_without_the_password(auth: Auth) -> None:
    request = user_pb.ChangePasswordRequest(username="admin", current_password=PASSWORD, new_password=NEW_PASSWORD)
    await auth.users.ChangePassword(request, metadata=await auth.admin())
    entry = await _last(auth)
    assert (entry.resource, entry.change, entry.details) == ("admin", "", {"changed": ["password"]})
    texts = str(await _audit(auth))
    assert PASSWORD not in texts
    assert NEW_PASSWORD not in texts
    assert "argon2" not in texts


async def test_the_end_of_a_session_is_recorded(auth: Auth) -> None:
    session = await auth.login()
    await auth.users.Logout(user_pb.LogoutRequest(), metadata=bearer(session))
    entry = await _last(auth)
    assert (entry.action, entry.details) == ("csms.auth.v1.UserService/Logout", {"did": "ended"})


async def test_a_spent_refresh_token_is_recorded_with_the_session_that_it_ends(auth: Auth) -> None:
    session = await auth.login()
    request = user_pb.RefreshRequest(refresh_token=session.refresh_token)
    await auth.users.Refresh(request)
    auth.clock.advance(60)
    with refused(grpc.StatusCode.UNAUTHENTICATED, "INVALID_TOKEN"):
        await auth.users.Refresh(request)
    entry = await _last(auth)
    assert (entry.resource_type, entry.actor) == ("session", "admin")
    assert entry.details == {"did": "ended for a spent refresh token"}
    assert session.refresh_token not in str(await _audit(auth))


async def test_an_update_has_the_fields_that_changed_before_and_after(auth: Auth) -> None:
    admin = await auth.admin()
    await auth.id_tokens.CreateIdToken(
        token_pb.CreateIdTokenRequest(id_token=token_pb.IdToken(id_token="04AB", display_name="Ada")), metadata=admin
    )
    request = token_pb.UpdateIdTokenRequest(id_token=token_pb.IdToken(id_token="04ab", status="Blocked"))
    await auth.id_tokens.UpdateIdToken(request, metadata=admin)
    entry = await _last(auth)
    assert (entry.resource_type, entry.resource, entry.change) == ("id_token", "04AB", "UPDATE")
    assert (entry.before, entry.after) == ({"status": "Accepted"}, {"status": "Blocked"})


def _register(username: str, role: user_pb.Role.ValueType) -> user_pb.RegisterRequest:
    return user_pb.RegisterRequest(username=username, password=NEW_PASSWORD, role=role)


_ROLES = (user_pb.ROLE_VIEWER, user_pb.ROLE_OPERATOR, user_pb.ROLE_ADMINISTRATOR)
_TOKEN = st.fixed_dictionaries(
    {"id_token": st.sampled_from(TOKENS)},
    optional={
        "status": st.sampled_from(["Accepted", "Blocked", "Invalid"]),
        "type": st.sampled_from(["ISO14443", "Central"]),
        "display_name": st.sampled_from(["Ada", "", "Ö"]),
        "group_id_token": st.sampled_from(["", "FLEET"]),
        "max_concurrent_transactions": st.integers(0, 3),
        "expire_time": st.integers(0, 10**9).map(lambda seconds: Timestamp(seconds=seconds, nanos=5000)),
    },
)
OPERATIONS: st.SearchStrategy[Operation] = st.one_of(
    st.tuples(
        st.just("Register"),
        st.fixed_dictionaries({"username": st.sampled_from(NAMES), "role": st.sampled_from(_ROLES)}),
    ),
    st.tuples(st.just("DeleteUser"), st.fixed_dictionaries({"username": st.sampled_from(NAMES)})),
    st.tuples(st.sampled_from(["CreateIdToken", "UpdateIdToken"]), _TOKEN),
    st.tuples(st.just("DeleteIdToken"), st.fixed_dictionaries({"id_token": st.sampled_from(TOKENS)})),
)


async def _apply(auth: Auth, admin: Metadata, operation: Operation) -> None:
    name, values = operation
    if name == "Register":
        await auth.users.Register(_register(**values), metadata=admin)
    elif name == "DeleteUser":
        await auth.users.DeleteUser(user_pb.DeleteUserRequest(**values), metadata=admin)
    elif name == "DeleteIdToken":
        await auth.id_tokens.DeleteIdToken(token_pb.DeleteIdTokenRequest(**values), metadata=admin)
    elif name == "CreateIdToken":
        request = token_pb.CreateIdTokenRequest(id_token=token_pb.IdToken(**values))
        await auth.id_tokens.CreateIdToken(request, metadata=admin)
    else:
        update = token_pb.UpdateIdTokenRequest(id_token=token_pb.IdToken(**values))
        await auth.id_tokens.UpdateIdToken(update, metadata=admin)


async def _state(database: Database) -> dict[Key, dict[str, Any]]:
    """The audited fields of all users and id tokens, from their tables."""

    def read(connection: sa.Connection) -> dict[Key, dict[str, Any]]:
        users = connection.execute(sa.select(models.user_account)).mappings().all()
        tokens = connection.execute(sa.select(models.id_token)).mappings().all()
        state: dict[Key, dict[str, Any]] = {
            ("user", row["username"]): {"role": Role(row["role"]).name} for row in users
        }
        return state | {("id_token", row["id_token"]): audited_fields(of_row(dict(row))) for row in tokens}

    return await database.read(read)


@EXAMPLES
@given(operations=st.lists(OPERATIONS, min_size=1, max_size=12), index=st.integers(0, 1000))
async def test_the_state_follows_from_the_audit_alone(auth: Auth, operations: list[Operation], index: int) -> None:
    """Of every audited field of every user and id token, after any operations, some of which fail."""
    admin = await auth.admin()
    for operation in operations:
        with suppress(grpc.aio.AioRpcError):
            await _apply(auth, admin, operation)
    chain = await linked_entries(auth.database, "auth")
    assert replay(contents(chain)) == await _state(auth.database)
    expect_tampering_found("auth", chain, index % len(chain))


async def test_a_rolled_back_change_leaves_no_entry(auth: Auth) -> None:
    count = len(await _audit(auth))
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "LAST_ADMINISTRATOR"):
        await auth.users.DeleteUser(user_pb.DeleteUserRequest(username="admin"), metadata=await auth.admin())
    entries = await _audit(auth)
    assert [entry.resource_type for entry in entries[count:]] == ["session"]  # of the login
