"""The audit of auth_svc: who did which thing, and never a secret. Its replay is in test_audit_replay.py."""

from typing import Any

import grpc
from csms.auth.v1 import id_token_service_pb2 as token_pb
from csms.auth.v1 import user_service_pb2 as user_pb
from hypothesis import HealthCheck, settings

from mesh.audit.entries import Content
from tests.audited import contents, linked_entries
from tests.auth_svc.conftest import PASSWORD, Auth, bearer, refused

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


async def test_a_rolled_back_change_leaves_no_entry(auth: Auth) -> None:
    count = len(await _audit(auth))
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "LAST_ADMINISTRATOR"):
        await auth.users.DeleteUser(user_pb.DeleteUserRequest(username="admin"), metadata=await auth.admin())
    entries = await _audit(auth)
    assert [entry.resource_type for entry in entries[count:]] == ["session"]  # of the login
