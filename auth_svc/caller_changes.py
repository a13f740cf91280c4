"""Changes of what callers may do, for all who wait for them: one look at the database a beat serves each of them."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, Self

from auth_svc import caller_change_store as store
from mesh.database.engine import Database
from mesh.identity.caller_directory import CallerChanges
from mesh.runtime.beats import BEAT_S, until_beat
from mesh.runtime.errors import MeshError

MOST_WAIT_S = 4.0
# Of this, and of less than the time that is left beyond it, callers are known who were revoked at another replica:
# mesh/identity/known_callers.py, STALE_S.
LOOK_EVERY_S = BEAT_S


class CallerChangeFeed:
    """Waits for changes. Those of this process are found at once, those of another replica by the next look.

    A look answers all who wait, whether it finds a change or not: their next questions wait for the next one. Use from
    one event loop. There are looks only while somebody waits.
    """

    def __init__(
        self,
        *,
        database: Database,
        monotonic_s: Callable[[], float] = time.monotonic,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._database = database
        self._monotonic_s = monotonic_s
        self._look_every_s = look_every_s
        self._waiting: set[asyncio.Event] = set()
        self._looking: asyncio.Task[None] | None = None
        self._looked_s = float("-inf")  # when the latest look began that succeeded
        self._version: int | None = None  # as it was read last; None where this process has changed it since
        self._is_stopping = False

    async def changes(self, after_version: int, *, wait_s: float) -> CallerChanges:
        """Changes after a version; where there are none yet, after a look or `wait_s` seconds. Raises MeshError."""
        received_s = self._monotonic_s()
        if not 0 < wait_s <= MOST_WAIT_S or self._is_stopping or after_version != self._version:
            return await self._read(after_version, received_s)
        looked = asyncio.Event()
        self._waiting.add(looked)
        try:
            if self._looking is None:
                self._looking = asyncio.create_task(self._look_on())
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await looked.wait()
        finally:
            self._waiting.discard(looked)
        if after_version != self._version or self._looked_s < received_s:
            return await self._read(after_version, received_s)
        return CallerChanges(changes=(), version=after_version, checked_after_s=self._looked_s - received_s)

    @contextmanager
    def following(self) -> Iterator[Self]:
        """Yields the feed, which notices the changes of this process for as long as the context lasts."""
        loop = asyncio.get_running_loop()

        def committed(connection_info: dict[Any, Any]) -> None:
            if store.take_recorded(connection_info):
                loop.call_soon_threadsafe(self._wake_all)

        self._database.on_commit(committed)
        try:
            yield self
        finally:
            self._database.remove_listener(committed)
            if self._looking is not None:
                self._looking.cancel()

    def stop(self) -> None:
        """Answers those who wait for a change: none would end by itself before the service does."""
        self._is_stopping = True
        self._wake_all()

    async def _look_on(self) -> None:
        try:
            loop = asyncio.get_running_loop()
            while True:
                await asyncio.sleep(until_beat(self._look_every_s, loop.time()))
                if not self._waiting:
                    return
                begun_s = self._monotonic_s()
                asking = list(self._waiting)
                version = await self._database.read(store.latest_version)
                self._looked_s, self._version = begun_s, version
                for looked in asking:
                    looked.set()
        except MeshError:
            self._wake_all()  # each reads for itself, and has the error for an answer
        finally:
            self._looking = None

    def _wake_all(self) -> None:
        self._version = None
        for looked in self._waiting:
            looked.set()

    async def _read(self, after_version: int, received_s: float) -> CallerChanges:
        begun_s = self._monotonic_s()
        found = await self._database.read(lambda connection: store.list_changes(connection, after_version))
        self._version = found.version
        return replace(found, checked_after_s=begun_s - received_s)
