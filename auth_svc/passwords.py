"""People's passwords: argon2id, off the event loop."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from auth_svc.normalization import MAX_PASSWORD
from mesh.runtime.error_reasons import Reason
from mesh.runtime.rate_limits import exhausted

T = TypeVar("T")

# Some ten seconds of hashing: no login waits for longer.
_MOST_WAITING = 100
# Of a stranger's: some five seconds.
_MOST_STRANGERS = 25
_RETRY_S = 5.0


class _Lane:
    """One thread with a bounded queue: each hash needs 64 MiB while it is computed, and a core."""

    def __init__(self, name: str, most_waiting: int) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"argon2-{name}")
        self._most_waiting = most_waiting
        self._waiting = 0

    async def run(self, work: Callable[[], T]) -> T:
        """Runs it in its turn; not at all where its caller is gone by then. Raises MeshError TOO_MANY_ATTEMPTS."""
        if self._waiting >= self._most_waiting:
            raise exhausted(Reason.TOO_MANY_ATTEMPTS, "too many logins at once", _RETRY_S)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """Waits for what is running."""
        await asyncio.to_thread(self._pool.shutdown)


class Passwords:
    """Hashes and verifies passwords on two threads, one of which is for strangers: they delay nobody else."""

    def __init__(self, *, hasher: PasswordHasher) -> None:
        self._hasher = hasher
        self._known = _Lane("known", _MOST_WAITING)
        self._strangers = _Lane("strangers", _MOST_STRANGERS)
        # Verified where there is no such user, so that both answers take the same time.
        self._nobodys = hasher.hash(secrets.token_urlsafe())

    async def hash(self, password: str, *, stranger: bool = False) -> str:
        """The hash to keep; `stranger`: for a caller without a token. Raises MeshError TOO_MANY_ATTEMPTS."""
        return await self._lane(stranger).run(lambda: self._hasher.hash(password))

    async def matches(self, password: str, password_hash: str | None, *, stranger: bool = False) -> bool:
        """Whether this is the password; None is that of a user who does not exist. Raises as `hash`.

        `stranger`: the user has not logged in from there before.
        """
        return await self._lane(stranger).run(lambda: self._verify(password, password_hash))

    async def close(self) -> None:
        """Waits for what is running."""
        for lane in (self._known, self._strangers):
            await lane.close()

    def _lane(self, stranger: bool) -> _Lane:
        return self._strangers if stranger else self._known

    def _verify(self, password: str, password_hash: str | None) -> bool:
        try:
            self._hasher.verify(password_hash or self._nobodys, password[: MAX_PASSWORD + 1])
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None
