"""Temporary passwords: for one login, which sets a new one."""

import secrets
from dataclasses import dataclass, field

from sqlalchemy import Connection

from auth_svc import user_store
from auth_svc.passwords import Passwords
from mesh.runtime.times import SECOND_US, Clock

VALID_S = 24 * 3600
_BYTES = 12


@dataclass(frozen=True, kw_only=True)
class TemporaryPassword:
    """A password, with its hash and its end."""

    password: str = field(repr=False)
    password_hash: str = field(repr=False)
    create_us: int
    expire_us: int

    def set(self, connection: Connection, user: user_store.User) -> bool:
        """Gives it to a user, whose sign-ins end; False where the user is not there."""
        return user_store.set_password(
            connection,
            user.tenant_id,
            user.username,
            self.password_hash,
            now_us=self.create_us,
            expire_us=self.expire_us,
        )


class TemporaryPasswords:
    """Makes them: random, with 96 bits."""

    def __init__(self, *, passwords: Passwords, clock: Clock) -> None:
        self._passwords = passwords
        self._clock = clock

    async def make(self) -> TemporaryPassword:
        """A new one, which is nobody's yet."""
        password, now_us = secrets.token_urlsafe(_BYTES), self._clock()
        password_hash = await self._passwords.hash(password)
        return TemporaryPassword(
            password=password,
            password_hash=password_hash,
            create_us=now_us,
            expire_us=now_us + VALID_S * SECOND_US,
        )
