"""Whether what stations offer is what slow hashes are of: computed once, off the event loop, and remembered.

Ten thousand stations that come back at once are known by what their password came to before: an HMAC under a key that
lives as long as this process. Wrong passwords are remembered too, apart, so that repeating one costs nothing.
"""

import asyncio
import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import unavailable
from station_svc.core.digests import HASH, StoredCredential
from station_svc.core.lock_store import StationKey
from station_svc.features.credentials import imported_passwords

_THREADS = 2
# About two seconds of work: a station that would wait for longer comes back later.
MOST_WAITING = 150
MOST_RIGHT = 100_000
MOST_WRONG = 10_000


class _Memory:
    """A bounded set; what was used last stays."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()  # read by the threads of the database, written by those of the hashes
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def add(self, key: bytes) -> None:
        with self._lock:
            self._known[key] = None
            self._known.move_to_end(key)
            while len(self._known) > self._most:
                self._known.popitem(last=False)

    def __contains__(self, key: bytes) -> bool:
        with self._lock:
            if key not in self._known:
                return False
            self._known.move_to_end(key)
            return True


@dataclass(frozen=True, kw_only=True)
class Better:
    """A hash that another system made, and what to keep instead now that its password is known."""

    station: StationKey
    old: StoredCredential
    new: StoredCredential


class Proofs:
    """The passwords that slow hashes are known to be of. `close` when done."""

    def __init__(self, *, most_waiting: int = MOST_WAITING) -> None:
        self._key = secrets.token_bytes(32)
        self._right = _Memory(MOST_RIGHT)
        self._wrong = _Memory(MOST_WRONG)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="credentials")
        self._most_waiting = most_waiting
        self._waiting = 0
        self._checked: set[StationKey] = set()  # stations whose credential is being checked

    def known(self, stored: StoredCredential, offered: bytes) -> bool | None:
        """Whether the credential offered is the one stored; None where that has to be computed first (`compute`)."""
        key = self._of(stored, offered)
        if key in self._right:
            return True
        return False if not offered or key in self._wrong else None

    async def compute(
        self, station: StationKey, offered: bytes, candidates: Sequence[StoredCredential]
    ) -> Better | None:
        """Computes the results of these for `known`. Returns a credential to store in place of a hash that matches.

        Raises MeshError UNAVAILABLE where too many wait, or another attempt of this station is being computed.
        """
        if self._waiting >= self._most_waiting or station in self._checked:
            raise unavailable(Reason.CREDENTIAL_CHECKS_BUSY, "too many credentials are being checked: try again later")
        self._waiting += 1
        self._checked.add(station)
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._pool, self._compute, station, offered, candidates
            )
        finally:
            self._waiting -= 1
            self._checked.discard(station)

    async def hash(self, passwords: Sequence[tuple[str, str]]) -> list[StoredCredential]:
        """The stored forms of passwords, each with its station's id. A few at a time, so that stations go between."""
        loop, made = asyncio.get_running_loop(), list[StoredCredential]()
        for start in range(0, len(passwords), _THREADS):
            some = passwords[start : start + _THREADS]
            work = [loop.run_in_executor(self._pool, imported_passwords.store_password, *pair) for pair in some]
            made += await asyncio.gather(*work)
        return made

    async def close(self) -> None:
        """Waits for what is running."""
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)

    def _compute(self, station: StationKey, offered: bytes, candidates: Sequence[StoredCredential]) -> Better | None:
        for stored in candidates:
            password = imported_passwords.proves(stored, offered)
            if password is None:
                self._wrong.add(self._of(stored, offered))
                continue
            self._right.add(self._of(stored, offered))
            return self._better(station, stored, offered, password)
        return None

    def _better(self, station: StationKey, stored: StoredCredential, offered: bytes, password: bytes) -> Better | None:
        if stored.salt != HASH:
            return None
        new = imported_passwords.store_password(password.decode(errors="replace"), station[1])
        if imported_passwords.proves(new, offered) is None:  # what was proven is no text: the hash stays
            return None
        self._right.add(self._of(new, offered))
        return Better(station=station, old=stored, new=new)

    def _of(self, stored: StoredCredential, offered: bytes) -> bytes:
        return hmac.digest(self._key, stored.digest.encode() + b"\0" + offered, hashlib.sha256)
