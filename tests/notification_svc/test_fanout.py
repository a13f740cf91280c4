"""The way to RabbitMQ, on a real one: the one CSMS_TEST_AMQP_URL names, else one on this machine with its defaults."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlsplit

import aio_pika
import pytest
from aio_pika.abc import AbstractQueue

from mesh.runtime.times import to_timestamp
from notification_svc import store
from notification_svc.fanout import Fanout
from tests.brokers import Broker, take
from tests.notification_svc.rig import RETENTION_DAYS, Notifications, item
from tests.waiting import eventually, until


async def _ids(queue: AbstractQueue, count: int) -> list[str]:
    return [json.loads(message.body)["eventId"] for message in await take(queue, count)]


Start = Callable[[str], Awaitable[Fanout]]


@pytest.fixture
async def start(stack: AsyncExitStack, notifications: Notifications, broker: Broker) -> Start:
    """Starts a fan-out of the streams to the broker, over this URL."""

    async def start(url: str) -> Fanout:
        fanout = Fanout(database=notifications.database, url=url, exchange=broker.exchange, poll_s=0.05)
        stack.push_async_callback(_cancel, asyncio.create_task(fanout.run()))
        return fanout

    return start


async def _all_sent(notifications: Notifications) -> bool:
    return not await notifications.database.read(store.read_unsent)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_event_arrives_as_rest_gives_it(notifications: Notifications, broker: Broker, start: Start) -> None:
    """With a key to bind by, and the rest where AMQP has a place for it."""
    queue = await broker.queue("acme.transaction.#")
    sent = item(
        "e1",
        tenant_id="acme",
        type="transaction.ended",
        source="transaction",
        event_time=to_timestamp(1_700_000_000_500_000),
    )
    sent.event.data.update({"energy_wh": 12.5, "text": "é"})
    await start(broker.url)
    await notifications.publish(item("other", tenant_id="acme"), item("foreign", source="transaction"), sent)
    (message,) = await take(queue, 1)
    body = json.loads(message.body)
    assert body.pop("cursor") == str(message.headers["cursor"])
    assert body == {
        "eventId": "e1",
        "type": "transaction.ended",
        "source": "transaction",
        "stationId": "CP1",
        "eventTime": "2023-11-14T22:13:20.500Z",
        "data": {"energy_wh": 12.5, "text": "é"},
    }
    assert message.routing_key == "acme.transaction.transaction.ended"
    assert (message.message_id, message.type, message.content_type) == ("e1", "transaction.ended", "application/json")
    assert message.delivery_mode is aio_pika.DeliveryMode.PERSISTENT
    assert message.timestamp == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert (message.headers["tenant_id"], message.headers["station_id"]) == ("acme", "CP1")


async def test_all_that_is_kept_and_then_what_happens_in_each_stations_order(
    notifications: Notifications, broker: Broker, start: Start
) -> None:
    """More than a page, before and after it begins."""
    queue = await broker.queue("#")
    for batch in range(4):
        await notifications.publish(*(item(f"{batch}.{n}", station_id=f"CP{n % 7}") for n in range(100)))
    fanout = await start(broker.url)
    for batch in range(4, 8):
        await notifications.publish(*(item(f"{batch}.{n}", station_id=f"CP{n % 7}") for n in range(100)))
        fanout.announce({})
    found: dict[str, list[str]] = {}
    for message in await take(queue, 800):
        body = json.loads(message.body)
        found.setdefault(body["stationId"], []).append(body["eventId"])
    assert found == {f"CP{n}": [f"{b}.{m}" for b in range(8) for m in range(n, 100, 7)] for n in range(7)}


async def test_restart_goes_on_where_it_was(
    stack: AsyncExitStack, notifications: Notifications, broker: Broker, start: Start
) -> None:
    """Events that the broker has confirmed do not come again."""
    queue = await broker.queue("#")
    await notifications.publish(item("a"), item("b"))
    first = Fanout(database=notifications.database, url=broker.url, exchange=broker.exchange, poll_s=0.05)
    running = asyncio.create_task(first.run())
    assert await _ids(queue, 2) == ["a", "b"]
    await eventually(lambda: _all_sent(notifications))
    await _cancel(running)
    await notifications.publish(item("c"))
    await start(broker.url)
    assert await _ids(queue, 1) == ["c"]
    assert await queue.get(fail=False) is None


@dataclass(kw_only=True)
class Wire:
    """A port in front of the broker that can be cut."""

    host: str
    port: int
    open: bool = True
    connections: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    passing: set[asyncio.Task[None]] = field(default_factory=set)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Passes bytes both ways until it is cut."""
        self.passing.add(asyncio.create_task(self._pass(reader, writer)))

    async def close(self) -> None:
        """Cuts what is connected, and waits until all is closed."""
        self.cut()
        await asyncio.gather(*self.passing, return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        if not self.open:
            writer.close()
            return
        self.connections += 1
        far_reader, far_writer = await asyncio.open_connection(self.host, self.port)
        self.writers.append(far_writer)
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))

    def cut(self) -> None:
        """Cuts what is connected, in whatever it is doing."""
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(4096):
            writer.write(data)
            await writer.drain()
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def test_connection_that_is_cut_loses_nothing(
    stack: AsyncExitStack, notifications: Notifications, broker: Broker, start: Start
) -> None:
    """Away at the start, then cut in the middle again and again: all arrive, and in order but for what comes again."""
    parts = urlsplit(broker.url)
    wire = Wire(host=parts.hostname or "127.0.0.1", port=parts.port or 5672, open=False)
    stack.push_async_callback(wire.close)
    server = await asyncio.start_server(wire.accept, "127.0.0.1", 0)
    stack.callback(server.close)
    port = server.sockets[0].getsockname()[1]
    fanout = await start(parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}").geturl())
    queue = await broker.queue("#")
    total = 0
    for cut in range(5):
        for _ in range(3):
            await notifications.publish(*(item(str(total + n), station_id=f"CP{n % 3}") for n in range(100)))
            fanout.announce({})
            total += 100
        wire.open = True
        connections = wire.connections
        if cut:
            await asyncio.sleep(0.004 * cut)  # somewhere in the middle
            wire.cut()
            await until(lambda seen=connections: wire.connections > seen)  # type: ignore[misc]
    seen: dict[str, int] = {}
    while len(seen) < total:
        (name,) = await _ids(queue, 1)
        seen.setdefault(name, len(seen))
    for station in range(3):
        own = sorted((int(name) for name in seen if int(name) % 100 % 3 == station), key=lambda n: seen[str(n)])
        assert own == sorted(own)
    wire.cut()


async def test_events_that_were_removed_first_do_not_stop_it(
    notifications: Notifications, broker: Broker, start: Start
) -> None:
    """The broker was unavailable for longer than events are kept: the fan-out goes on with the oldest there is."""
    queue = await broker.queue("#")
    await notifications.publish(item("a"), item("b"))
    await notifications.database.write(partial(store.save_sent, tenant_id="default", cursor=1))
    notifications.clock.advance((RETENTION_DAYS + 1) * 86_400)
    await notifications.expire()
    await notifications.publish(item("c"))
    await start(broker.url)
    assert await _ids(queue, 1) == ["c"]
