"""People's passwords: argon2id, off the event loop."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import grpc
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from auth_svc.normalization import MAX_PASSWORD
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError

T = TypeVar("T")

# Each hash needs 64 MiB while it is computed, and a core.
_THREADS = 2
# Some ten seconds of hashing: no login waits for longer.
_MOST_WAITING = 200


class Passwords:
    """Hashes and verifies passwords on a small pool of threads, with a bounded queue."""

    def __init__(self, *, hasher: PasswordHasher) -> None:
        self._hasher = hasher
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="argon2")
        self._waiting = 0
        # Verified where there is no such user, so that both answers take the same time.
        self._nobodys = hasher.hash(secrets.token_urlsafe())

    async def hash(self, password: str) -> str:
        """The hash to keep. Raises MeshError RESOURCE_EXHAUSTED where too many are waiting."""
        return await self._run(lambda: self._hasher.hash(password))

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether this is the password; None is that of a user who does not exist. Raises as `hash`."""
        return await self._run(lambda: self._verify(password, password_hash))

    async def close(self) -> None:
        """Waits for what is running."""
        await asyncio.to_thread(self._pool.shutdown)

    def _verify(self, password: str, password_hash: str | None) -> bool:
        try:
            self._hasher.verify(password_hash or self._nobodys, password[: MAX_PASSWORD + 1])
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= _MOST_WAITING:
            raise MeshError(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                Reason.TOO_MANY_ATTEMPTS,
                "too many logins at once: try again in a minute",
            )
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1
