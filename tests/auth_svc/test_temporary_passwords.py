"""Lost passwords: a temporary one from an administrator, or from the command line."""

import asyncio
from pathlib import Path

import grpc
import pytest
from csms.auth.v1.user_service_pb2 import (
    ChangePasswordRequest,
    ListUsersRequest,
    LoginRequest,
    LoginResponse,
    RefreshRequest,
    RegisterRequest,
    ResetPasswordRequest,
    ResetPasswordResponse,
    VerifyRequest,
)

from auth_svc.reset_command import reset_password
from auth_svc.temporary_passwords import VALID_S
from tests.auth_svc.conftest import PASSWORD, Auth, bearer, refused

OWN = "my very own secret"
UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED


async def _reset(auth: Auth) -> ResetPasswordResponse:
    await auth.users.Register(RegisterRequest(username="vera", password=PASSWORD), metadata=await auth.admin())
    answer: ResetPasswordResponse = await auth.users.ResetPassword(
        ResetPasswordRequest(username="Vera"), metadata=await auth.admin()
    )
    return answer


async def _login(auth: Auth, password: str, new_password: str = "") -> LoginResponse:
    request = LoginRequest(username="vera", password=password, new_password=new_password)
    answer: LoginResponse = await auth.users.Login(request)
    return answer


async def test_a_temporary_password_is_exchanged_at_the_next_login(auth: Auth) -> None:
    """It opens nothing by itself; afterwards only the new password counts."""
    temporary = (await _reset(auth)).temporary_password
    with refused(grpc.StatusCode.FAILED_PRECONDITION, "NEW_PASSWORD_NEEDED"):
        await _login(auth, temporary)
    login = await _login(auth, temporary, OWN)
    assert (await auth.users.Verify(VerifyRequest(), metadata=bearer(login))).user.username == "vera"
    with refused(UNAUTHENTICATED, "WRONG_CREDENTIALS"):
        await _login(auth, temporary, "another secret")
    await _login(auth, OWN)


async def test_a_reset_ends_the_former_password_and_all_sign_ins(auth: Auth) -> None:
    await auth.users.Register(RegisterRequest(username="vera", password=PASSWORD), metadata=await auth.admin())
    before = await auth.login("vera")
    await auth.users.ResetPassword(ResetPasswordRequest(username="vera"), metadata=await auth.admin())
    with refused(UNAUTHENTICATED, "INVALID_TOKEN"):
        await auth.users.Refresh(RefreshRequest(refresh_token=before.refresh_token))
    with refused(UNAUTHENTICATED, "WRONG_CREDENTIALS"):
        await _login(auth, PASSWORD)


async def test_a_temporary_password_ends_with_its_time(auth: Auth) -> None:
    answer = await _reset(auth)
    users = (await auth.users.ListUsers(ListUsersRequest(), metadata=await auth.admin())).users
    ends = {user.username: user.HasField("password_expire_time") for user in users}
    assert ends == {"admin": False, "vera": True}
    auth.clock.advance(VALID_S)
    for new_password in ("", OWN):
        with refused(UNAUTHENTICATED, "WRONG_CREDENTIALS"):
            await _login(auth, answer.temporary_password, new_password)


async def test_the_new_password_is_checked_and_is_another_one(auth: Auth) -> None:
    temporary = (await _reset(auth)).temporary_password
    for new_password in ("short", "password123", temporary):
        with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "new_password"):
            await _login(auth, temporary, new_password)
    await _login(auth, temporary, OWN)
    with refused(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD", "new_password"):
        await _login(auth, OWN, "yet another secret")


async def test_a_password_from_an_administrator_replaces_a_temporary_one(auth: Auth) -> None:
    await _reset(auth)
    request = ChangePasswordRequest(username="vera", new_password=OWN)
    await auth.users.ChangePassword(request, metadata=await auth.admin())
    await _login(auth, OWN)


async def test_only_a_known_user_is_reset_and_only_by_who_may(auth: Auth) -> None:
    await _reset(auth)
    with refused(grpc.StatusCode.NOT_FOUND, "USER_NOT_FOUND"):
        await auth.users.ResetPassword(ResetPasswordRequest(username="nobody"), metadata=await auth.admin())
    await auth.users.Register(RegisterRequest(username="otto", password=PASSWORD), metadata=await auth.admin())
    otto = bearer(await auth.login("otto"))
    for name in ("vera", "otto", "nobody"):
        with refused(grpc.StatusCode.PERMISSION_DENIED, "ROLE_TOO_LOW"):
            await auth.users.ResetPassword(ResetPasswordRequest(username=name), metadata=otto)


async def _command(database_url: str, *arguments: str) -> tuple[int, list[str]]:
    """The exit status of the command, and the lines for whoever runs it."""
    lines: list[str] = []
    environ = {"CSMS_DATABASE_URL": database_url}
    status = await asyncio.to_thread(reset_password, arguments, environ=environ, announce=lines.append)
    return status, lines


async def test_whoever_has_the_database_resets_the_administrators_password(auth: Auth, database_url: str) -> None:
    """While the service runs, and without anything else being lost."""
    before = await auth.login()
    status, [line] = await _command(database_url, "admin")
    assert status == 0
    request = LoginRequest(username="admin", password=line.rpartition(" ")[2], new_password=OWN)
    await auth.users.Login(request)
    with refused(UNAUTHENTICATED, "INVALID_TOKEN"):
        await auth.users.Verify(VerifyRequest(), metadata=bearer(before))


async def test_the_command_says_what_is_wrong(
    auth: Auth, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = [
        (("nobody",), 1, "no user 'nobody'"),
        ((), 2, "usage"),
        (("a", "b", "c"), 2, "usage"),
        (("\0",), 1, "no user"),
    ]
    for arguments, expected, says in wrong:
        assert await _command(database_url, *arguments) == (expected, [])
        assert says in capsys.readouterr().err


def test_the_command_needs_a_database_of_ours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reset_password(["admin"], environ={"CSMS_DATA_DIR": str(tmp_path)}, announce=print) == 1
    assert "is it migrated?" in capsys.readouterr().err
