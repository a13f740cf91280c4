"""Links audit entries to their chains, after their commit, and passes them on (docs/AUDIT.md).

One replica does it (mesh/database/leader.py); two at once do no harm, because the second one waits for the lock of the
first. An entry wakes it at once; when idle it reads an empty index once in `POLL_S` seconds.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from mesh.audit import chain_store, entries
from mesh.audit.chain import ChainEntry
from mesh.database.engine import Database
from mesh.database.leader import Leader
from mesh.events import outbox
from mesh.events.outbox import OutboxEvent
from mesh.runtime.background import wait_until_beat
from mesh.runtime.errors import MeshError
from mesh.runtime.logs import get_logger

log = get_logger(__name__)

EVENT_TYPE = "audit.entry"
"""Type of the outbox rows that have linked entries: notification_svc keeps them apart from events."""
BATCH = 128
POLL_S = 6.0
# Entries of this time share a transaction.
LINGER_S = 0.2

PassOn = Callable[[Connection, str, Sequence[ChainEntry]], None]
"""Passes linked entries on, in the transaction that links them: (connection, source, entries)."""


def to_outbox(connection: Connection, source: str, linked: Sequence[ChainEntry]) -> None:
    """Appends linked entries to the outbox, whose relay brings them to notification_svc."""
    outbox.append(connection, [_event(source, entry) for entry in linked])


def _event(source: str, entry: ChainEntry) -> OutboxEvent:
    content: Mapping[str, Any] = {
        "sequence": str(entry.sequence),  # as text: a Struct keeps numbers as doubles
        "timeUs": str(entry.time_us),
        "previousHash": entry.previous_hash,
        "hash": entry.hash,
        "content": entry.content,
    }
    return OutboxEvent(
        event_id=f"audit:{source}:{entry.tenant_id}:{entry.sequence}",
        tenant_id=entry.tenant_id,
        type=EVENT_TYPE,
        station_id="",
        event_time_us=entry.time_us,
        data=content,
    )


class Linker:
    """Links the entries of one service, named `source`. `run` is a background task of it."""

    def __init__(
        self, *, database: Database, source: str, pass_on: PassOn, poll_s: float = POLL_S, linger_s: float = LINGER_S
    ) -> None:
        self._database = database
        self._source = source
        self._pass_on = pass_on
        self._poll_s = poll_s
        self._linger_s = linger_s
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Links until it is cancelled."""
        leader = Leader(engine=self._database.engine, work=f"audit of {self._source}", check_s=self._poll_s)
        loop = asyncio.get_running_loop()

        def committed(notes: dict[Any, Any]) -> None:
            if entries.take_appended(notes) and not self._wake.is_set():
                loop.call_soon_threadsafe(self._wake.set)

        self._database.on_commit(committed)
        try:
            while True:
                if await self._attempt(leader):
                    await asyncio.sleep(self._linger_s)
                await wait_until_beat(self._wake, self._poll_s)
        finally:
            self._database.remove_listener(committed)
            await leader.close()

    async def link_all(self) -> int:
        """Links the entries that have no place yet; returns how many. Raises MeshError as `Database.write` does."""
        total = 0
        while True:
            count = await self._database.write(self._link)
            total += count
            if count < BATCH:
                return total

    def _link(self, connection: Connection) -> int:
        linked = chain_store.link(connection, source=self._source, limit=BATCH)
        if linked:
            self._pass_on(connection, self._source, linked)
        return len(linked)

    async def _attempt(self, leader: Leader) -> bool:
        """Links what is there; whether there was something, which others may follow, or could be."""
        self._wake.clear()
        try:
            if await leader.is_leading() and await self._database.read(chain_store.has_unlinked):
                await self.link_all()
                return True
        except MeshError as error:
            log.warning("audit entries wait to be linked", source=self._source, reason=error.reason)
            return True
        return False
