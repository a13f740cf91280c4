"""Limits of the methods that need no access token, beside Login."""

import asyncio

import grpc
import pytest
from csms.auth.v1.user_service_pb2 import GetKeySetRequest, RefreshRequest, RegisterRequest

from auth_svc.session_limits import REFRESHES_PER_SESSION, REFRESHES_PER_SOURCE, REGISTRATIONS_PER_SOURCE
from mesh.grpc.call_limits import PUBLIC
from mesh.runtime.errors import from_rpc_error
from tests.auth_svc.conftest import PASSWORD, Auth, StartAuth, from_address, refused

EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
HOME, OTHER = from_address("192.0.2.1"), from_address("198.51.100.7")


async def test_a_session_is_refreshed_so_often_and_no_more(auth: Auth) -> None:
    """Others go on, and so does this one after a while."""
    session, other = await auth.login(), await auth.login()
    token = session.refresh_token
    for _ in range(REFRESHES_PER_SESSION.burst):
        token = (await auth.users.Refresh(RefreshRequest(refresh_token=token), metadata=HOME)).refresh_token
    with refused(EXHAUSTED, "TOO_MANY_ATTEMPTS"):
        await auth.users.Refresh(RefreshRequest(refresh_token=token), metadata=HOME)
    await auth.users.Refresh(RefreshRequest(refresh_token=other.refresh_token), metadata=HOME)
    auth.clock.advance(1 / REFRESHES_PER_SESSION.per_s)
    await auth.users.Refresh(RefreshRequest(refresh_token=token), metadata=HOME)


async def test_made_up_refresh_tokens_are_bounded_by_source(auth: Auth) -> None:
    """Before the database is asked; another source is served."""
    session = await auth.login()
    met: list[str] = []
    for number in range(REFRESHES_PER_SOURCE.burst + 10):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await auth.users.Refresh(RefreshRequest(refresh_token=f"made-up-{number}.x"), metadata=HOME)
        met.append(from_rpc_error(caught.value).reason)
    # The interceptor's limit, by the real time, may come first.
    assert set(met) == {"INVALID_TOKEN", "TOO_MANY_ATTEMPTS"} or set(met) == {"INVALID_TOKEN", "TOO_MANY_REQUESTS"}
    assert met.count("INVALID_TOKEN") <= REFRESHES_PER_SOURCE.burst
    await auth.users.Refresh(RefreshRequest(refresh_token=session.refresh_token), metadata=OTHER)


async def test_open_registration_is_bounded_by_source(start_auth: StartAuth) -> None:
    """Each costs a slow hash. An administrator is not held up by it."""
    auth = await start_auth(open_registration=True)
    for number in range(REGISTRATIONS_PER_SOURCE.burst):
        await auth.users.Register(RegisterRequest(username=f"vera-{number}", password=PASSWORD), metadata=HOME)
    request = RegisterRequest(username="vera", password=PASSWORD)
    with refused(EXHAUSTED, "TOO_MANY_ATTEMPTS"):
        await auth.users.Register(request, metadata=HOME)
    await auth.users.Register(request, metadata=OTHER)
    request = RegisterRequest(username="otto", password=PASSWORD)
    await auth.users.Register(request, metadata=(*HOME, *await auth.admin()))


async def test_any_public_method_is_bounded_by_source_and_method(auth: Auth) -> None:
    calls = (auth.users.GetKeySet(GetKeySetRequest(), metadata=HOME) for _ in range(4 * PUBLIC.burst))
    results = await asyncio.gather(*calls, return_exceptions=True)
    errors = [from_rpc_error(each) for each in results if isinstance(each, grpc.aio.AioRpcError)]
    assert {(error.code, error.reason) for error in errors} == {(EXHAUSTED, "TOO_MANY_REQUESTS")}
    assert len(results) - len(errors) >= PUBLIC.burst
    await auth.users.GetKeySet(GetKeySetRequest(), metadata=OTHER)
    await auth.login(address="192.0.2.1")
