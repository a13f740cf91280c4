"""Users in requests and responses, and the errors about them."""

from collections.abc import Iterable

import grpc
from csms.auth.v1 import user_service_pb2
from csms.auth.v1.user_service_pb2 import User

from auth_svc import user_store
from auth_svc.assigning import to_messages
from auth_svc.guessing import why_guessable
from auth_svc.normalization import MAX_PASSWORD, MAX_USERNAME, MIN_PASSWORD, is_plain
from auth_svc.role_store import Assignment
from mesh.identity.callers import Role
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, invalid_field
from mesh.runtime.times import to_timestamp

ROLES = {
    None: user_service_pb2.ROLE_UNSPECIFIED,
    Role.VIEWER: user_service_pb2.ROLE_VIEWER,
    Role.OPERATOR: user_service_pb2.ROLE_OPERATOR,
    Role.ADMINISTRATOR: user_service_pb2.ROLE_ADMINISTRATOR,
    Role.PLATFORM_ADMINISTRATOR: user_service_pb2.ROLE_PLATFORM_ADMINISTRATOR,
}


def to_message(user: user_store.User, assignments: Iterable[Assignment]) -> User:
    """A user as the contract has it."""
    message = User(
        username=user.username,
        role=ROLES[user.role],
        tenant_id=user.tenant_id,
        create_time=to_timestamp(user.create_us),
        role_assignments=to_messages(assignments),
    )
    if user.password_expire_us is not None:
        message.password_expire_time.CopyFrom(to_timestamp(user.password_expire_us))
    return message


def check_password(field: str, password: str, *, username: str) -> None:
    """Raises MeshError INVALID_FIELD for a password that is too short, too long, or guessed first."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise invalid_field(field, f"{MIN_PASSWORD} to {MAX_PASSWORD} characters are needed")
    if why := why_guessable(password, username=username):
        raise invalid_field(field, why)


def check_findable(username: str) -> None:
    """Raises MeshError USER_NOT_FOUND for a text that can be no user's name."""
    if not is_plain(username, MAX_USERNAME):
        raise user_not_found(username)


def user_exists(username: str) -> MeshError:
    """ALREADY_EXISTS, reason USER_EXISTS."""
    return MeshError(
        grpc.StatusCode.ALREADY_EXISTS,
        Reason.USER_EXISTS,
        f"the username {username!r} is taken, or looks like one that is",
    )


def user_not_found(username: str) -> MeshError:
    """NOT_FOUND, reason USER_NOT_FOUND."""
    return MeshError(grpc.StatusCode.NOT_FOUND, Reason.USER_NOT_FOUND, f"there is no user {username[:MAX_USERNAME]!r}")
