"""Handshakes that failed authentication: counted on the station and published, in bounded space and time.

Any client can cause them, as fast as sockets open. So each is counted in memory, at most MOST_STATIONS stations at a
time, and they are stored together: the first after a quiet time at once, those after it every INTERVAL_S seconds.
"""

import asyncio
from functools import partial

from mesh.database.engine import Database
from mesh.runtime.background import PeriodicTask
from mesh.runtime.times import Clock
from station_svc.features.credentials import store

INTERVAL_S = 10.0
MOST_STATIONS = 10_000


class CredentialFailures:
    """Counts failed handshakes. Run `run` beside the service; a process that is killed loses the last seconds."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._waiting: dict[tuple[str, str], store.Failures] = {}  # by tenant and station
        self._news = asyncio.Event()

    def note(self, station: tuple[str, str], address: str, reason: str) -> None:
        """A handshake in the name of a station, by tenant and id, failed."""
        known = self._waiting.get(station)
        if known is None and len(self._waiting) >= MOST_STATIONS:
            return
        count = 1 if known is None else known.count + 1
        self._waiting[station] = store.Failures(count, self._clock(), address, reason)
        self._news.set()

    async def run(self) -> None:
        """Stores until it is cancelled."""
        await PeriodicTask("credential failures", self.flush, every_s=INTERVAL_S, due=self._news).run()

    async def flush(self) -> None:
        """Writes down what was counted since the last time."""
        self._news.clear()
        waiting, self._waiting = self._waiting, {}
        if waiting:
            await self._database.write(partial(store.note_failures, failures=waiting, now_us=self._clock()))
