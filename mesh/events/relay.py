"""Publishes a service's outbox to notification_svc (docs/DESIGN.md, "Transactional outbox").

An event is delivered at least once: it is marked as published after notification_svc has stored it, in a later
transaction, so that a failure in between loses only the mark; notification_svc recognizes a repeated event by its id.

Per station, order is kept without a lock: a batch is the oldest unpublished events as one transaction sees them, so an
event is sent with or after those of its station that were committed before it, even if two processes do this at
once. One replica alone does it (mesh/database/leader.py) to save work; correctness does not need that.

An event wakes it at once; after a batch it lingers so that more events join the next one: the rate of batches is
bounded, not the number of events in one. Events that another replica appended are found by a poll every second, for as
long as another replica waits for the lead; the leader finds out within ALONE_POLL_S that there is one. Where there is
none, the poll only finds what a process appended that ended before it could relay it.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import grpc
import msgspec
from csms.event.v1.event_ingest_service_pb2 import PublishEventItem, PublishEventsRequest
from csms.event.v1.event_ingest_service_pb2_grpc import EventIngestServiceStub
from csms.event.v1.event_service_pb2 import Event
from sqlalchemy import Connection

from mesh.database.engine import Database
from mesh.database.leader import Leader
from mesh.events import outbox
from mesh.events.outbox import OutboxRow
from mesh.grpc.channels import open_channel
from mesh.identity.mesh_identity import MeshIdentity
from mesh.runtime.background import Background, wait_until_beat
from mesh.runtime.backoff import Backoff
from mesh.runtime.errors import MeshError, from_rpc_error
from mesh.runtime.logs import get_logger
from mesh.runtime.times import Clock, to_timestamp

log = get_logger(__name__)

MAX_ITEMS = 256
MAX_BYTES = 1024 * 1024
POLL_S = 1.0
ALONE_POLL_S = 6.0
# Events of this time share a turn: each costs three processes a call or a transaction, and nobody decides within half a
# second of one.
LINGER_S = 0.5
TIMEOUT_S = 10.0
BACKOFF = Backoff(first_s=0.1, most_s=5.0)
# After a batch with as many events as this there may be more: the next one follows at once.
_AT_ONCE = MAX_ITEMS
# Codes by which notification_svc, or gRPC on its way there, refuses an event for good, however often it is sent.
_REFUSALS = frozenset({grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED})


def open_relay(
    stack: AsyncExitStack, *, database: Database, address: str | None, identity: MeshIdentity, clock: Clock
) -> Sequence[Background]:
    """The background tasks of a service: the relay to notification_svc at `address`, none if there is no address.

    Events have the service's part as their source. The channel's end goes onto `stack`.
    """
    source = identity.part
    if address is None:
        log.info("no relay: events stay in the outbox until CSMS_NOTIFICATION_ADDRESS is set", source=source)
        return ()
    channel = open_channel(address, identity=identity, to="notification")
    stack.push_async_callback(channel.close)
    return (Relay(database=database, channel=channel, source=source, clock=clock).run,)


class Relay:
    """Publishes the events of one service's outbox. `run` is a background task of the service.

    `poll_s` is the interval at which it reads events that other replicas appended, `alone_poll_s` that where there are
    none, `linger_s` the linger after a batch that was not full; all in seconds.
    """

    def __init__(
        self,
        *,
        database: Database,
        channel: grpc.aio.Channel,
        source: str,
        clock: Clock,
        poll_s: float = POLL_S,
        alone_poll_s: float = ALONE_POLL_S,
        linger_s: float = LINGER_S,
    ) -> None:
        self._database = database
        self._stub = EventIngestServiceStub(channel)
        self._source = source
        self._clock = clock
        self._poll_s = poll_s
        self._alone_poll_s = alone_poll_s
        self._linger_s = linger_s
        self._wake = asyncio.Event()
        self._unmarked: list[int] = []
        self._failures = 0

    async def run(self) -> None:
        """Relays until it is cancelled."""
        leader = Leader(
            engine=self._database.engine,
            work=f"relay of {self._source}",
            check_s=self._poll_s,
            watches_others=True,
        )
        loop = asyncio.get_running_loop()

        def committed(notes: dict[Any, Any]) -> None:
            if outbox.take_appended(notes) and not self._wake.is_set():
                loop.call_soon_threadsafe(self._wake.set)

        self._database.on_commit(committed)
        try:
            while True:
                published = await self._attempt(leader)
                await self._rest(published, self._poll_s if leader.has_others else self._alone_poll_s)
        finally:
            self._database.remove_listener(committed)
            await leader.close()

    async def _attempt(self, leader: Leader) -> int:
        """Publishes one batch; returns the number of its events. Waits where it does not lead, and after a failure."""
        try:
            if not await leader.is_leading():
                await asyncio.sleep(self._poll_s)
                return _AT_ONCE
            published = await self._turn()
        except MeshError as error:
            self._note_failure(error)
            await asyncio.sleep(BACKOFF.after(self._failures))
            return _AT_ONCE
        if self._failures:
            log.info("events are relayed again", source=self._source)
            self._failures = 0
        return published

    async def _rest(self, published: int, poll_s: float) -> None:
        if published >= _AT_ONCE:
            return
        if published:
            await asyncio.sleep(self._linger_s)
            return
        await wait_until_beat(self._wake, poll_s)

    async def _turn(self) -> int:
        self._wake.clear()
        rows = await self._next_rows()
        batch = _cut(rows)
        if batch:
            await self._publish(batch)
            self._unmarked = [row.outbox_id for row in batch]
        return len(batch) if len(batch) == len(rows) else _AT_ONCE

    async def _next_rows(self) -> list[OutboxRow]:
        """The next events, in the transaction that marks the ones before."""
        if not self._unmarked:
            return await self._database.read(_unpublished)
        unmarked, now_us = self._unmarked, self._clock()

        def work(connection: Connection) -> list[OutboxRow]:
            outbox.mark_published(connection, unmarked, now_us=now_us)
            return _unpublished(connection)

        rows = await self._database.write(work)
        self._unmarked = []
        return rows

    async def _publish(self, rows: Sequence[OutboxRow]) -> None:
        """Delivers a batch; halves a refused one until the refused event is alone.

        An event that is refused for its content is skipped, so that it does not block the others: the
        log names it, and the outbox keeps it like a published one.
        """
        items = [item for row in rows if (item := self._to_item(row)) is not None]
        try:
            await self._stub.PublishEvents(PublishEventsRequest(items=items), timeout=TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            if error.code() not in _REFUSALS:
                raise from_rpc_error(error) from error
            if len(rows) == 1:
                self._leave_behind(rows[0], error.details() or error.code().name)
                return
            middle = len(rows) // 2
            await self._publish(rows[:middle])
            await self._publish(rows[middle:])

    def _to_item(self, row: OutboxRow) -> PublishEventItem | None:
        try:
            event = Event(
                event_id=row.event_id,
                type=row.type,
                source=self._source,
                station_id=row.station_id,
                event_time=to_timestamp(row.event_time_us),
                data=msgspec.json.decode(row.data),
                actor=row.actor or "",
            )
        except (msgspec.MsgspecError, ValueError, TypeError, OverflowError) as error:
            self._leave_behind(row, repr(error))
            return None
        return PublishEventItem(tenant_id=row.tenant_id, event=event)

    def _leave_behind(self, row: OutboxRow, reason: str) -> None:
        log.error("event cannot be delivered", source=self._source, event_id=row.event_id, type=row.type, error=reason)

    def _note_failure(self, error: MeshError) -> None:
        if not self._failures:
            log.warning("events wait in the outbox", source=self._source, code=error.code.name, error=error.message)
        self._failures += 1


def _unpublished(connection: Connection) -> list[OutboxRow]:
    return outbox.unpublished(connection, limit=MAX_ITEMS)


def _cut(rows: Sequence[OutboxRow]) -> Sequence[OutboxRow]:
    """As many rows as go into one message, at least one."""
    size = 0
    for index, row in enumerate(rows):
        size += len(row.data)
        if index and size > MAX_BYTES:
            return rows[:index]
    return rows
