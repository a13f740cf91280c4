"""UserService: operators log in, administrators manage users."""

import grpc
from csms.auth.v1 import user_service_pb2
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
    User,
    VerifyRequest,
    VerifyResponse,
)
from csms.auth.v1.user_service_pb2_grpc import UserServiceServicer
from google.api.httpbody_pb2 import HttpBody
from sqlalchemy import Connection

from auth_svc import user_store, usernames
from auth_svc.administrator import TENANT
from auth_svc.guessing import why_guessable
from auth_svc.keys import SigningKeys
from auth_svc.login_checks import LoginChecks, wrong_credentials
from auth_svc.login_tenant import login_tenant
from auth_svc.normalization import MAX_PASSWORD, MAX_USERNAME, MIN_PASSWORD, fold, is_plain
from auth_svc.passwords import Passwords
from auth_svc.session_limits import SessionLimits
from auth_svc.sessions import ACCESS_TOKEN_S, Sessions
from mesh.database.engine import Database
from mesh.database.pages import page_of
from mesh.grpc.types import Context
from mesh.identity.callers import Role, current_caller, optional_caller
from mesh.identity.sources import current_source
from mesh.identity.tenants import TenantDirectory
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, invalid_field
from mesh.runtime.times import SECOND_US, Clock, to_timestamp

_TOKEN_TYPE = "Bearer"  # noqa: S105 - the name of a scheme


class UserServicer(UserServiceServicer):
    """UserService. Callers with an access token are looked up: a session that has ended counts for nothing here."""

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

    async def Login(self, request: LoginRequest, context: Context) -> LoginResponse:
        """Opens a session."""
        tenant_id = login_tenant(self._tenants, request.tenant_id, context)
        user = await self._logins.prove(tenant_id, request.username, request.password)
        await self._tenants.check_caller(tenant_id)
        tokens = await self._sessions.open(user)
        if tokens is None:
            raise wrong_credentials()
        return LoginResponse(
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            expires_in_s=ACCESS_TOKEN_S,
            token_type=_TOKEN_TYPE,
            user=_to_message(user),
        )

    async def Register(self, request: RegisterRequest, context: Context) -> RegisterResponse:
        """Adds a user."""
        role = Role(request.role or Role.VIEWER) if request.role in (0, *Role) else None
        tenant_id = await self._admit_registration(role)
        if role is None:
            raise invalid_field("role", "one of VIEWER, OPERATOR, ADMINISTRATOR is needed")
        if not usernames.is_username(request.username):
            raise invalid_field("username", usernames.RULE)
        _check_password("password", request.password, username=request.username)
        user = user_store.User(
            tenant_id=tenant_id,
            username=usernames.normal(request.username),
            role=role,
            password_hash=await self._passwords.hash(request.password, stranger=optional_caller() is None),
            create_us=self._clock(),
        )
        if not await self._database.write(lambda connection: user_store.create_user(connection, user)):
            raise MeshError(
                grpc.StatusCode.ALREADY_EXISTS,
                Reason.USER_EXISTS,
                f"the username {user.username!r} is taken, or looks like one that is",
            )
        return RegisterResponse(user=_to_message(user))

    async def Refresh(self, request: RefreshRequest, context: Context) -> RefreshResponse:
        """Continues a session."""
        self._limits.admit_refresh(current_source().network, request.refresh_token.partition(".")[0])
        tokens = await self._sessions.refresh(request.refresh_token)
        return RefreshResponse(
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token,
            expires_in_s=ACCESS_TOKEN_S,
            token_type=_TOKEN_TYPE,
        )

    async def Logout(self, request: LogoutRequest, context: Context) -> LogoutResponse:
        """Ends the session that the access token names; a refresh token beside it adds nothing."""
        await self._sessions.end(current_caller())
        return LogoutResponse()

    async def Verify(self, request: VerifyRequest, context: Context) -> VerifyResponse:
        """Says who is calling."""
        caller = current_caller()
        user = await self._sessions.user(caller)
        return VerifyResponse(user=_to_message(user), expire_time=to_timestamp(caller.expires_s * SECOND_US))

    async def ListUsers(self, request: ListUsersRequest, context: Context) -> ListUsersResponse:
        """Lists the users of the caller's tenant."""
        administrator = await self._administrator()
        page = page_of(request, [str])
        (after_key,) = page.after or ("",)
        rows = await self._database.read(
            lambda connection: user_store.list_users(
                connection, administrator.tenant_id, after_key=after_key, limit=page.limit
            )
        )
        rows, next_token = page.cut(rows, lambda user: (fold(user.username),))
        return ListUsersResponse(users=[_to_message(user) for user in rows], next_page_token=next_token)

    async def DeleteUser(self, request: DeleteUserRequest, context: Context) -> DeleteUserResponse:
        """Removes a user of the caller's tenant."""
        administrator, now_us = await self._administrator(), self._clock()
        _check_findable(request.username)

        def delete(connection: Connection) -> None:
            if user_store.is_last_administrator(connection, administrator.tenant_id, request.username):
                raise MeshError(
                    grpc.StatusCode.FAILED_PRECONDITION,
                    Reason.LAST_ADMINISTRATOR,
                    f"{request.username} is the last administrator: add another first",
                )
            if not user_store.delete_user(connection, administrator.tenant_id, request.username, now_us=now_us):
                raise _not_found(request.username)

        await self._database.write(delete)
        return DeleteUserResponse()

    async def ChangePassword(self, request: ChangePasswordRequest, context: Context) -> ChangePasswordResponse:
        """Gives a user of the caller's tenant a new password."""
        caller = await self._sessions.user(current_caller())
        own = usernames.key(request.username) == usernames.key(caller.username)
        username = caller.username if own else request.username
        if not own and caller.role < Role.ADMINISTRATOR:
            raise _role_too_low(caller, "another's password is for an ADMINISTRATOR to change")
        _check_findable(username)
        _check_password("new_password", request.new_password, username=username)
        if own:
            await self._logins.prove(caller.tenant_id, caller.username, request.current_password)
        password_hash = await self._passwords.hash(request.new_password)
        changed = await self._database.write(
            lambda connection: user_store.set_password(connection, caller.tenant_id, username, password_hash)
        )
        if not changed:
            raise _not_found(username)
        return ChangePasswordResponse()

    async def GetKeySet(self, request: GetKeySetRequest, context: Context) -> HttpBody:
        """The public keys, for the front door and all others that verify access tokens."""
        return HttpBody(content_type="application/json", data=(await self._keys.jwks_json()).encode())

    async def _admit_registration(self, role: Role | None) -> str:
        """The tenant of a new user. Raises MeshError REGISTRATION_CLOSED, ROLE_TOO_LOW or TOO_MANY_ATTEMPTS."""
        caller = optional_caller()
        if caller is not None:
            user = await self._sessions.user(caller)
            if user.role < Role.ADMINISTRATOR:
                raise _role_too_low(user, "users are for an ADMINISTRATOR to add")
            return user.tenant_id
        if not self._open_registration:
            raise MeshError(
                grpc.StatusCode.PERMISSION_DENIED,
                Reason.REGISTRATION_CLOSED,
                "registration is closed: an administrator may add you",
            )
        if role is not None and role > Role.VIEWER:
            raise MeshError(
                grpc.StatusCode.PERMISSION_DENIED,
                Reason.ROLE_TOO_LOW,
                "without an administrator's access token only a VIEWER can be added",
            )
        self._limits.admit_registration(current_source().network)
        return TENANT

    async def _administrator(self) -> user_store.User:
        user = await self._sessions.user(current_caller())
        if user.role < Role.ADMINISTRATOR:
            raise _role_too_low(user, "users are for an ADMINISTRATOR to manage")
        return user


def _check_password(field: str, password: str, *, username: str) -> None:
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise invalid_field(field, f"{MIN_PASSWORD} to {MAX_PASSWORD} characters are needed")
    if why := why_guessable(password, username=username):
        raise invalid_field(field, why)


def _check_findable(username: str) -> None:
    if not is_plain(username, MAX_USERNAME):
        raise _not_found(username)


def _role_too_low(user: user_store.User, message: str) -> MeshError:
    return MeshError(
        grpc.StatusCode.PERMISSION_DENIED, Reason.ROLE_TOO_LOW, f"{message}, and {user.username} is {user.role.name}"
    )


def _not_found(username: str) -> MeshError:
    return MeshError(grpc.StatusCode.NOT_FOUND, Reason.USER_NOT_FOUND, f"there is no user {username[:MAX_USERNAME]!r}")


def _to_message(user: user_store.User) -> User:
    return User(
        username=user.username,
        role=_ROLES[user.role],
        tenant_id=user.tenant_id,
        create_time=to_timestamp(user.create_us),
    )


_ROLES = {
    Role.VIEWER: user_service_pb2.ROLE_VIEWER,
    Role.OPERATOR: user_service_pb2.ROLE_OPERATOR,
    Role.ADMINISTRATOR: user_service_pb2.ROLE_ADMINISTRATOR,
    Role.PLATFORM_ADMINISTRATOR: user_service_pb2.ROLE_PLATFORM_ADMINISTRATOR,
}
