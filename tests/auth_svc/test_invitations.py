"""InvitationService: users to be, who set their password themselves."""

import hashlib
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from csms.auth.v1.invitation_service_pb2 import (
    AcceptInvitationRequest,
    CreateInvitationRequest,
    CreateInvitationResponse,
    Invitation,
    ListInvitationsRequest,
    RevokeInvitationRequest,
)
from csms.auth.v1.role_service_pb2 import CreateRoleRequest, CustomRole, DeleteRoleRequest
from csms.auth.v1.user_service_pb2 import (
    ROLE_ADMINISTRATOR,
    ROLE_OPERATOR,
    ROLE_VIEWER,
    DeleteUserRequest,
    RegisterRequest,
    RoleAssignment,
    UpdateUserRequest,
    User,
)
from csms.options.v1 import options_pb2

from auth_svc import invitation_store, models
from auth_svc.invitation_servicer import DEFAULT_S, LONGEST_S
from mesh.runtime.times import SECOND_US, to_timestamp
from tests.auth_svc.conftest import PASSWORD, Auth, Metadata, bearer, refused

UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED
INVALID = grpc.StatusCode.INVALID_ARGUMENT
OWN = "my very own secret"


async def _invite(auth: Auth, *, metadata: Metadata | None = None, **fields: object) -> CreateInvitationResponse:
    invitation = Invitation(**({"username": "vera"} | fields))  # type: ignore[arg-type]
    made: CreateInvitationResponse = await auth.invitations.CreateInvitation(
        CreateInvitationRequest(invitation=invitation), metadata=metadata or await auth.admin()
    )
    return made


async def _accept(auth: Auth, token: str, password: str = OWN) -> User:
    request = AcceptInvitationRequest(token=token, password=password)
    user: User = (await auth.invitations.AcceptInvitation(request)).user
    return user


async def _open(auth: Auth) -> list[Invitation]:
    answer = await auth.invitations.ListInvitations(ListInvitationsRequest(), metadata=await auth.admin())
    return list(answer.invitations)


async def test_an_invited_user_sets_the_password_and_has_the_roles(auth: Auth) -> None:
    made = await _invite(
        auth, role=ROLE_OPERATOR, role_assignments=[RoleAssignment(role_id="ADMINISTRATOR", site_id="north")]
    )
    assert [each.username for each in await _open(auth)] == ["vera"]
    user = await _accept(auth, made.token)
    assert (user.username, user.role, user.role_assignments[0].site_id) == ("vera", ROLE_OPERATOR, "north")
    await auth.login("vera", OWN)
    assert await _open(auth) == []


async def test_an_invitation_is_good_once(auth: Auth) -> None:
    made = await _invite(auth)
    await _accept(auth, made.token)
    with refused(UNAUTHENTICATED, "WRONG_CREDENTIALS"):
        await _accept(auth, made.token)


@pytest.mark.parametrize("valid_s", [None, 60])
async def test_an_invitation_ends_with_its_time(auth: Auth, valid_s: int | None) -> None:
    """In a week, unless it says otherwise; then its row is removed."""
    ends: dict[str, Any] = {} if valid_s is None else {"expire_time": to_timestamp(auth.clock() + valid_s * SECOND_US)}
    made = await _invite(auth, **ends)
    auth.clock.advance(valid_s or DEFAULT_S)
    with refused(UNAUTHENTICATED, "WRONG_CREDENTIALS"):
        await _accept(auth, made.token)
    assert await _open(auth) == []
    now_us = auth.clock()
    removing = await auth.database.write(
        lambda connection: invitation_store.remove_ended(connection, now_us=now_us, limit=10)
    )
    assert removing == 1


async def test_an_invitation_with_another_secret_is_none(auth: Auth) -> None:
    made = await _invite(auth)
    for token in (made.token[:-1], made.token.partition(".")[0], "x", ".", "nul\0.x", "x" * 5000):
        with refused(UNAUTHENTICATED, "WRONG_CREDENTIALS"):
            await _accept(auth, token)
    await _accept(auth, made.token)


async def test_an_invitation_can_be_revoked(auth: Auth) -> None:
    made = await _invite(auth)
    request = RevokeInvitationRequest(invitation_id=made.invitation.invitation_id)
    await auth.invitations.RevokeInvitation(request, metadata=await auth.admin())
    with refused(UNAUTHENTICATED, "WRONG_CREDENTIALS"):
        await _accept(auth, made.token)
    with refused(grpc.StatusCode.NOT_FOUND, "INVITATION_NOT_FOUND"):
        await auth.invitations.RevokeInvitation(request, metadata=await auth.admin())


@pytest.mark.parametrize("way", ["removed", "has less"])
async def test_an_invitation_is_void_where_its_inviter_may_no_longer_give_it(auth: Auth, way: str) -> None:
    """Nobody leaves a way back in behind."""
    request = RegisterRequest(username="ada", password=PASSWORD, role=ROLE_ADMINISTRATOR)
    await auth.users.Register(request, metadata=await auth.admin())
    made = await _invite(auth, role=ROLE_ADMINISTRATOR, metadata=bearer(await auth.login("ada")))
    if way == "removed":
        await auth.users.DeleteUser(DeleteUserRequest(username="ada"), metadata=await auth.admin())
    else:
        update = UpdateUserRequest(user=User(username="ada", role=ROLE_OPERATOR))
        await auth.users.UpdateUser(update, metadata=await auth.admin())
    with refused(UNAUTHENTICATED, "WRONG_CREDENTIALS"):
        await _accept(auth, made.token)


async def test_nobody_invites_to_more_than_they_have(auth: Auth) -> None:
    role = CustomRole(role_id="manager", permissions=[options_pb2.PERMISSION_USERS_WRITE])
    await auth.roles.CreateRole(CreateRoleRequest(role=role), metadata=await auth.admin())
    has = RoleAssignment(role_id="manager")
    request = RegisterRequest(username="manu", password=PASSWORD, role_assignments=[has])
    await auth.users.Register(request, metadata=await auth.admin())
    manu = bearer(await auth.login("manu"))
    with refused(grpc.StatusCode.PERMISSION_DENIED, "BEYOND_OWN_PERMISSIONS"):
        await _invite(auth, role=ROLE_VIEWER, metadata=manu)
    made = await _invite(auth, role_assignments=[has], metadata=manu)
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "ROLE_ASSIGNED"):
        await auth.roles.DeleteRole(DeleteRoleRequest(role_id="manager"), metadata=await auth.admin())
    assert [each.role_id for each in (await _accept(auth, made.token)).role_assignments] == ["manager"]


async def test_what_cannot_be_an_invitation_is_refused(auth: Auth) -> None:
    with refused(grpc.StatusCode.ALREADY_EXISTS, "USER_EXISTS"):
        await _invite(auth, username="Admin")
    with refused(INVALID, "INVALID_FIELD", "invitation.username"):
        await _invite(auth, username="a/b")
    for end_us in (0, auth.clock(), auth.clock() + (LONGEST_S + 1) * SECOND_US):
        with refused(INVALID, "INVALID_FIELD", "invitation.expire_time"):
            await _invite(auth, expire_time=to_timestamp(end_us))
    made = await _invite(auth)
    with refused(INVALID, "INVALID_FIELD", "password"):
        await _accept(auth, made.token, "short")
    await _accept(auth, made.token)


async def test_a_name_that_was_taken_meanwhile(auth: Auth) -> None:
    made = await _invite(auth)
    await auth.users.Register(RegisterRequest(username="Vera", password=PASSWORD), metadata=await auth.admin())
    with refused(grpc.StatusCode.ALREADY_EXISTS, "USER_EXISTS"):
        await _accept(auth, made.token)


async def test_a_token_is_kept_as_a_hash_only(auth: Auth) -> None:
    secret = (await _invite(auth)).token.partition(".")[2]
    rows = await auth.database.read(lambda connection: connection.execute(sa.select(models.invitation)).all())
    events = await auth.database.read(lambda connection: connection.execute(sa.select(models.outbox)).all())
    assert secret not in repr(rows) + repr(events)
    assert hashlib.sha256(secret.encode()).hexdigest() in repr(rows)
