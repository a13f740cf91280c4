"""UserService's Login, Refresh, Logout and Verify: sessions and their tokens."""

import asyncio
import hashlib

import grpc
import pytest
import sqlalchemy as sa
from csms.auth.v1 import user_service_pb2
from csms.auth.v1.user_service_pb2 import (
    DeleteUserRequest,
    LoginRequest,
    LogoutRequest,
    RefreshRequest,
    RefreshResponse,
    RegisterRequest,
    VerifyRequest,
    VerifyResponse,
)
from joserfc.jws import extract_compact

from auth_svc import models
from auth_svc.login_throttle import FREE
from auth_svc.sessions import ACCESS_TOKEN_S, SESSION_S, TOGETHER_S
from mesh.identity.operators import TokenVerifier
from mesh.runtime.times import SECOND_US
from tests.auth_svc.conftest import PASSWORD, Auth, Metadata, StartAuth, bearer, refused

UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED


async def _refresh(auth: Auth, token: str) -> RefreshResponse:
    return await auth.users.Refresh(RefreshRequest(refresh_token=token))


async def _verify(auth: Auth, metadata: Metadata) -> VerifyResponse:
    return await auth.users.Verify(VerifyRequest(), metadata=metadata)


async def _session_rows(auth: Auth) -> int:
    query = sa.select(sa.func.count()).select_from(models.session)
    return await auth.database.read(lambda connection: int(connection.execute(query).scalar_one()))


async def test_login_gives_tokens_and_says_who(auth: Auth) -> None:
    """The username in any case; the access token is believed by any verifier that has the keys."""
    session = await auth.login("ADMIN")
    assert (session.expires_in_s, session.token_type) == (ACCESS_TOKEN_S, "Bearer")
    assert (session.user.username, session.user.role) == ("admin", user_service_pb2.ROLE_ADMINISTRATOR)
    verifier = TokenVerifier(keys=auth.keys, clock_s=lambda: auth.clock() / SECOND_US)
    sign_in = await verifier.verify(session.access_token)
    assert (sign_in.username, sign_in.tenant_id) == ("admin", "default")
    assert sign_in.expires_s == auth.clock() // SECOND_US + ACCESS_TOKEN_S
    headers = extract_compact(session.access_token.encode()).headers()
    assert headers["alg"] == "ES256"
    assert headers["kid"]


@pytest.mark.parametrize(
    ("username", "password"),
    [("admin", "wrong horse"), ("nobody", PASSWORD), ("nul\0", PASSWORD), ("x" * 500, PASSWORD), ("admin", "x" * 9999)],
)
async def test_wrong_credentials_tell_nothing_more(auth: Auth, username: str, password: str) -> None:
    """The same answer whether there is such a user or not."""
    with refused(UNAUTHENTICATED, "WRONG_CREDENTIALS"):
        await auth.login(username, password)


async def test_too_many_attempts_on_one_user(auth: Auth) -> None:
    """Then not even the right password helps from there, for a moment; others log in meanwhile."""
    await auth.users.Register(RegisterRequest(username="vera", password=PASSWORD), metadata=await auth.admin())
    for _ in range(FREE):
        with refused(UNAUTHENTICATED, "WRONG_CREDENTIALS"):
            await auth.login("Admin", "wrong horse")
    with refused(EXHAUSTED, "TOO_MANY_ATTEMPTS"):
        await auth.login()
    await auth.login("vera")
    auth.clock.advance(1)
    await auth.login()


async def test_attempts_at_the_same_time_are_counted_too(auth: Auth) -> None:
    """Guesses sent together do not slip through before the first has failed."""

    async def attempt() -> grpc.StatusCode:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await auth.login("admin", "wrong horse")
        return caught.value.code()

    codes = await asyncio.gather(*(attempt() for _ in range(FREE * 2)))
    assert codes.count(UNAUTHENTICATED) == FREE
    assert codes.count(EXHAUSTED) == FREE


async def test_successful_logins_are_not_attempts(auth: Auth) -> None:
    """Who knows the password may log in as often as needed."""
    for _ in range(FREE + 1):
        await auth.login()


async def test_refresh_continues_the_session(auth: Auth) -> None:
    """New tokens of the same session each time, long after the access token has expired."""
    tokens = await auth.login()
    for _ in range(3):
        auth.clock.advance(3600)
        tokens = await _refresh(auth, tokens.refresh_token)  # type: ignore[assignment]
    assert (tokens.expires_in_s, tokens.token_type) == (ACCESS_TOKEN_S, "Bearer")
    assert (await _verify(auth, bearer(tokens))).user.username == "admin"
    assert await _session_rows(auth) == 1


async def test_spent_refresh_token_ends_the_session(auth: Auth) -> None:
    """One of the two who used it stole it, so neither goes on."""
    login = await auth.login()
    tokens = await _refresh(auth, login.refresh_token)
    auth.clock.advance(TOGETHER_S + 1)
    for token in (login.refresh_token, tokens.refresh_token):
        with refused(UNAUTHENTICATED, "INVALID_TOKEN"):
            await _refresh(auth, token)
    with refused(UNAUTHENTICATED, "INVALID_TOKEN"):
        await _verify(auth, bearer(tokens))


async def test_an_older_refresh_token_ends_the_session_at_once(auth: Auth) -> None:
    """Only the one that was replaced last may have been sent at the same time."""
    login = await auth.login()
    tokens = await _refresh(auth, (await _refresh(auth, login.refresh_token)).refresh_token)
    for token in (login.refresh_token, tokens.refresh_token):
        with refused(UNAUTHENTICATED, "INVALID_TOKEN"):
            await _refresh(auth, token)
    assert await _session_rows(auth) == 0


@pytest.mark.parametrize("apart_s", [0, TOGETHER_S - 1])
async def test_a_refresh_token_used_six_times_at_once_leaves_one_login(start_auth: StartAuth, apart_s: int) -> None:
    """Windows of one browser: one of them gets the next tokens, whichever replica is asked, and these go on."""
    replicas = [await start_auth() for _ in range(2)]
    auth = replicas[0]
    login = await auth.login()

    async def refresh(number: int) -> RefreshResponse | None:
        try:
            return await _refresh(replicas[number % 2], login.refresh_token)
        except grpc.aio.AioRpcError as error:
            return None if error.code() is UNAUTHENTICATED else pytest.fail(str(error))

    results = await asyncio.gather(*(refresh(number) for number in range(6)))
    [tokens] = [result for result in results if result is not None]
    auth.clock.advance(apart_s)
    assert await refresh(6) is None
    assert (await _verify(auth, bearer(tokens))).user.username == "admin"
    await _refresh(auth, tokens.refresh_token)
    assert await _session_rows(auth) == 1


@pytest.mark.parametrize("token", ["nonsense", "a.b", ".", "nul\0.x"])
async def test_refresh_token_that_is_none(auth: Auth, token: str) -> None:
    login = await auth.login()
    with refused(UNAUTHENTICATED, "INVALID_TOKEN"):
        await _refresh(auth, token)
    await _refresh(auth, login.refresh_token)


async def test_session_ends_by_its_age(auth: Auth) -> None:
    """30 days after the login, however often it was refreshed; then its row is removed."""
    tokens = await auth.login()
    auth.clock.advance(SESSION_S - 1)
    tokens = await _refresh(auth, tokens.refresh_token)  # type: ignore[assignment]
    auth.clock.advance(1)
    with refused(UNAUTHENTICATED, "INVALID_TOKEN"):
        await _refresh(auth, tokens.refresh_token)


async def test_logout_ends_the_session_of_the_access_token(auth: Auth) -> None:
    """Its refresh token is void, and no other session of the user is touched."""
    ended, other = await auth.login(), await auth.login()
    await auth.users.Logout(LogoutRequest(), metadata=bearer(ended))
    with refused(UNAUTHENTICATED, "INVALID_TOKEN"):
        await _refresh(auth, ended.refresh_token)
    with refused(UNAUTHENTICATED, "INVALID_TOKEN"):
        await auth.users.Logout(LogoutRequest(), metadata=bearer(ended))
    with refused(UNAUTHENTICATED, "INVALID_TOKEN"):
        await _verify(auth, bearer(ended))
    await _refresh(auth, other.refresh_token)


async def test_verify_says_who_and_until_when(auth: Auth) -> None:
    response = await _verify(auth, bearer(await auth.login("Admin")))
    assert (response.user.username, response.user.tenant_id) == ("admin", "default")
    assert response.expire_time.seconds == auth.clock() // SECOND_US + ACCESS_TOKEN_S


async def test_expired_access_token_is_refused(auth: Auth) -> None:
    metadata = await auth.admin()
    auth.clock.advance(ACCESS_TOKEN_S)
    with refused(UNAUTHENTICATED, "INVALID_TOKEN"):
        await _verify(auth, metadata)


async def test_expired_access_token_does_not_hinder_login_and_refresh(auth: Auth) -> None:
    """A browser sends what it has; these two are the way to a new token."""
    login = await auth.login()
    auth.clock.advance(ACCESS_TOKEN_S)
    metadata = bearer(login)
    await auth.users.Refresh(RefreshRequest(refresh_token=login.refresh_token), metadata=metadata)
    await auth.users.Login(LoginRequest(username="admin", password=PASSWORD), metadata=metadata)


async def test_removed_users_session_is_over(auth: Auth) -> None:
    """At once for refreshing and for this service; elsewhere when the access token expires."""
    await auth.users.Register(RegisterRequest(username="vera", password=PASSWORD), metadata=await auth.admin())
    vera = await auth.login("vera")
    await auth.users.DeleteUser(DeleteUserRequest(username="vera"), metadata=await auth.admin())
    with refused(UNAUTHENTICATED, "INVALID_TOKEN"):
        await _refresh(auth, vera.refresh_token)
    with refused(UNAUTHENTICATED, "INVALID_TOKEN"):
        await _verify(auth, bearer(vera))
    with refused(UNAUTHENTICATED, "WRONG_CREDENTIALS"):
        await auth.login("vera")


async def test_refresh_tokens_are_kept_as_hashes_only(auth: Auth) -> None:
    """A copy of the database logs nobody in."""
    token = (await auth.login()).refresh_token
    rows = await auth.database.read(lambda connection: connection.execute(sa.select(models.session)).all())
    secrets = [part for part in token.split(".") if part]
    assert len(secrets) == 2
    assert not any(secret in repr(rows) for secret in secrets)
    assert hashlib.sha256(secrets[1].encode()).hexdigest() in repr(rows)
