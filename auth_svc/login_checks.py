"""The check of a username and password, behind the limits that bound its cost."""

import grpc
from sqlalchemy import Connection

from auth_svc import known_source_store, user_store, usernames
from auth_svc.login_throttle import LoginThrottle
from auth_svc.normalization import MAX_USERNAME, fold, is_plain
from auth_svc.passwords import Passwords
from mesh.contract.tenants import own_name
from mesh.database.engine import Database
from mesh.identity.acting import note_resource
from mesh.identity.sources import current_source
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.times import DAY_US, Clock

# As long as a source stays known: housekeeping removes it then, which may take a moment.
KNOWN_SOURCE_DAYS = 90
# A source that is used every day is written once a day.
_RECORDED_AGAIN_AFTER_US = DAY_US


class LoginChecks:
    """Finds the user of a name and password, and remembers from where users log in."""

    def __init__(self, *, database: Database, passwords: Passwords, throttle: LoginThrottle, clock: Clock) -> None:
        self._database = database
        self._passwords = passwords
        self._throttle = throttle
        self._clock = clock

    async def prove(self, tenant_id: str, username: str, password: str) -> user_store.User:
        """The tenant's user of this name and password; takes the same time for one that does not exist, or no tenant.

        Raises MeshError UNAUTHENTICATED, reason WRONG_CREDENTIALS, or RESOURCE_EXHAUSTED, reason TOO_MANY_ATTEMPTS.
        """
        network, now_us = current_source().network, self._clock()
        key = own_name(tenant_id, usernames.key(username[: MAX_USERNAME + 1]))
        attempt = self._throttle.begin(network, key)

        def find(connection: Connection) -> tuple[user_store.User | None, int | None]:
            user = user_store.get_user(connection, tenant_id, username) if is_plain(username, MAX_USERNAME) else None
            # Looked up for everyone, so that it shows nothing.
            account = ("", "") if user is None else (user.tenant_id, fold(user.username))
            return user, known_source_store.last_login_us(connection, *account, network)

        try:
            user, last_us = await self._database.read(find)
        except MeshError:
            attempt.give_back()
            raise
        if user is not None:  # a name that nobody has may be a password in the wrong field
            note_resource("user", user.username, tenant_id=user.tenant_id)
        is_known = last_us is not None and last_us > now_us - KNOWN_SOURCE_DAYS * DAY_US
        attempt.admit(is_known=is_known)
        password_hash = None if user is None else user.password_hash
        try:
            right = await self._passwords.matches(password, password_hash, stranger=not is_known)
        except MeshError:
            attempt.give_back()
            raise
        if user is None or not right:
            raise wrong_credentials()
        attempt.succeeded()
        if last_us is None or last_us <= now_us - _RECORDED_AGAIN_AFTER_US:
            await self._record(user, network, now_us)
        return user

    async def _record(self, user: user_store.User, network: str, now_us: int) -> None:
        key = fold(user.username)
        await self._database.write(
            lambda connection: known_source_store.record_login(connection, user.tenant_id, key, network, now_us=now_us)
        )


def wrong_credentials() -> MeshError:
    """UNAUTHENTICATED, reason WRONG_CREDENTIALS: the same whether there is such a user or not."""
    return MeshError(
        grpc.StatusCode.UNAUTHENTICATED, Reason.WRONG_CREDENTIALS, "there is no such user, or the password is another"
    )
