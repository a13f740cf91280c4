"""Publishes the streams to RabbitMQ, for consumers of any kind (docs/DESIGN.md, "Transactional outbox").

Topic exchange `csms.events`, routing key `<tenant>.<source>.<type>`; the body is the event in protobuf's JSON, as REST
returns it. At least once: the position is saved after the broker has confirmed, so that after a failure some events
come again, with the same id. In order per station and source: of these two an event is sent when the one before it is
confirmed, so that one which the broker refuses cannot be overtaken; different stations do not wait for each other.

A stream that has never been published is published from the oldest event that is kept.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange
from aio_pika.connection import make_url
from aio_pika.exceptions import AMQPError
from google.protobuf.json_format import MessageToJson

from mesh.database.engine import Database
from mesh.database.leader import Leader
from mesh.runtime.backoff import Backoff
from mesh.runtime.errors import MeshError
from mesh.runtime.logs import get_logger
from mesh.runtime.times import SECOND_US
from notification_svc import store
from notification_svc.messages import to_message
from notification_svc.store import StoredEvent

log = get_logger(__name__)

EXCHANGE = "csms.events"
PAGE = 256
POLL_S = 1.0
TIMEOUT_S = 30.0
CLOSE_S = 5.0
BACKOFF = Backoff(first_s=0.2, most_s=10.0)
# AMQP 0-9-1 has a byte for the length of a routing key and of a message id.
_SHORT = 255
# All errors of a connection: the protocol, the network, or aio-pika on its way down.
_FAILURES = (AMQPError, OSError, asyncio.TimeoutError, RuntimeError, MeshError)


class Fanout:
    """Publishes what is in the streams. Run `run` beside the servers. `poll_s` is how often it looks by itself."""

    def __init__(self, *, database: Database, url: str, exchange: str = EXCHANGE, poll_s: float = POLL_S) -> None:
        self._database = database
        self._url = url
        self._exchange_name = exchange
        self._poll_s = poll_s
        self._news = asyncio.Event()
        self._failures = 0

    def announce(self, _heads: Mapping[str, int]) -> None:
        """Announces that there are new events."""
        self._news.set()

    async def run(self) -> None:
        """Publishes until it is cancelled, on one replica; reconnects without a limit."""
        leader = Leader(engine=self._database.engine, work="fan-out", check_s=self._poll_s)
        try:
            while True:
                try:
                    await self._lead(leader)
                except _FAILURES as error:
                    self._note_failure(error)
                    await asyncio.sleep(BACKOFF.after(self._failures))
        finally:
            await leader.close()

    async def _lead(self, leader: Leader) -> None:
        """Publishes for as long as this replica leads; where another one does, returns after a moment."""
        if not await leader.is_leading():
            await asyncio.sleep(self._poll_s)
            return
        # Not `aio_pika.connect`, which leaves what it has begun to its finalizer where it fails.
        connection = aio_pika.Connection(make_url(self._url))
        try:
            await connection.connect(timeout=TIMEOUT_S)
            exchange = await self._declare(connection)
            while await leader.is_leading():
                self._news.clear()
                await self._publish_all(exchange)
                self._recovered()
                await self._wait(connection)
        finally:
            async with asyncio.timeout(CLOSE_S):
                await connection.close()

    async def _declare(self, connection: AbstractConnection) -> AbstractExchange:
        channel: AbstractChannel = await connection.channel(publisher_confirms=True)
        kind = aio_pika.ExchangeType.TOPIC
        return await channel.declare_exchange(self._exchange_name, kind, durable=True, timeout=TIMEOUT_S)

    async def _publish_all(self, exchange: AbstractExchange) -> None:
        unsent = dict(await self._database.read(store.read_unsent))
        while unsent:  # a page of each tenant in turn, so that none waits for all pages of another
            for tenant_id, position in list(unsent.items()):
                page = await self._read(tenant_id, position)
                await self._publish(exchange, page.events)
                await self._database.write(partial(store.save_sent, tenant_id=tenant_id, cursor=page.through))
                unsent[tenant_id] = page.through
                if page.through >= page.last_cursor:
                    del unsent[tenant_id]

    async def _read(self, tenant_id: str, position: int) -> store.Page:
        page = await self._database.read(
            lambda connection: store.read_page(connection, tenant_id, after=position, condition=None, limit=PAGE)
        )
        if 0 < position < page.removed_cursor:
            log.error("events were removed before the broker had them", tenant_id=tenant_id, after_cursor=position)
        return page

    async def _publish(self, exchange: AbstractExchange, events: Sequence[StoredEvent]) -> None:
        """Returns when the broker has confirmed all of them. Raises where one fails, after the others have ended."""
        chains: dict[tuple[str, str], list[StoredEvent]] = {}
        for event in events:
            chains.setdefault((event.source, event.station_id), []).append(event)
        tasks = [_publish_chain(exchange, chain) for chain in chains.values()]
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _wait(self, connection: aio_pika.Connection) -> None:
        """Returns when there may be something to publish. Raises ConnectionError where the connection was lost."""
        with suppress(TimeoutError):
            # Not wait_for, which may forget a cancellation: see mesh/events/relay.py.
            async with asyncio.timeout(self._poll_s):
                await self._news.wait()
        if not connection.connected.is_set():
            raise ConnectionError("the broker closed the connection")

    def _recovered(self) -> None:
        if self._failures:
            log.info("events are handed to the broker again")
            self._failures = 0

    def _note_failure(self, error: Exception) -> None:
        if not self._failures:
            log.warning("events wait for the broker", error=str(error) or repr(error))
        self._failures += 1


async def _publish_chain(exchange: AbstractExchange, events: Iterable[StoredEvent]) -> None:
    for event in events:
        # Not mandatory: an event without a bound queue is dropped.
        await exchange.publish(_message(event), routing_key=_routing_key(event), mandatory=False, timeout=TIMEOUT_S)


def _message(event: StoredEvent) -> aio_pika.Message:
    """The event, persistent, with headers for consumers that select before they read the body."""
    return aio_pika.Message(
        body=MessageToJson(to_message(event), indent=None, ensure_ascii=False).encode(),
        content_type="application/json",
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=event.event_id if len(event.event_id.encode()) <= _SHORT else None,
        timestamp=datetime.fromtimestamp(event.event_time_us // SECOND_US, UTC),
        type=event.type,
        app_id="csms",
        headers={
            "tenant_id": event.tenant_id,
            "station_id": event.station_id,
            "cursor": event.cursor,
            "actor": event.actor,
        },
    )


def _routing_key(event: StoredEvent) -> str:
    key = f"{event.tenant_id}.{event.source}.{event.type}".encode()
    return key[:_SHORT].decode(errors="ignore")
