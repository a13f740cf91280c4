"""The first administrator: made once, told once."""

import asyncio
import re

import grpc
import pytest
from csms.auth.v1 import user_service_pb2
from csms.auth.v1.user_service_pb2 import DeleteUserRequest, RegisterRequest
from structlog.testing import capture_logs

from tests.auth_svc.conftest import PASSWORD, StartAuth, refused

LINE = re.compile(r"administrator login: admin / (\S{12,})")


async def test_generated_password_is_told_once_and_works(start_auth: StartAuth) -> None:
    """On the first start only; no log line has it."""
    with capture_logs() as logs:
        auth = await start_auth(admin_password=None)
        again = await start_auth(admin_password=None)
    (line,) = auth.announced
    match = LINE.fullmatch(line)
    assert match is not None
    assert again.announced == []
    assert match[1] not in repr(logs)
    login = await again.login("admin", match[1])
    assert login.user.role == user_service_pb2.ROLE_ADMINISTRATOR


async def test_given_password_is_not_told(start_auth: StartAuth) -> None:
    with capture_logs() as logs:
        auth = await start_auth(admin_password="given by env")
    assert auth.announced == []
    assert "given by env" not in repr(logs)
    await auth.login("admin", "given by env")


async def test_another_password_later_changes_nothing_and_is_said(start_auth: StartAuth) -> None:
    """A restart with an old setting must not undo a changed password; silence would puzzle."""
    await start_auth(admin_password=PASSWORD)
    with capture_logs() as logs:
        auth = await start_auth(admin_password="another one")
    assert "has no effect" in repr(logs)
    assert "another one" not in repr(logs)
    await auth.login("admin", PASSWORD)
    with refused(grpc.StatusCode.UNAUTHENTICATED, "WRONG_CREDENTIALS"):
        await auth.login("admin", "another one")


async def test_same_password_later_is_not_worth_a_word(start_auth: StartAuth) -> None:
    """The usual restart."""
    await start_auth()
    with capture_logs() as logs:
        await start_auth()
    assert "CSMS_ADMIN_PASSWORD" not in repr(logs)


@pytest.mark.parametrize("password", [None, PASSWORD])
async def test_removed_admin_does_not_come_back(start_auth: StartAuth, password: str | None) -> None:
    """Where there is another administrator, `admin` was removed on purpose."""
    auth = await start_auth()
    request = RegisterRequest(username="ada", password=PASSWORD, role=user_service_pb2.ROLE_ADMINISTRATOR)
    await auth.users.Register(request, metadata=await auth.admin())
    await auth.users.DeleteUser(DeleteUserRequest(username="admin"), metadata=await auth.admin())
    again = await start_auth(admin_password=password)
    assert again.announced == []
    with refused(grpc.StatusCode.UNAUTHENTICATED, "WRONG_CREDENTIALS"):
        await again.login()


async def test_replicas_that_start_together_tell_one_password(start_auth: StartAuth) -> None:
    """The one that works."""
    replicas = await asyncio.gather(*(start_auth(admin_password=None) for _ in range(3)))
    (line,) = [line for replica in replicas for line in replica.announced]
    match = LINE.fullmatch(line)
    assert match is not None
    await replicas[0].login("admin", match[1])


async def test_guessable_password_is_taken_with_a_warning(start_auth: StartAuth) -> None:
    with capture_logs() as logs:
        auth = await start_auth(admin_password="admin-2026!")
    assert "would not be taken" in repr(logs)
    await auth.login("admin", "admin-2026!")


async def test_short_password_is_taken_with_a_warning(start_auth: StartAuth) -> None:
    """Who sets the environment owns the system; but it is said."""
    with capture_logs() as logs:
        auth = await start_auth(admin_password="short")
    assert "shorter" in repr(logs)
    await auth.login("admin", "short")
