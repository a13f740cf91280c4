"""SignInService: who is signed in, and the ends of sign-ins."""

import grpc
from csms.auth.v1.sign_in_service_pb2 import (
    EndAllSignInsRequest,
    EndSignInRequest,
    ListAllSignInsRequest,
    ListSignInsRequest,
    SignIn,
)
from csms.auth.v1.user_service_pb2 import LoginRequest, LoginResponse, RefreshRequest, RegisterRequest, VerifyRequest

from auth_svc.sessions import SESSION_S
from mesh.runtime.times import SECOND_US, from_timestamp
from tests.auth_svc.conftest import PASSWORD, Auth, Metadata, bearer, from_address, refused

DENIED = grpc.StatusCode.PERMISSION_DENIED
NOT_FOUND = grpc.StatusCode.NOT_FOUND


async def _vera(auth: Auth) -> Metadata:
    await auth.users.Register(RegisterRequest(username="vera", password=PASSWORD), metadata=await auth.admin())
    return bearer(await auth.login("vera"))


async def _list(auth: Auth, metadata: Metadata, username: str = "") -> list[SignIn]:
    request = ListSignInsRequest(username=username)
    return list((await auth.sign_ins.ListSignIns(request, metadata=metadata)).sign_ins)


async def _goes_on(auth: Auth, metadata: Metadata) -> bool:
    try:
        await auth.users.Verify(VerifyRequest(), metadata=metadata)
    except grpc.aio.AioRpcError as error:
        return error.code() is not grpc.StatusCode.UNAUTHENTICATED
    return True


async def test_a_user_sees_the_own_sign_ins_newest_first(auth: Auth) -> None:
    """With the program, the address that the front door reported, and which one is in use."""
    vera = await _vera(auth)
    auth.clock.advance(60)
    request = LoginRequest(username="vera", password=PASSWORD)
    other: LoginResponse = await auth.users.Login(request, metadata=from_address("127.0.0.7"))
    auth.clock.advance(60)
    await auth.users.Refresh(RefreshRequest(refresh_token=other.refresh_token))
    newest, oldest = await _list(auth, vera)
    assert (newest.username, newest.address, newest.current, oldest.current) == ("vera", "127.0.0.7", False, True)
    assert newest.user_agent.startswith("grpc-python")
    assert from_timestamp(newest.refresh_time) - from_timestamp(newest.create_time) == 60 * SECOND_US
    assert from_timestamp(newest.expire_time) - from_timestamp(newest.create_time) == SESSION_S * SECOND_US
    auth.clock.advance(SESSION_S - 120)
    assert len(await _list(auth, bearer(await auth.login("vera")))) == 2


async def test_sign_ins_of_another_user_need_the_permission(auth: Auth) -> None:
    vera, admin = await _vera(auth), await auth.admin()
    assert [each.username for each in await _list(auth, admin, "Vera")] == ["vera"]
    with refused(NOT_FOUND, "USER_NOT_FOUND"):
        await _list(auth, admin, "nobody")
    for name in ("admin", "nobody"):
        with refused(DENIED, "ROLE_TOO_LOW"):
            await _list(auth, vera, name)
        with refused(DENIED, "ROLE_TOO_LOW"):
            await auth.sign_ins.EndAllSignIns(EndAllSignInsRequest(username=name), metadata=vera)
    with refused(DENIED, "ROLE_TOO_LOW"):
        await auth.sign_ins.ListAllSignIns(ListAllSignInsRequest(), metadata=vera)
    administrators = (await _list(auth, admin))[0]
    with refused(NOT_FOUND, "SIGN_IN_NOT_FOUND"):
        request = EndSignInRequest(sign_in_id=administrators.sign_in_id)
        await auth.sign_ins.EndSignIn(request, metadata=vera)
    assert await _goes_on(auth, admin)


async def test_one_sign_in_is_ended(auth: Auth) -> None:
    """One's own by anybody, and another's by an administrator."""
    vera, other = await _vera(auth), bearer(await auth.login("vera"))
    mine = next(each.sign_in_id for each in await _list(auth, vera) if each.current)
    await auth.sign_ins.EndSignIn(EndSignInRequest(sign_in_id=mine), metadata=vera)
    assert not await _goes_on(auth, vera)
    assert await _goes_on(auth, other)
    [left] = await _list(auth, await auth.admin(), "vera")
    await auth.sign_ins.EndSignIn(EndSignInRequest(sign_in_id=left.sign_in_id), metadata=await auth.admin())
    assert not await _goes_on(auth, other)
    for ended in (left.sign_in_id, "nul\0"):
        with refused(NOT_FOUND, "SIGN_IN_NOT_FOUND"):
            await auth.sign_ins.EndSignIn(EndSignInRequest(sign_in_id=ended), metadata=await auth.admin())


async def test_signing_out_everywhere(auth: Auth) -> None:
    """All of a user's, or all but the one in use; nobody else's."""
    vera, admin = await _vera(auth), await auth.admin()
    others = [bearer(await auth.login("vera")) for _ in range(2)]
    answer = await auth.sign_ins.EndAllSignIns(EndAllSignInsRequest(keep_current=True), metadata=vera)
    assert (answer.ended, await _goes_on(auth, vera)) == (2, True)
    assert not any([await _goes_on(auth, each) for each in others])
    await auth.sign_ins.EndAllSignIns(EndAllSignInsRequest(), metadata=vera)
    assert not await _goes_on(auth, vera)
    vera = bearer(await auth.login("vera"))
    await auth.sign_ins.EndAllSignIns(EndAllSignInsRequest(username="vera"), metadata=admin)
    assert not await _goes_on(auth, vera)
    assert await _goes_on(auth, admin)


async def test_all_sign_ins_are_listed_by_pages(auth: Auth) -> None:
    await _vera(auth)
    admin, found, token = await auth.admin(), [], ""
    while True:
        request = ListAllSignInsRequest(page_size=2, page_token=token)
        page = await auth.sign_ins.ListAllSignIns(request, metadata=admin)
        found += [each.sign_in_id for each in page.sign_ins]
        token = page.next_page_token
        if not token:
            break
    assert len(found) == len(set(found)) == 3
