"""CallerService: what callers may do, and the changes of it, as other services know them over the mesh."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack

import grpc
import pytest
from csms.auth.v1.sign_in_service_pb2 import EndAllSignInsRequest, EndSignInRequest
from csms.auth.v1.user_service_pb2 import (
    ROLE_ADMINISTRATOR,
    ROLE_OPERATOR,
    ROLE_VIEWER,
    ChangePasswordRequest,
    DeleteUserRequest,
    LogoutRequest,
    RegisterRequest,
    ResetPasswordRequest,
    RotateSigningKeysRequest,
    UpdateUserRequest,
    User,
)
from csms.auth.v1.user_service_pb2 import (
    Role as RoleValue,
)
from csms.options.v1 import options_pb2

from auth_svc import caller_change_store
from auth_svc.sessions import SESSION_S
from mesh.identity.caller_directory import CallerChanges, RemoteDirectory, SignIn
from mesh.identity.callers import Caller, Role
from mesh.identity.known_callers import KnownCallers
from mesh.identity.operator_access import OperatorAccess
from mesh.identity.operators import RemoteKeys, TokenVerifier
from mesh.runtime.errors import MeshError
from mesh.runtime.times import SECOND_US
from tests.auth_svc.conftest import PASSWORD, Auth, Metadata, StartAuth, bearer, refused
from tests.conftest import FakeClock
from tests.mesh_identities import open_callers_channel

WITHIN_S = 5.0
PLATFORM_PASSWORD = "a battery of staples"


@pytest.fixture
async def auth(start_auth: StartAuth) -> Auth:
    """auth_svc with a platform administrator."""
    return await start_auth(platform_admin_password=PLATFORM_PASSWORD)


class Service:
    """Another service, as far as it knows callers: the real cache over the real mesh port."""

    def __init__(self, channel: grpc.aio.Channel, clock: FakeClock) -> None:
        self.monotonic_s = 0.0
        self.directory = RemoteDirectory(channel=channel)
        keys = RemoteKeys(channel=channel)
        self.known = KnownCallers(
            directory=self.directory,
            forget_keys=keys.forget,
            monotonic_s=lambda: asyncio.get_running_loop().time() + self.monotonic_s,
            clock_s=lambda: clock() / SECOND_US,
        )
        verifier = TokenVerifier(keys=keys, clock_s=lambda: clock() / SECOND_US)
        self.access = OperatorAccess(verifier=verifier, callers=self.known)
        self.changed = asyncio.Event()
        self.known.on_change(self.changed.set)

    async def caller(self, metadata: Metadata) -> Caller:
        """The caller behind a call with this metadata."""
        credential = await self.access.credential(metadata)
        assert credential is not None
        return await self.access.caller(credential)

    async def refuses(self, metadata: Metadata) -> str:
        """The reason with which a call is refused, which it is within 5 s."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                self.changed.clear()
                try:
                    await self.caller(metadata)
                except MeshError as error:
                    return error.reason
                await self.changed.wait()

    async def sees(self, metadata: Metadata, role: Role) -> Caller:
        """The caller once it has a role, which it has within 5 s."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                self.changed.clear()
                caller = await self.caller(metadata)
                if caller.role is role:
                    return caller
                await self.changed.wait()


StartService = Callable[[Auth], Awaitable[Service]]


@pytest.fixture
async def start_service(clock: FakeClock) -> AsyncIterator[StartService]:
    """Starts services that ask an auth_svc."""
    async with AsyncExitStack() as stack:

        async def start(auth: Auth) -> Service:
            channel = await stack.enter_async_context(open_callers_channel(auth.mesh_address, "auth"))
            service = Service(channel, clock)
            running = asyncio.create_task(service.known.run())
            stack.push_async_callback(_cancel, running)
            await asyncio.wait_for(service.changed.wait(), WITHIN_S)  # the first answer makes all void
            return service

        yield start


@pytest.fixture
async def service(auth: Auth, start_service: StartService) -> Service:
    """One service."""
    return await start_service(auth)


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _user(auth: Auth, name: str = "vera", role: RoleValue.ValueType = ROLE_VIEWER) -> Metadata:
    await auth.users.Register(RegisterRequest(username=name, password=PASSWORD, role=role), metadata=await auth.admin())
    return bearer(await auth.login(name))


async def test_a_service_knows_a_caller(auth: Auth, service: Service) -> None:
    """The user, the tenant, the role and its permissions, of the whole tenant."""
    caller = await service.caller(await _user(auth, role=ROLE_OPERATOR))
    assert (caller.subject, caller.tenant_id, caller.role) == ("user:vera", "default", Role.OPERATOR)
    scope = caller.scope(options_pb2.PERMISSION_STATIONS_COMMAND)
    assert scope is not None
    assert scope.is_whole
    assert caller.scope(options_pb2.PERMISSION_USERS_WRITE) is None


async def test_a_known_caller_is_not_looked_up_again(auth: Auth, service: Service) -> None:
    """In the steady state no call costs another one."""
    vera = await _user(auth)
    asked: list[object] = []
    resolve = service.directory.resolve

    async def counting(credential: SignIn) -> object:
        asked.append(credential)
        return await resolve(credential)

    service.directory.resolve = counting  # type: ignore[method-assign, assignment]
    callers = [await service.caller(vera) for _ in range(20)]
    assert len(asked) == 1
    assert all(caller is callers[0] for caller in callers)


REVOCATIONS: Mapping[str, Callable[[Auth, Metadata, Metadata], Awaitable[object]]] = {
    "logout": lambda auth, vera, admin: auth.users.Logout(LogoutRequest(), metadata=vera),
    "user removed": lambda auth, vera, admin: auth.users.DeleteUser(DeleteUserRequest(username="vera"), metadata=admin),
    "own password changed": lambda auth, vera, admin: auth.users.ChangePassword(
        ChangePasswordRequest(username="vera", new_password="another secret", current_password=PASSWORD), metadata=vera
    ),
    "password changed by another": lambda auth, vera, admin: auth.users.ChangePassword(
        ChangePasswordRequest(username="vera", new_password="another secret"), metadata=admin
    ),
    "password reset": lambda auth, vera, admin: auth.users.ResetPassword(
        ResetPasswordRequest(username="vera"), metadata=admin
    ),
    "all sign-ins ended": lambda auth, vera, admin: auth.sign_ins.EndAllSignIns(
        EndAllSignInsRequest(username="vera"), metadata=admin
    ),
    "signing keys replaced": lambda auth, vera, admin: _replace_keys(auth),
}


async def _replace_keys(auth: Auth) -> None:
    with refused(grpc.StatusCode.PERMISSION_DENIED, "ROLE_TOO_LOW"):
        await auth.users.RotateSigningKeys(RotateSigningKeysRequest(), metadata=await auth.admin())
    platform = bearer(await auth.login("platform", PLATFORM_PASSWORD, tenant_id="platform"))
    await auth.users.RotateSigningKeys(RotateSigningKeysRequest(), metadata=platform)


@pytest.mark.parametrize("way", REVOCATIONS)
async def test_a_service_refuses_a_revoked_sign_in_within_5_s(auth: Auth, service: Service, way: str) -> None:
    """By each way to end it, though its access token is valid for a quarter of an hour."""
    vera, admin = await _user(auth), await auth.admin()
    await service.caller(vera)
    await REVOCATIONS[way](auth, vera, admin)
    assert await service.refuses(vera) == "INVALID_TOKEN"


async def test_one_sign_in_is_ended_and_another_goes_on(auth: Auth, service: Service) -> None:
    vera, other = await _user(auth), bearer(await auth.login("vera"))
    await service.caller(other)
    ended = (await service.caller(vera)).session_id
    await auth.sign_ins.EndSignIn(EndSignInRequest(sign_in_id=ended), metadata=other)
    assert await service.refuses(vera) == "INVALID_TOKEN"
    await service.caller(other)


async def test_a_changed_role_counts_within_5_s(auth: Auth, service: Service) -> None:
    """The same access token has less from then on, and more again."""
    otto = await _user(auth, "otto", ROLE_OPERATOR)
    assert (await service.caller(otto)).role is Role.OPERATOR
    for role in (ROLE_VIEWER, ROLE_ADMINISTRATOR):
        await auth.users.UpdateUser(
            UpdateUserRequest(user=User(username="otto", role=role)), metadata=await auth.admin()
        )
        assert (await service.sees(otto, Role(role))).role is Role(role)


async def test_a_change_at_one_replica_reaches_a_service_that_asks_another(
    start_auth: StartAuth, start_service: StartService
) -> None:
    """Changes are in the database, and not in a process."""
    one, other = await start_auth(), await start_auth()
    service = await start_service(other)
    vera = await _user(one)
    await service.caller(vera)
    await one.users.Logout(LogoutRequest(), metadata=vera)
    assert await service.refuses(vera) == "INVALID_TOKEN"


async def test_a_service_that_hears_nothing_asks_for_each_call_and_fails_closed(auth: Auth, service: Service) -> None:
    """Knowledge older than 5 s is not used; where nobody answers, the call is UNAVAILABLE."""
    vera = await _user(auth)
    await service.caller(vera)

    async def away(*_args: object, **_kwargs: object) -> CallerChanges:
        return await auth_is_away()

    async def auth_is_away() -> CallerChanges:
        raise MeshError(grpc.StatusCode.UNAVAILABLE, "CALLER_UNKNOWN", "away")  # type: ignore[arg-type]

    service.directory.changes = away  # type: ignore[method-assign]
    await auth.users.Logout(LogoutRequest(), metadata=vera)
    service.monotonic_s += WITHIN_S
    assert not service.known.is_current()
    with pytest.raises(MeshError, match="INVALID_TOKEN"):
        await service.caller(vera)
    service.directory.resolve = away  # type: ignore[method-assign, assignment]
    with pytest.raises(MeshError) as caught:
        await service.caller(await auth.admin())
    assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.UNAVAILABLE, "CALLER_UNKNOWN")


async def test_a_sign_in_ends_by_its_age_in_services_too(auth: Auth, service: Service) -> None:
    """Its last access token does not outlive it."""
    login = await auth.login()
    await service.caller(bearer(login))
    auth.clock.advance(SESSION_S)
    with pytest.raises(MeshError, match="INVALID_TOKEN"):
        await service.caller(bearer(login))


async def test_changes_come_in_order_and_at_once(auth: Auth, service: Service) -> None:
    """A question after a version is answered with the changes after it, without waiting for anything else."""
    before = (await service.directory.changes(0, wait_s=0, uses=())).version
    waiting = asyncio.create_task(service.directory.changes(before, wait_s=2, uses=()))
    vera = await _user(auth)
    await auth.users.Logout(LogoutRequest(), metadata=vera)
    found = await waiting
    assert [change.subject.partition(":")[0] for change in found.changes] == ["sign-in"]
    assert (found.version, found.incomplete) == (before + 1, False)
    assert (await service.directory.changes(found.version, wait_s=0, uses=())).changes == []


@pytest.mark.parametrize("after", [0, -1, 10**9], ids=["none", "negative", "of another database"])
async def test_a_version_that_is_not_kept_makes_all_void(auth: Auth, service: Service, after: int) -> None:
    found = await service.directory.changes(after, wait_s=2, uses=())
    assert (list(found.changes), found.incomplete) == ([], True)


async def test_old_changes_are_removed_and_whoever_missed_them_is_told(auth: Auth, service: Service) -> None:
    before = (await service.directory.changes(0, wait_s=0, uses=())).version
    for name in ("vera", "olga"):
        await auth.users.Logout(LogoutRequest(), metadata=await _user(auth, name))
    auth.clock.advance(caller_change_store.KEPT_S + 1)
    now_us = auth.clock()
    removed = await auth.database.write(
        lambda connection: caller_change_store.remove_old(connection, now_us=now_us, limit=100)
    )
    assert removed == 2
    found = await service.directory.changes(before, wait_s=0, uses=())
    assert (found.version, found.incomplete) == (before + 2, True)
    again = await service.directory.changes(found.version, wait_s=0, uses=())
    assert (list(again.changes), again.incomplete) == ([], False)


async def test_changes_of_many_transactions_at_once_leave_no_gap(auth: Auth, service: Service) -> None:
    """Each has its own version, visible in the order of the commits."""
    before = (await service.directory.changes(0, wait_s=0, uses=())).version
    logins = [bearer(await auth.login()) for _ in range(12)]
    await asyncio.gather(*(auth.users.Logout(LogoutRequest(), metadata=each) for each in logins))
    seen: Sequence[object] = (await service.directory.changes(before, wait_s=0, uses=())).changes
    assert len(seen) == len(set(map(repr, seen))) == 12
