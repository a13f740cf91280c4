"""Unknown id tokens that stations request: collected in memory, written in the background.

They are written after the answer, so that no driver at a station waits for it. Tokens that a SIGKILL loses are seen
again.
"""

import asyncio
from dataclasses import replace

from csms.auth.v1.authorization_service_pb2 import AuthorizeItem

from auth_svc import seen_token_store
from auth_svc.seen_token_store import SeenToken
from mesh.contract.texts import without_nul
from mesh.database.engine import Database
from mesh.runtime.background import PeriodicTask
from mesh.runtime.errors import MeshError
from mesh.runtime.logs import get_logger
from mesh.runtime.times import Clock

log = get_logger(__name__)

EVERY_S = 1.0
# Different ones between two writings. Readers at doors cannot read that many; who makes them up is not to fill memory.
MOST_WAITING = 1000


class SeenTokens:
    """Counts them; `run` stores them once a second at the most, and `flush` those that are left at the end."""

    def __init__(self, *, database: Database, clock: Clock, every_s: float = EVERY_S) -> None:
        self._database = database
        self._clock = clock
        self._every_s = every_s
        self._waiting: dict[tuple[str, str], SeenToken] = {}
        self._noted = asyncio.Event()

    def note(self, key: tuple[str, str], item: AuthorizeItem) -> None:
        """Records that a station requested an unknown id token of this tenant and normalized text."""
        earlier = self._waiting.get(key)
        if earlier is None and len(self._waiting) >= MOST_WAITING:
            return
        now_us = self._clock()
        self._waiting[key] = SeenToken(
            tenant_id=key[0],
            id_token=item.id_token.id_token,
            type=without_nul(item.id_token.type),
            station_id=item.origin.station_id,
            evse_id=item.evse.evse_id,
            connector_id=item.evse.connector_id,
            first_us=earlier.first_us if earlier else now_us,
            last_us=now_us,
            count=earlier.count + 1 if earlier else 1,
        )
        self._noted.set()

    async def run(self) -> None:
        """Stores until it is cancelled."""
        await PeriodicTask("seen tokens", self._store, every_s=self._every_s, due=self._noted).run()

    async def flush(self) -> None:
        """Stores the noted tokens. If the database is unavailable, they are kept for the next attempt."""
        try:
            await self._store()
        except MeshError as error:
            log.warning("unknown id tokens not written down yet", reason=error.reason)

    async def _store(self) -> None:
        self._noted.clear()
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        try:
            await self._database.write(lambda connection: seen_token_store.record(connection, list(waiting.values())))
        except MeshError:
            self._waiting = _joined(waiting, self._waiting)
            self._noted.set()
            raise


def _joined(
    earlier: dict[tuple[str, str], SeenToken], later: dict[tuple[str, str], SeenToken]
) -> dict[tuple[str, str], SeenToken]:
    joined = dict(earlier)
    for key, one in later.items():
        before = joined.get(key)
        if before is not None:
            joined[key] = replace(one, first_us=before.first_us, count=before.count + one.count)
        elif len(joined) < MOST_WAITING:
            joined[key] = one
    return joined
