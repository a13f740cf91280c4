"""UserService: operators log in, administrators manage users."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import grpc
from csms.auth.v1.user_service_pb2 import (
    ChangePasswordRequest,
    ChangePasswordResponse,
    DeleteUserRequest,
    DeleteUserResponse,
    GetKeySetRequest,
    ListUsersRequest,
    ListUsersResponse,
    LoginRequest,
    LoginResponse,
    LogoutRequest,
    LogoutResponse,
    RefreshRequest,
    RefreshResponse,
    RegisterRequest,
    RegisterResponse,
    ResetPasswordRequest,
    ResetPasswordResponse,
    RotateSigningKeysRequest,
    RotateSigningKeysResponse,
    UpdateUserRequest,
    UpdateUserResponse,
    User,
    VerifyRequest,
    VerifyResponse,
)
from csms.auth.v1.user_service_pb2_grpc import UserServiceServicer
from csms.options.v1 import options_pb2
from google.api.httpbody_pb2 import HttpBody
from sqlalchemy import Connection

from auth_svc import invitation_store, role_store, user_store, usernames
from auth_svc.administrator import TENANT
from auth_svc.assigning import check_may_give, check_may_manage, read_assignments, read_role
from auth_svc.grants import check_permission
from auth_svc.keys import SigningKeys
from auth_svc.login_checks import LoginChecks, wrong_credentials
from auth_svc.login_sources import source_of
from auth_svc.login_tenant import login_tenant
from auth_svc.normalization import fold
from auth_svc.passwords import Passwords
from auth_svc.platform_callers import check_platform
from auth_svc.role_store import Assignment
from auth_svc.session_limits import SessionLimits
from auth_svc.sessions import Sessions
from auth_svc.temporary_passwords import TemporaryPasswords
from auth_svc.users import check_findable, check_password, to_message, user_exists, user_not_found
from mesh.contract.tenants import PLATFORM_TENANT
from mesh.database.engine import Database
from mesh.database.pages import page_of
from mesh.grpc.types import Context
from mesh.identity.callers import Caller, Role, current_caller, optional_caller
from mesh.identity.sources import current_source
from mesh.identity.tenants import TenantDirectory
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, invalid_field
from mesh.runtime.times import SECOND_US, Clock, to_timestamp

_TOKEN_TYPE = "Bearer"  # noqa: S105 - the name of a scheme


class UserServicer(UserServiceServicer):
    """UserService."""

    def __init__(
        self,
        *,
        database: Database,
        passwords: Passwords,
        logins: LoginChecks,
        limits: SessionLimits,
        sessions: Sessions,
        keys: SigningKeys,
        tenants: TenantDirectory,
        clock: Clock,
        open_registration: bool,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._logins = logins
        self._limits = limits
        self._sessions = sessions
        self._keys = keys
        self._tenants = tenants
        self._clock = clock
        self._open_registration = open_registration
        self._temporary = TemporaryPasswords(passwords=passwords, clock=clock)

    async def Login(self, request: LoginRequest, context: Context) -> LoginResponse:
        """Opens a session."""
        tenant_id = login_tenant(self._tenants, request.tenant_id, context)
        user = await self._logins.prove(tenant_id, request.username, request.password)
        await self._tenants.check_caller(tenant_id)
        user = await self._with_own_password(user, request.new_password)
        tokens = await self._sessions.open(user, source_of(context))
        if tokens is None:
            raise wrong_credentials()
        return LoginResponse(
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            expires_in_s=self._sessions.access_token_s,
            token_type=_TOKEN_TYPE,
            user=(await self._to_messages([user]))[0],
        )

    async def Register(self, request: RegisterRequest, context: Context) -> RegisterResponse:
        """Adds a user."""
        role, assignments = read_role(request.role), read_assignments(request.role_assignments)
        if role is None and not assignments:
            role = Role.VIEWER
        caller = self._admit_registration(role, assignments)
        if not usernames.is_username(request.username):
            raise invalid_field("username", usernames.RULE)
        check_password("password", request.password, username=request.username)
        user = user_store.User(
            tenant_id=TENANT if caller is None else caller.tenant_id,
            username=usernames.normal(request.username),
            role=role,
            password_hash=await self._passwords.hash(request.password, stranger=optional_caller() is None),
            create_us=self._clock(),
        )

        def create(connection: Connection) -> None:
            if caller is not None:
                check_may_give(connection, caller, role, assignments)
            if not user_store.create_user(connection, user, assignments):
                raise user_exists(user.username)

        await self._database.write(create)
        return RegisterResponse(user=to_message(user, assignments))

    async def Refresh(self, request: RefreshRequest, context: Context) -> RefreshResponse:
        """Continues a session."""
        self._limits.admit_refresh(current_source().network, request.refresh_token.partition(".")[0])
        tokens = await self._sessions.refresh(request.refresh_token)
        return RefreshResponse(
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            expires_in_s=self._sessions.access_token_s,
            token_type=_TOKEN_TYPE,
        )

    async def Logout(self, request: LogoutRequest, context: Context) -> LogoutResponse:
        """Ends the session that the access token names; a refresh token beside it adds nothing."""
        await self._sessions.end(current_caller())
        return LogoutResponse()

    async def Verify(self, request: VerifyRequest, context: Context) -> VerifyResponse:
        """Says who is calling, and with which permissions."""
        caller = current_caller()
        user = await self._sessions.user(caller)
        [message] = await self._to_messages([user])
        response = VerifyResponse(user=message, expire_time=to_timestamp(caller.expires_s * SECOND_US))
        for grant in caller.grants:
            response.grants.add(permissions=sorted(grant.permissions), site_id=grant.site_id)
        return response

    async def ListUsers(self, request: ListUsersRequest, context: Context) -> ListUsersResponse:
        """Lists the users of the caller's tenant."""
        tenant_id, page = current_caller().tenant_id, page_of(request, [str])
        (after_key,) = page.after or ("",)
        rows = await self._database.read(
            lambda connection: user_store.list_users(connection, tenant_id, after_key=after_key, limit=page.limit)
        )
        rows, next_token = page.cut(rows, lambda user: (fold(user.username),))
        return ListUsersResponse(users=await self._to_messages(rows), next_page_token=next_token)

    async def UpdateUser(self, request: UpdateUserRequest, context: Context) -> UpdateUserResponse:
        """Changes the roles of a user of the caller's tenant."""
        caller, now_us = current_caller(), self._clock()
        changes = _read_changes(request)

        def update(connection: Connection) -> tuple[user_store.User, Collection[Assignment]]:
            user = _lock_user(connection, caller, request.user.username)
            subject = user_store.subjects_of(connection, user.tenant_id, [user.username])[user.username]
            present = role_store.assignments_of(connection, user.tenant_id, [subject]).get(subject, ())
            role, assignments = changes.get("role", user.role), changes.get("role_assignments", present)
            check_may_give(connection, caller, role, assignments)
            if role is not Role.ADMINISTRATOR:
                _check_not_last(connection, user)
            user_store.set_roles(connection, user, role, assignments, now_us=now_us)
            return replace(user, role=role), assignments

        user, assignments = await self._database.write(update)
        return UpdateUserResponse(user=to_message(user, assignments))

    async def DeleteUser(self, request: DeleteUserRequest, context: Context) -> DeleteUserResponse:
        """Removes a user of the caller's tenant."""
        caller, now_us = current_caller(), self._clock()

        def delete(connection: Connection) -> None:
            user = _lock_user(connection, caller, request.username)
            _check_not_last(connection, user)
            invitation_store.revoke_of(connection, caller.tenant_id, f"user:{user.username}")
            user_store.delete_user(connection, caller.tenant_id, request.username, now_us=now_us)

        await self._database.write(delete)
        return DeleteUserResponse()

    async def ChangePassword(self, request: ChangePasswordRequest, context: Context) -> ChangePasswordResponse:
        """Gives a user of the caller's tenant a new password."""
        caller = current_caller()
        own = usernames.key(request.username) == usernames.key(caller.username)
        username = caller.username if own else request.username
        if not own:
            check_permission(caller, options_pb2.PERMISSION_USERS_WRITE, "to change another's password")
        check_findable(username)
        check_password("new_password", request.new_password, username=username)
        if own:
            await self._logins.prove(caller.tenant_id, caller.username, request.current_password)
        password_hash, now_us = await self._passwords.hash(request.new_password), self._clock()

        def change(connection: Connection) -> None:
            if not own:
                _lock_user(connection, caller, username)
            if not user_store.set_password(connection, caller.tenant_id, username, password_hash, now_us=now_us):
                raise user_not_found(username)

        await self._database.write(change)
        return ChangePasswordResponse()

    async def ResetPassword(self, request: ResetPasswordRequest, context: Context) -> ResetPasswordResponse:
        """Gives a user of the caller's tenant a temporary password."""
        caller = current_caller()
        temporary = await self._temporary.make()

        def reset(connection: Connection) -> None:
            user = _lock_user(connection, caller, request.username)
            temporary.set(connection, user)

        await self._database.write(reset)
        return ResetPasswordResponse(
            temporary_password=temporary.password, expire_time=to_timestamp(temporary.expire_us)
        )

    async def RotateSigningKeys(self, request: RotateSigningKeysRequest, context: Context) -> RotateSigningKeysResponse:
        """Replaces the signing key at once. All tenants have the same one."""
        check_platform("the signing keys are those of all tenants")
        return RotateSigningKeysResponse(key_id=await self._keys.rotate(PLATFORM_TENANT))

    async def GetKeySet(self, request: GetKeySetRequest, context: Context) -> HttpBody:
        """The public keys, for the front door and all others that verify access tokens."""
        return HttpBody(content_type="application/json", data=(await self._keys.jwks_json()).encode())

    async def _with_own_password(self, user: user_store.User, new_password: str) -> user_store.User:
        """The user, with `new_password` instead of a temporary one."""
        if user.password_expire_us is None:
            if new_password:
                raise invalid_field("new_password", "must be empty: the password is not a temporary one")
            return user
        now_us = self._clock()
        if user.password_expire_us <= now_us:
            raise wrong_credentials()
        if not new_password:
            raise MeshError(
                grpc.StatusCode.FAILED_PRECONDITION,
                Reason.NEW_PASSWORD_NEEDED,
                "the password is a temporary one: log in once more with new_password set",
            )
        check_password("new_password", new_password, username=user.username)
        if await self._passwords.matches(new_password, user.password_hash):
            raise invalid_field("new_password", "another one than the temporary password is needed")
        password_hash = await self._passwords.hash(new_password)
        changed = await self._database.write(
            lambda connection: user_store.set_password(
                connection,
                user.tenant_id,
                user.username,
                password_hash,
                now_us=now_us,
                replaced_hash=user.password_hash,
            )
        )
        if not changed:
            raise wrong_credentials()
        return replace(user, password_hash=password_hash, password_expire_us=None)

    def _admit_registration(self, role: Role | None, assignments: Collection[Assignment]) -> Caller | None:
        """The caller who adds a user; None where a user registers. Raises MeshError."""
        caller = optional_caller()
        if caller is not None:
            check_permission(caller, options_pb2.PERMISSION_USERS_WRITE, "to add users")
            return caller
        if not self._open_registration:
            raise MeshError(
                grpc.StatusCode.PERMISSION_DENIED,
                Reason.REGISTRATION_CLOSED,
                "registration is closed: an administrator may add you",
            )
        if role is not Role.VIEWER or assignments:
            raise MeshError(
                grpc.StatusCode.PERMISSION_DENIED,
                Reason.ROLE_TOO_LOW,
                "without an administrator's access token only a VIEWER can be added",
            )
        self._limits.admit_registration(current_source().network)
        return None

    async def _to_messages(self, users: Sequence[user_store.User]) -> list[User]:
        """Users of one tenant as the contract has them, with their role assignments."""
        if not users:
            return []
        tenant_id, names = users[0].tenant_id, [user.username for user in users]

        def read(connection: Connection) -> tuple[Mapping[str, str], Mapping[str, Collection[Assignment]]]:
            subjects = user_store.subjects_of(connection, tenant_id, names)
            return subjects, role_store.assignments_of(connection, tenant_id, list(subjects.values()))

        subjects, assignments = await self._database.read(read)
        return [to_message(user, assignments.get(subjects.get(user.username, ""), ())) for user in users]


def _read_changes(request: UpdateUserRequest) -> dict[str, Any]:
    """The roles to change, by field. Raises MeshError INVALID_FIELD."""
    known = {"role", "role_assignments"}
    paths = list(request.update_mask.paths) or [name for name in sorted(known) if getattr(request.user, name)]
    for path in paths:
        if path not in known:
            raise invalid_field("update_mask", f"{path}: only role and role_assignments can be changed")
    read: dict[str, Any] = {}
    if "role" in paths:
        read["role"] = read_role(request.user.role, field="user.role")
    if "role_assignments" in paths:
        read["role_assignments"] = read_assignments(request.user.role_assignments, field="user.role_assignments")
    if not read:
        raise invalid_field("update_mask", "nothing is to be changed")
    return read


def _lock_user(connection: Connection, caller: Caller, username: str) -> user_store.User:
    """A user of the caller's tenant whom the caller may manage, locked. Raises MeshError."""
    check_findable(username)
    user = user_store.lock_user(connection, caller.tenant_id, username)
    if user is None:
        raise user_not_found(username)
    check_may_manage(connection, caller, user)
    return user


def _check_not_last(connection: Connection, user: user_store.User) -> None:
    if user_store.is_last_administrator(connection, user.tenant_id, user.username):
        raise MeshError(
            grpc.StatusCode.FAILED_PRECONDITION,
            Reason.LAST_ADMINISTRATOR,
            f"{user.username} is the last administrator: add another first",
        )
