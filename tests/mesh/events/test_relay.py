"""The relay: each event of an outbox gets to notification_svc once, in its station's order, whatever dies."""

import asyncio
import multiprocessing
import signal
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa
from csms.event.v1.event_ingest_service_pb2 import PublishEventsRequest, PublishEventsResponse
from csms.event.v1.event_ingest_service_pb2_grpc import (
    EventIngestServiceServicer,
    EventIngestServiceStub,
    add_EventIngestServiceServicer_to_server,
)
from csms.event.v1.event_service_pb2 import Event
from google.protobuf.json_format import MessageToDict
from sqlalchemy.engine import make_url

from mesh.database.engine import Database, make_engine
from mesh.database.leader import Leader
from mesh.events import outbox
from mesh.events.outbox import OutboxEvent, outbox_table
from mesh.events.relay import Relay, open_relay
from mesh.grpc.channels import open_channel
from mesh.grpc.servers import mesh_server
from mesh.grpc.types import Context
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import unavailable
from mesh.runtime.times import from_timestamp
from tests.conftest import FakeClock
from tests.mesh.events.relay_process import SCHEMA, relay_until_killed
from tests.mesh_identities import identity_of, mesh_settings
from tests.notification_svc.rig import Notifications, start_notifications
from tests.ports import held_port
from tests.waiting import PATIENCE_S, eventually

_metadata = sa.MetaData()
_outbox = outbox_table(_metadata)

NEVER_S = 3600.0


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """A stack that is unwound at the end of the test."""
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def service_url(database_url: str) -> str:
    """Where the service has its outbox: a schema, or a file, of its own."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        url = url.set(database=f"{url.database}.service")
    return url.render_as_string(hide_password=False)


@pytest.fixture
async def database(stack: AsyncExitStack, service_url: str) -> Database:
    """The database of a service that has nothing but an outbox."""
    database = Database(engine=make_engine(service_url, SCHEMA))
    stack.push_async_callback(database.close)
    with database.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text(f"CREATE SCHEMA {SCHEMA}"))
        _metadata.create_all(connection)
    return database


@pytest.fixture
async def notifications(stack: AsyncExitStack, database_url: str, clock: FakeClock) -> Notifications:
    """Where events go to."""
    return await start_notifications(stack, database_url, clock)


def _events(ids: Iterable[str], station_id: str = "CP1") -> list[OutboxEvent]:
    return [
        OutboxEvent(event_id=name, tenant_id="default", type="a.b", station_id=station_id, event_time_us=1, data={})
        for name in ids
    ]


async def _append(database: Database, events: Sequence[OutboxEvent]) -> None:
    await database.write(lambda connection: outbox.append(connection, events))


async def _unpublished(database: Database) -> int:
    query = sa.select(sa.func.count()).where(_outbox.c.published_us.is_(None))
    return await database.read(lambda connection: connection.execute(query).scalar_one())


async def _drained(database: Database) -> bool:
    return not await _unpublished(database)


def _start(stack: AsyncExitStack, database: Database, address: str, clock: FakeClock, **options: float) -> Relay:
    channel = open_channel(address, identity=identity_of("station"), to="notification")
    stack.push_async_callback(channel.close)
    relay = Relay(database=database, channel=channel, source="station", clock=clock, **options)
    stack.push_async_callback(_cancel, asyncio.create_task(relay.run()))
    return relay


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@dataclass
class Recorder(EventIngestServiceServicer):
    """Stands before notification_svc, counts the batches, and fails as a test sets it."""

    behind: "EventIngestServiceStub"
    failures: list[str] = field(default_factory=list)  # what to do with the next batches: "before", "after"
    batches: list[list[Event]] = field(default_factory=list)

    async def PublishEvents(self, request: PublishEventsRequest, context: Context) -> PublishEventsResponse:
        """Passes a batch on, or fails before, or fails after."""
        failure = self.failures.pop(0) if self.failures else ""
        if failure == "before":
            raise unavailable(Reason.DATABASE_UNAVAILABLE, "did not arrive")
        self.batches.append([item.event for item in request.items])
        await self.behind.PublishEvents(request, timeout=30)  # type: ignore[misc]
        if failure == "after":
            raise unavailable(Reason.DATABASE_UNAVAILABLE, "the answer was lost")
        return PublishEventsResponse()


async def _recorder(stack: AsyncExitStack, notifications: Notifications, *failures: str) -> tuple[Recorder, str]:
    recorder = Recorder(notifications.ingest, list(failures))
    server = mesh_server(
        "127.0.0.1:0", identity=identity_of("notification"), services=["csms.event.v1.EventIngestService"]
    )
    add_EventIngestServiceServicer_to_server(recorder, server.server)
    await server.start()
    stack.push_async_callback(server.stop, 0)
    return recorder, f"127.0.0.1:{server.port}"


async def test_event_arrives_as_it_was_told(
    stack: AsyncExitStack, database: Database, notifications: Notifications, clock: FakeClock
) -> None:
    """All of its fields, and the service it came from; afterwards the outbox knows when."""
    _start(stack, database, notifications.mesh_address, clock)
    data = {"energy_wh": 1.5, "nested": {"list": [1, None, True, "x"]}}
    told = OutboxEvent(
        event_id="e",
        tenant_id="t",
        type="station.booted",
        station_id="CP1",
        event_time_us=1_700_000_000_123_456,
        data=data,
    )
    await _append(database, [told])
    (event,) = await eventually(lambda: notifications.all("t"))
    assert (event.event_id, event.type, event.source, event.station_id) == ("t:e", "station.booted", "station", "CP1")
    assert from_timestamp(event.event_time) == told.event_time_us
    assert MessageToDict(event.data) == data
    await eventually(lambda: _drained(database))
    query = sa.select(_outbox.c.published_us)
    assert await database.read(lambda connection: connection.execute(query).scalars().all()) == [clock()]


async def test_commit_wakes_it(
    stack: AsyncExitStack, database: Database, notifications: Notifications, clock: FakeClock
) -> None:
    """It does not find events by looking now and then, and one that was rolled back is none."""
    _start(stack, database, notifications.mesh_address, clock, poll_s=NEVER_S, linger_s=0)

    def fail(connection: sa.Connection) -> None:
        outbox.append(connection, _events(["rolled back"]))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.write(fail)
    for name in ("a", "b", "c"):
        await _append(database, _events([name]))
        await eventually(lambda: _drained(database))
    assert [event.event_id for event in await notifications.all()] == ["a", "b", "c"]


async def test_smaller_id_that_is_committed_later_is_not_passed_over(
    stack: AsyncExitStack, database: Database, notifications: Notifications, clock: FakeClock
) -> None:
    """Ids are given before transactions end, and these end in any order."""
    row = {"tenant_id": "default", "type": "a.b", "station_id": "CP1", "event_time_us": 1, "data": "{}"}
    _start(stack, database, notifications.mesh_address, clock, poll_s=0.01)
    for number in (7, 3, 5):
        insert = sa.insert(_outbox).values(outbox_id=number, event_id=str(number), **row)
        await database.write(lambda connection, insert=insert: connection.execute(insert))  # type: ignore[misc]
        await eventually(lambda: _drained(database))
    assert [event.event_id for event in await notifications.all()] == ["7", "3", "5"]


async def test_busy_outbox_leaves_in_batches(
    stack: AsyncExitStack, database: Database, notifications: Notifications, clock: FakeClock
) -> None:
    """Each event in a transaction of its own; few calls all the same: their number goes by time, not by events."""
    recorder, address = await _recorder(stack, notifications)
    loop, linger_s = asyncio.get_running_loop(), 0.5
    began_s = loop.time()
    _start(stack, database, address, clock, linger_s=linger_s)
    for index in range(60):
        await _append(database, _events([str(index)]))
    await eventually(lambda: _drained(database))
    assert [event.event_id for event in await notifications.all()] == [str(index) for index in range(60)]
    assert len(recorder.batches) <= 1 + (loop.time() - began_s) / linger_s


async def test_backlog_drains_in_bounded_batches(
    stack: AsyncExitStack, database: Database, notifications: Notifications, clock: FakeClock
) -> None:
    """At most 256 events and a megabyte or so in one, none after a pause."""
    ids = [str(index) for index in range(700)]
    await _append(database, _events(ids))
    large = [
        OutboxEvent(
            event_id=f"large{index}",
            tenant_id="default",
            type="a.b",
            station_id="",
            event_time_us=1,
            data={"text": "x" * 400_000},
        )
        for index in range(5)
    ]
    await _append(database, large)
    recorder, address = await _recorder(stack, notifications)
    _start(stack, database, address, clock)
    await eventually(lambda: _drained(database))
    assert [event.event_id for batch in recorder.batches for event in batch] == [*ids, *(e.event_id for e in large)]
    assert [len(batch) for batch in recorder.batches] == [256, 256, 190, 2, 1]


async def test_away_and_back(stack: AsyncExitStack, database: Database, database_url: str, clock: FakeClock) -> None:
    """Events wait while nobody takes them, also when that ends in the middle."""
    first = AsyncExitStack()
    address = f"127.0.0.1:{stack.enter_context(held_port())}"
    notifications = await start_notifications(first, database_url, clock, address=address)
    _start(stack, database, address, clock, poll_s=0.01, linger_s=0)
    await _append(database, _events(["a"]))
    await eventually(lambda: _drained(database))
    await first.aclose()
    await _append(database, _events(["b", "c"]))
    assert await _unpublished(database) == 2
    notifications = await start_notifications(stack, database_url, clock, address=address)
    await _append(database, _events(["d"]))
    await eventually(lambda: _drained(database))
    assert [event.event_id for event in await notifications.all()] == ["a", "b", "c", "d"]


async def test_answer_that_is_lost_doubles_nothing(
    stack: AsyncExitStack, database: Database, notifications: Notifications, clock: FakeClock
) -> None:
    """An event that may or may not have arrived is sent again, and kept once."""
    recorder, address = await _recorder(stack, notifications, "after", "before", "after", "")
    _start(stack, database, address, clock)
    await _append(database, _events(["a", "b"]))
    await eventually(lambda: _drained(database))
    assert [[event.event_id for event in batch] for batch in recorder.batches] == [["a", "b"]] * 3
    assert [event.event_id for event in await notifications.all()] == ["a", "b"]


async def test_event_that_nobody_can_take_keeps_no_other_back(
    stack: AsyncExitStack, database: Database, notifications: Notifications, clock: FakeClock
) -> None:
    """It is left behind by itself, in the middle of its batch."""
    await _append(database, _events(["a", "b", "x" * 2001, "c", "d"]))
    _start(stack, database, notifications.mesh_address, clock)
    await eventually(lambda: _drained(database))
    assert [event.event_id for event in await notifications.all()] == ["a", "b", "c", "d"]


async def test_event_that_cannot_be_read_keeps_no_other_back(
    stack: AsyncExitStack, database: Database, notifications: Notifications, clock: FakeClock
) -> None:
    """A row whose data is no JSON object delays no other."""
    await _append(database, _events(["a", "b", "c"]))
    update = sa.update(_outbox).where(_outbox.c.event_id == "b").values(data="[1, ")
    await database.write(lambda connection: connection.execute(update))
    _start(stack, database, notifications.mesh_address, clock)
    await eventually(lambda: _drained(database))
    assert [event.event_id for event in await notifications.all()] == ["a", "c"]


async def test_two_at_once_keep_each_stations_order(
    stack: AsyncExitStack, database: Database, notifications: Notifications, clock: FakeClock
) -> None:
    async with open_channel(notifications.mesh_address, identity=identity_of("station"), to="notification") as channel:
        relays = [Relay(database=database, channel=channel, source="station", clock=clock) for _ in range(3)]
        for batch in range(30):
            await _append(database, _events((f"{batch}.{index}" for index in range(10)), f"CP{batch % 3}"))
            await asyncio.gather(*(relay._turn() for relay in relays))
        while not await _drained(database):
            await asyncio.gather(*(relay._turn() for relay in relays))
    found = await notifications.all()
    assert len(found) == 300
    for station in range(3):
        expected = [f"{batch}.{index}" for batch in range(station, 30, 3) for index in range(10)]
        assert [event.event_id for event in found if event.station_id == f"CP{station}"] == expected


async def test_one_replica_relays_and_another_takes_over(postgres_database: Database) -> None:
    first, second = (Leader(engine=postgres_database.engine, work="test", check_s=0) for _ in range(2))
    other = Leader(engine=postgres_database.engine, work="another", check_s=0)
    assert [await leader.is_leading() for leader in (first, second, other, first, second)] == [
        True,
        False,
        True,
        True,
        False,
    ]
    await first.close()
    assert await eventually(second.is_leading)  # the server notices an end in its own time
    assert not await first.is_leading()
    cut = sa.text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")
    await postgres_database.write(lambda connection: connection.execute(cut))

    async def has_lost() -> bool:
        return not await second.is_leading()

    await eventually(has_lost)
    assert await eventually(first.is_leading)
    for leader in (first, second, other):
        await leader.close()


@pytest.fixture
async def postgres_database(postgres_url: str) -> AsyncIterator[Database]:
    """A PostgreSQL, where there is something to lead."""
    database = Database(engine=make_engine(postgres_url, SCHEMA))
    yield database
    await database.close()


async def test_leading_takes_no_connection_from_the_service(postgres_database: Database) -> None:
    """The pool has as many as before."""
    leader = Leader(engine=postgres_database.engine, work="test", check_s=0)
    assert await leader.is_leading()
    pool = postgres_database.engine.pool
    assert isinstance(pool, sa.QueuePool)
    assert pool.checkedout() == 0
    await leader.close()


async def test_without_an_address_events_stay(stack: AsyncExitStack, database: Database, clock: FakeClock) -> None:
    """No relay is started, and that is no error."""
    background = open_relay(stack, database=database, address=None, identity=identity_of("station"), clock=clock)
    assert background == ()


@pytest.mark.parametrize("turns", range(4))
async def test_it_ends_though_a_commit_wakes_it_at_that_moment(
    stack: AsyncExitStack, database: Database, clock: FakeClock, turns: int
) -> None:
    """A cancellation that meets its waking counts: a service that stops would otherwise wait for it for ever."""
    channel = open_channel("127.0.0.1:1", identity=identity_of("station"), to="notification")
    stack.push_async_callback(channel.close)
    relay = Relay(database=database, channel=channel, source="station", clock=clock)
    resting = asyncio.create_task(relay._rest(0, 3600.0))
    await asyncio.sleep(0.01)
    relay._wake.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    asked = resting.cancel()
    await asyncio.wait([resting])
    assert resting.cancelled() is asked


async def test_killed_at_any_line_it_loses_and_doubles_nothing(
    database: Database, service_url: str, notifications: Notifications
) -> None:
    """Relays in processes of their own are killed, each a few lines further on, while events keep coming."""
    stop = asyncio.Event()
    appending = asyncio.create_task(_keep_appending(database, stop))
    arguments = (service_url, notifications.mesh_address, mesh_settings("station"))
    for lines in range(1, 100, 3):
        killed = _process(*arguments, lines)
        await asyncio.to_thread(killed.join, PATIENCE_S)
        assert killed.exitcode == -signal.SIGKILL
        killed.close()
    stop.set()
    told = await appending
    assert await notifications.all(), "none of them lived long enough to relay anything"
    last = _process(*arguments, None)
    await eventually(lambda: _drained(database))
    last.kill()
    await asyncio.to_thread(last.join, PATIENCE_S)
    found: dict[str, list[str]] = {station_id: [] for station_id in told}
    for event in await notifications.all(page_size=1000):
        found[event.station_id].append(event.event_id)
    assert found == told


async def _keep_appending(database: Database, stop: asyncio.Event) -> dict[str, list[str]]:
    """Appends events of five stations until told to stop; returns each one's ids in their order."""
    told: dict[str, list[str]] = {f"CP{number}": [] for number in range(5)}
    number = 0
    while not stop.is_set():
        station_id = f"CP{number % 5}"
        names = [f"{number}.{index}" for index in range(number % 7 + 1)]
        await _append(database, _events(names, station_id))
        told[station_id] += names
        number += 1
        await asyncio.sleep(0.005)
    return told


def _process(*arguments: object) -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.mesh.events.relay_process"])
    process = context.Process(target=relay_until_killed, args=arguments, daemon=True)
    process.start()
    return process
