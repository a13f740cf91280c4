"""UserService's Register, ListUsers, DeleteUser and ChangePassword: who there is."""

import asyncio

import grpc
import pytest
import sqlalchemy as sa
from csms.auth.v1 import user_service_pb2
from csms.auth.v1.user_service_pb2 import (
    ChangePasswordRequest,
    DeleteUserRequest,
    ListUsersRequest,
    RefreshRequest,
    RegisterRequest,
    Role,
    User,
)

from auth_svc import models, session_store, tenant_store, user_store
from auth_svc.built_in_tenants import new_tenant
from auth_svc.login_throttle import FREE
from auth_svc.sessions import ACCESS_TOKEN_S
from mesh.identity import callers
from mesh.runtime.times import to_timestamp
from tests.auth_svc.conftest import FAST_HASHER, PASSWORD, Auth, Metadata, StartAuth, bearer, refused

INVALID = grpc.StatusCode.INVALID_ARGUMENT
DENIED = grpc.StatusCode.PERMISSION_DENIED
UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED
VIEWER, OPERATOR = user_service_pb2.ROLE_VIEWER, user_service_pb2.ROLE_OPERATOR
ADMINISTRATOR = user_service_pb2.ROLE_ADMINISTRATOR


async def _register(
    auth: Auth,
    username: str,
    role: Role.ValueType = user_service_pb2.ROLE_UNSPECIFIED,
    *,
    metadata: Metadata = (),
    password: str = PASSWORD,
) -> User:
    request = RegisterRequest(username=username, password=password, role=role)
    return (await auth.users.Register(request, metadata=metadata)).user


async def _delete(auth: Auth, username: str, metadata: Metadata) -> None:
    await auth.users.DeleteUser(DeleteUserRequest(username=username), metadata=metadata)


async def _change(auth: Auth, metadata: Metadata, username: str, new: str, current: str = "") -> None:
    request = ChangePasswordRequest(username=username, new_password=new, current_password=current)
    await auth.users.ChangePassword(request, metadata=metadata)


@pytest.mark.parametrize("role", [VIEWER, OPERATOR, ADMINISTRATOR])
async def test_administrator_adds_users_of_any_role(auth: Auth, role: Role.ValueType) -> None:
    """They belong to the administrator's tenant and can log in."""
    user = await _register(auth, "Vera", role, metadata=await auth.admin())
    assert user == User(username="Vera", role=role, tenant_id="default", create_time=to_timestamp(auth.clock()))
    assert (await auth.login("vera")).user == user
    data = {"username": "Vera", "role": Role.Name(role), "tenantId": "default"}
    assert (await auth.events("user.created"))[1:] == [data]


async def test_role_defaults_to_viewer(auth: Auth) -> None:
    """The least there is."""
    assert (await _register(auth, "vera", metadata=await auth.admin())).role == VIEWER


async def test_username_is_taken_whatever_its_case(auth: Auth) -> None:
    """USER_EXISTS; the user who has it keeps the password."""
    with refused(grpc.StatusCode.ALREADY_EXISTS, "USER_EXISTS"):
        await _register(auth, "Admin", metadata=await auth.admin(), password="another one")
    await auth.login()


async def test_registration_is_closed_by_default(auth: Auth) -> None:
    with refused(DENIED, "REGISTRATION_CLOSED"):
        await _register(auth, "vera")


async def test_open_registration_makes_viewers_only(start_auth: StartAuth) -> None:
    """CSMS_REGISTRATION=open; a higher role takes an administrator."""
    auth = await start_auth(open_registration=True)
    assert (await _register(auth, "vera")).role == VIEWER
    with refused(DENIED, "ROLE_TOO_LOW"):
        await _register(auth, "otto", OPERATOR)
    assert (await _register(auth, "otto", OPERATOR, metadata=await auth.admin())).role == OPERATOR


async def test_only_administrators_add_users(auth: Auth) -> None:
    """An operator's token is not enough."""
    await _register(auth, "otto", OPERATOR, metadata=await auth.admin())
    with refused(DENIED, "ROLE_TOO_LOW"):
        await _register(auth, "vera", metadata=bearer(await auth.login("otto")))


async def test_registering_with_an_expired_token_says_so(auth: Auth) -> None:
    """An administrator whose token has expired is to refresh it, not to wonder about closed registration."""
    metadata = await auth.admin()
    auth.clock.advance(ACCESS_TOKEN_S)
    with refused(UNAUTHENTICATED, "INVALID_TOKEN"):
        await _register(auth, "vera", metadata=metadata)


@pytest.mark.parametrize(
    ("username", "password", "path"),
    [
        ("vera", "seven77", "password"),
        ("vera", "x" * 257, "password"),
        ("x" * 65, PASSWORD, "username"),
        ("a/b", PASSWORD, "username"),
        ("a:b", PASSWORD, "username"),
        (" vera", PASSWORD, "username"),
        ("nul\0", PASSWORD, "username"),
        ("", PASSWORD, "username"),
        ("vera", "", "password"),
    ],
)
async def test_username_and_password_have_bounds(auth: Auth, username: str, password: str, path: str) -> None:
    """INVALID_FIELD, and the name of the field."""
    with refused(INVALID, "INVALID_FIELD", path):
        await _register(auth, username, metadata=await auth.admin(), password=password)


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("vera", "Password2026!"),
        ("vera", "$unsh1ne!"),
        ("vera", "ocpp-mesh is what this is"),
        ("wilhelmina", "my-W1lhelmina-of-1999"),
        ("marie.curie", "xxCURIExx1867"),
    ],
)
async def test_guessable_passwords_are_refused(auth: Auth, username: str, password: str) -> None:
    """When a user is added, and when the password is changed."""
    with refused(INVALID, "INVALID_FIELD", "password"):
        await _register(auth, username, metadata=await auth.admin(), password=password)
    await _register(auth, username, metadata=await auth.admin())
    with refused(INVALID, "INVALID_FIELD", "new_password"):
        await _change(auth, await auth.admin(), username, password)
    await auth.login(username)


@pytest.mark.parametrize(
    "name", ["\uff41\uff44\uff4d\uff49\uff4e", "ADM1N", "adrnin", "\u1d00dmin", "adm\u0131n", "ad\u217fin"]
)
async def test_a_name_that_looks_like_anothers_is_taken(auth: Auth, name: str) -> None:
    """Full-width letters, digits for letters, two letters for one, small capitals, a dotless i, a Roman numeral."""
    with refused(grpc.StatusCode.ALREADY_EXISTS, "USER_EXISTS"):
        await _register(auth, name, metadata=await auth.admin())


@pytest.mark.parametrize(
    "name", ["\u0430dmin", "ver\u03b1", "ad\u3164min", "bob\ufe0f", "a\uff0fb", "a\uff1ab", ".", ".."]
)
async def test_names_of_several_scripts_or_with_invisible_characters_are_refused(auth: Auth, name: str) -> None:
    """Whether there is another user or not; a full-width slash is one."""
    with refused(INVALID, "INVALID_FIELD", "username"):
        await _register(auth, name, metadata=await auth.admin())


async def test_a_name_is_kept_and_found_in_its_normal_form(auth: Auth) -> None:
    """However it is typed at the login; so it is in lists, and when it is deleted."""
    user = await _register(auth, "\uff36era", metadata=await auth.admin())
    assert user.username == "Vera"
    assert (await auth.login("\uff56\uff25\uff32\uff21")).user == user
    await _delete(auth, "\uff36ERA", await auth.admin())
    with refused(UNAUTHENTICATED, "WRONG_CREDENTIALS"):
        await auth.login("vera")


async def test_a_user_with_an_older_name_goes_on(start_auth: StartAuth) -> None:
    """Added before names had a normal form: found by exactly that name, and the one who looks alike is not touched."""
    auth, old = await start_auth(), "\uff41\uff44\uff4d\uff49\uff4e"
    values = {"tenant_id": "default", "username_key": old, "username": old, "role": 1, "create_us": 1}
    statement = sa.insert(models.user_account).values(**values, password_hash=FAST_HASHER.hash("an older secret"))
    await auth.database.write(lambda connection: connection.execute(statement))
    replica = await start_auth()
    assert (await replica.login(old, "an older secret")).user.username == old
    assert (await replica.login()).user.username == "admin"
    await _delete(replica, old, await replica.admin())
    assert (await replica.login()).user.username == "admin"


async def test_what_names_look_like_is_filled_in(start_auth: StartAuth) -> None:
    """For users whom an older release added: at the next start."""
    auth = await start_auth()
    values = {"tenant_id": "default", "username_key": "mario", "username": "Mario", "role": 1, "create_us": 1}
    statement = sa.insert(models.user_account).values(**values, password_hash="x")
    await auth.database.write(lambda connection: connection.execute(statement))
    with refused(grpc.StatusCode.ALREADY_EXISTS, "USER_EXISTS"):
        await _register(await start_auth(), "mar10", metadata=await auth.admin())


async def test_longest_password_works(auth: Auth) -> None:
    """256 characters, each of which counts, in whatever script."""
    password = "ü" * 256
    await _register(auth, "vera", metadata=await auth.admin(), password=password)
    await auth.login("vera", password)
    for wrong in (password[:-1], password + "ü"):
        with refused(UNAUTHENTICATED, "WRONG_CREDENTIALS"):
            await auth.login("vera", wrong)


async def test_unknown_role_is_refused(auth: Auth) -> None:
    """proto3 enumerations are open: a number beyond them arrives."""
    with refused(INVALID, "INVALID_FIELD", "role"):
        await _register(auth, "vera", 7, metadata=await auth.admin())  # type: ignore[arg-type]


async def test_users_are_listed_in_pages(auth: Auth) -> None:
    """Sorted by username, without regard to case; administrators only."""
    for name in ("Zoe", "bert", "Carl"):
        await _register(auth, name, metadata=await auth.admin())
    metadata = await auth.admin()
    first = await auth.users.ListUsers(ListUsersRequest(page_size=3), metadata=metadata)
    rest = await auth.users.ListUsers(
        ListUsersRequest(page_size=3, page_token=first.next_page_token), metadata=metadata
    )
    assert [user.username for user in [*first.users, *rest.users]] == ["admin", "bert", "Carl", "Zoe"]
    assert rest.next_page_token == ""
    with refused(INVALID, "INVALID_PAGE_TOKEN"):
        await auth.users.ListUsers(ListUsersRequest(page_token="nonsense"), metadata=metadata)
    with refused(DENIED, "ROLE_TOO_LOW"):
        await auth.users.ListUsers(ListUsersRequest(), metadata=bearer(await auth.login("bert")))


async def test_deleted_user_is_gone(auth: Auth) -> None:
    """USER_NOT_FOUND the second time; one event."""
    await _register(auth, "vera", metadata=await auth.admin())
    await _delete(auth, "VERA", await auth.admin())
    for name in ("vera", "nul\0"):
        with refused(grpc.StatusCode.NOT_FOUND, "USER_NOT_FOUND"):
            await _delete(auth, name, await auth.admin())
    assert await auth.events("user.deleted") == [{"username": "vera", "role": "ROLE_VIEWER", "tenantId": "default"}]


async def test_only_administrators_delete_users(auth: Auth) -> None:
    """ROLE_TOO_LOW, also for oneself."""
    await _register(auth, "otto", OPERATOR, metadata=await auth.admin())
    with refused(DENIED, "ROLE_TOO_LOW"):
        await _delete(auth, "otto", bearer(await auth.login("otto")))


async def test_last_administrator_stays(auth: Auth) -> None:
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "LAST_ADMINISTRATOR"):
        await _delete(auth, "Admin", await auth.admin())
    await _register(auth, "ada", ADMINISTRATOR, metadata=await auth.admin())
    await _delete(auth, "admin", await auth.admin())
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "LAST_ADMINISTRATOR"):
        await _delete(auth, "ada", bearer(await auth.login("ada")))


async def test_two_administrators_who_delete_each_other_at_once(start_auth: StartAuth) -> None:
    """One of them is left, also where two replicas are asked."""
    auth, replica = await start_auth(), await start_auth()
    await _register(auth, "ada", ADMINISTRATOR, metadata=await auth.admin())
    admin, ada = await auth.admin(), bearer(await auth.login("ada"))
    await asyncio.gather(_delete(auth, "ada", admin), _delete(replica, "admin", ada), return_exceptions=True)
    query = sa.select(sa.func.count()).select_from(models.user_account)
    assert await auth.database.read(lambda connection: connection.execute(query).scalar_one()) == 1


async def test_user_changes_the_own_password(auth: Auth) -> None:
    """With the present one; every session of the user ends, this one too."""
    await _register(auth, "vera", metadata=await auth.admin())
    vera = await auth.login("vera")
    await _change(auth, bearer(vera), "VERA", "a new secret", PASSWORD)
    with refused(UNAUTHENTICATED, "INVALID_TOKEN"):
        await auth.users.Refresh(RefreshRequest(refresh_token=vera.refresh_token))
    with refused(UNAUTHENTICATED, "WRONG_CREDENTIALS"):
        await auth.login("vera")
    await auth.login("vera", "a new secret")


@pytest.mark.parametrize("current", ["", "wrong horse"])
async def test_own_password_takes_the_present_one(auth: Auth, current: str) -> None:
    """An administrator's, too: a browser left open must not be enough."""
    with refused(UNAUTHENTICATED, "WRONG_CREDENTIALS"):
        await _change(auth, await auth.admin(), "admin", "a new secret", current)


async def test_guessing_the_present_password_is_bounded(auth: Auth) -> None:
    metadata = await auth.admin()
    for _ in range(FREE):
        with refused(UNAUTHENTICATED, "WRONG_CREDENTIALS"):
            await _change(auth, metadata, "admin", "a new secret", "wrong horse")
    with refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_ATTEMPTS"):
        await _change(auth, metadata, "admin", "a new secret", PASSWORD)


async def test_administrator_changes_anyones_password(auth: Auth) -> None:
    """Without knowing the present one; the administrator's own session lives on."""
    await _register(auth, "vera", metadata=await auth.admin())
    vera, admin = await auth.login("vera"), await auth.admin()
    await _change(auth, admin, "vera", "a new secret")
    await auth.login("vera", "a new secret")
    with refused(UNAUTHENTICATED, "INVALID_TOKEN"):
        await auth.users.Refresh(RefreshRequest(refresh_token=vera.refresh_token))
    with refused(grpc.StatusCode.NOT_FOUND, "USER_NOT_FOUND"):
        await _change(auth, admin, "nobody", "a new secret")


async def test_others_passwords_are_not_for_operators(auth: Auth) -> None:
    """ROLE_TOO_LOW, whether there is such a user or not."""
    await _register(auth, "otto", OPERATOR, metadata=await auth.admin())
    otto = bearer(await auth.login("otto"))
    for name in ("admin", "nobody"):
        with refused(DENIED, "ROLE_TOO_LOW"):
            await _change(auth, otto, name, "a new secret")


async def test_new_password_has_bounds(auth: Auth) -> None:
    """The same as a first one."""
    with refused(INVALID, "INVALID_FIELD", "new_password"):
        await _change(auth, await auth.admin(), "admin", "short", PASSWORD)


async def test_password_changed_during_a_login_is_not_logged_in_with(auth: Auth) -> None:
    """A session opens only for the password that is valid when it opens."""
    user = await auth.database.read(lambda connection: user_store.get_user(connection, "default", "admin"))
    assert user is not None
    other = FAST_HASHER.hash("a new secret")
    await auth.database.write(
        lambda connection: user_store.set_password(connection, "default", "admin", other, now_us=1)
    )
    session = session_store.Session(
        tenant_id="default",
        session_id="s",
        username_key="admin",
        family_hash="f",
        secret_hash="h",
        create_us=1,
        refresh_us=1,
        expire_us=2,
    )
    stale, fresh = user.password_hash, other
    assert not await auth.database.write(lambda connection: session_store.open_session(connection, session, stale))
    assert await auth.database.write(lambda connection: session_store.open_session(connection, session, fresh))


async def test_login_and_change_of_password_at_the_same_moment(auth: Auth) -> None:
    """A session for the old password is either not opened or ended, in whatever order the two commit."""
    user = await auth.database.read(lambda connection: user_store.get_user(connection, "default", "admin"))
    assert user is not None
    session = session_store.Session(
        tenant_id="default",
        session_id="s",
        username_key="admin",
        family_hash="f",
        secret_hash="h",
        create_us=1,
        refresh_us=1,
        expire_us=2,
    )

    def open_session() -> bool:
        with auth.database.engine.begin() as connection:
            return session_store.open_session(connection, session, user.password_hash)

    with auth.database.engine.begin() as connection:
        user_store.set_password(connection, "default", "admin", FAST_HASHER.hash("a new secret"), now_us=1)
        opening = asyncio.create_task(asyncio.to_thread(open_session))
        await asyncio.wait([opening], timeout=0.2)  # long enough to get in, were there nothing to keep it out
        assert not opening.done()
    assert not await opening


async def test_tenants_do_not_see_each_others_users(auth: Auth) -> None:
    """An administrator of another tenant neither lists nor removes ours."""
    eve = user_store.User(
        tenant_id="other",
        username="eve",
        role=callers.Role.ADMINISTRATOR,
        password_hash=FAST_HASHER.hash(PASSWORD),
        create_us=1,
    )
    other = new_tenant("other", now_us=1)
    await auth.database.write(lambda connection: tenant_store.add_tenant(connection, other))
    await auth.database.write(lambda connection: user_store.create_user(connection, eve))
    await _register(auth, "vera", metadata=await auth.admin())
    metadata = bearer(await auth.login("eve", tenant_id="other"))
    users = (await auth.users.ListUsers(ListUsersRequest(), metadata=metadata)).users
    assert [user.username for user in users] == ["eve"]
    with refused(grpc.StatusCode.NOT_FOUND, "USER_NOT_FOUND"):
        await _delete(auth, "vera", metadata)
    with refused(grpc.StatusCode.NOT_FOUND, "USER_NOT_FOUND"):
        await _change(auth, metadata, "vera", "a new secret")
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "LAST_ADMINISTRATOR"):
        await _delete(auth, "eve", metadata)


async def test_events_and_rows_hold_no_password(auth: Auth) -> None:
    """Only argon2id's hash is kept, and it is in no event."""
    await _register(auth, "vera", metadata=await auth.admin())
    rows = await auth.database.read(lambda connection: connection.execute(sa.select(models.user_account)).all())
    assert repr(rows).count("$argon2id$") == 2
    events = await auth.database.read(lambda connection: connection.execute(sa.select(models.outbox)).all())
    assert PASSWORD not in repr(rows) + repr(events)
    assert "argon2" not in repr(events)
