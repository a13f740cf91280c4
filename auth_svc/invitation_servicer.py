"""InvitationService: users to be, who set their password themselves."""

import hashlib
import secrets

import grpc
from csms.auth.v1.invitation_service_pb2 import (
    AcceptInvitationRequest,
    AcceptInvitationResponse,
    CreateInvitationRequest,
    CreateInvitationResponse,
    Invitation,
    ListInvitationsRequest,
    ListInvitationsResponse,
    RevokeInvitationRequest,
    RevokeInvitationResponse,
)
from csms.auth.v1.invitation_service_pb2_grpc import InvitationServiceServicer
from sqlalchemy import Connection

from auth_svc import invitation_store, user_store, usernames
from auth_svc.assigning import check_may_give, inviter_grants, read_assignments, read_role, to_messages
from auth_svc.passwords import Passwords
from auth_svc.role_store import Assignment
from auth_svc.users import ROLES, check_password, to_message, user_exists
from mesh.contract.texts import is_storable
from mesh.database.engine import Database
from mesh.database.pages import page_of
from mesh.grpc.types import Context
from mesh.identity.callers import Caller, Role, covers, current_caller
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, invalid_field
from mesh.runtime.times import SECOND_US, Clock, from_timestamp, to_timestamp

MOST_OPEN = 1000
DEFAULT_S = 7 * 24 * 3600
LONGEST_S = 30 * 24 * 3600


class InvitationServicer(InvitationServiceServicer):
    """InvitationService."""

    def __init__(self, *, database: Database, passwords: Passwords, clock: Clock) -> None:
        self._database = database
        self._passwords = passwords
        self._clock = clock

    async def CreateInvitation(self, request: CreateInvitationRequest, context: Context) -> CreateInvitationResponse:
        """Makes one."""
        caller, given = current_caller(), request.invitation
        role = read_role(given.role, field="invitation.role")
        assignments = read_assignments(given.role_assignments, field="invitation.role_assignments")
        if role is None and not assignments:
            role = Role.VIEWER
        if not usernames.is_username(given.username):
            raise invalid_field("invitation.username", usernames.RULE)
        secret = secrets.token_urlsafe(32)
        invitation = self._new(caller, given, role=role, secret=secret)
        await self._database.write(lambda connection: _create(connection, caller, invitation, assignments))
        return CreateInvitationResponse(
            invitation=_to_message(invitation, assignments), token=f"{invitation.invitation_id}.{secret}"
        )

    async def ListInvitations(self, request: ListInvitationsRequest, context: Context) -> ListInvitationsResponse:
        """Lists the open ones of the tenant."""
        tenant_id, now_us, page = current_caller().tenant_id, self._clock(), page_of(request, [str])
        (after,) = page.after or ("",)
        rows = await self._database.read(
            lambda connection: invitation_store.list_open(
                connection, tenant_id, after_id=after, now_us=now_us, limit=page.limit
            )
        )
        rows, next_token = page.cut(rows, lambda row: (row[0].invitation_id,))
        return ListInvitationsResponse(invitations=[_to_message(*row) for row in rows], next_page_token=next_token)

    async def RevokeInvitation(self, request: RevokeInvitationRequest, context: Context) -> RevokeInvitationResponse:
        """Makes one void."""
        tenant_id = current_caller().tenant_id
        revoked = is_storable(request.invitation_id) and await self._database.write(
            lambda connection: invitation_store.revoke(connection, tenant_id, request.invitation_id)
        )
        if not revoked:
            raise MeshError(grpc.StatusCode.NOT_FOUND, Reason.INVITATION_NOT_FOUND, "there is no such invitation")
        return RevokeInvitationResponse()

    async def AcceptInvitation(self, request: AcceptInvitationRequest, context: Context) -> AcceptInvitationResponse:
        """Adds the invited user."""
        invitation_id, _, secret = request.token.partition(".")
        now_us = self._clock()
        if not is_storable(invitation_id):
            raise _void()
        # Before the costly hash: only who has the token has one made.
        invitation = await self._database.read(
            lambda connection: invitation_store.find(connection, invitation_id, _digest(secret), now_us=now_us)
        )
        if invitation is None:
            raise _void()
        check_password("password", request.password, username=invitation.username)
        user = user_store.User(
            tenant_id=invitation.tenant_id,
            username=invitation.username,
            role=invitation.role,
            password_hash=await self._passwords.hash(request.password, stranger=True),
            create_us=now_us,
        )
        assignments = await self._database.write(
            lambda connection: _accept(connection, invitation_id, _digest(secret), user)
        )
        return AcceptInvitationResponse(user=to_message(user, assignments))

    def _new(self, caller: Caller, given: Invitation, *, role: Role | None, secret: str) -> invitation_store.Invitation:
        now_us = self._clock()
        expire_us = now_us + DEFAULT_S * SECOND_US
        if given.HasField("expire_time"):
            expire_us = from_timestamp(given.expire_time)
        if not now_us < expire_us <= now_us + LONGEST_S * SECOND_US:
            raise invalid_field("invitation.expire_time", "must be in the future, and at most 30 days from now")
        return invitation_store.Invitation(
            tenant_id=caller.tenant_id,
            invitation_id=secrets.token_hex(8),
            secret_hash=_digest(secret),
            username=usernames.normal(given.username),
            role=role,
            inviter=caller.subject,
            create_us=now_us,
            expire_us=expire_us,
        )


def _create(
    connection: Connection, caller: Caller, invitation: invitation_store.Invitation, assignments: list[Assignment]
) -> None:
    check_may_give(connection, caller, invitation.role, assignments)
    if user_store.is_taken(connection, caller.tenant_id, invitation.username):
        raise user_exists(invitation.username)
    if invitation_store.count_open(connection, caller.tenant_id, now_us=invitation.create_us) >= MOST_OPEN:
        raise MeshError(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            Reason.TOO_MANY_INVITATIONS,
            f"there are {MOST_OPEN} open invitations: revoke one first",
        )
    invitation_store.create_invitation(connection, invitation, assignments)


def _accept(
    connection: Connection, invitation_id: str, secret_hash: str, user: user_store.User
) -> tuple[Assignment, ...]:
    taken = invitation_store.take(connection, invitation_id, secret_hash, now_us=user.create_us)
    if taken is None:
        raise _void()
    invitation, assignments = taken
    held, given = inviter_grants(connection, invitation.tenant_id, invitation.inviter, user.role, assignments)
    if not covers(held, given):
        raise _void()
    if not user_store.create_user(connection, user, assignments):
        raise user_exists(user.username)
    return assignments


def _void() -> MeshError:
    return MeshError(
        grpc.StatusCode.UNAUTHENTICATED, Reason.WRONG_CREDENTIALS, "the invitation is spent, void or expired"
    )


def _digest(secret: str) -> str:
    # Random and long, so a fast hash does.
    return hashlib.sha256(secret.encode()).hexdigest()


def _to_message(
    invitation: invitation_store.Invitation, assignments: list[Assignment] | tuple[Assignment, ...]
) -> Invitation:
    return Invitation(
        invitation_id=invitation.invitation_id,
        username=invitation.username,
        role=ROLES[invitation.role],
        role_assignments=to_messages(assignments),
        expire_time=to_timestamp(invitation.expire_us),
        create_time=to_timestamp(invitation.create_us),
        inviter=invitation.inviter,
    )
