"""On PostgreSQL a stream of a year is read and written as one of a day is: by the partitions that are needed."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from mesh.database import partitions
from mesh.database.engine import make_engine
from mesh.database.partition_keeper import Kept, PartitionKeeper
from mesh.runtime.times import DAY_US, SECOND_US
from notification_svc import models, store
from notification_svc.store import NewEvent, Page
from tests.conftest import FakeClock

TENANT, DAYS, A_DAY, SIZE = "default", 365, 50, 20
HOUR_US = 3600 * SECOND_US

# A day's events follow each other in a minute.
_EVENTS = """
    INSERT INTO event (tenant_id, cursor, event_id, type, source, station_id, event_time_us, create_us, data)
    SELECT :tenant_id, day * :a_day + n + 1, day || '.' || n, 't', 's', 'CP' || n % 10, create_us, create_us, ''
    FROM generate_series(0, :days - 1) AS day, generate_series(0, :a_day - 1) AS n,
         LATERAL (SELECT :since_us + day * :day_us + n * 1000000 AS create_us) AS at
"""

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A migrated database."""
    engine = make_engine(database_url, "notification")
    yield engine
    engine.dispose()


def _partition(engine: Engine, *, since_us: int, now_us: int, days: int = 1) -> None:
    """Partitions for all times from a day on, of so many days each, and for those ahead of now."""
    with engine.begin() as connection:
        for day_us in range(since_us, now_us + 1, days * DAY_US):
            while partitions.advance(connection, models.PARTITIONS, now_us=day_us):
                pass


def _add(engine: Engine, *event_ids: str, now_us: int, event_time_us: int | None = None, tenant: str = TENANT) -> int:
    """Adds events; the last cursor."""
    events = [
        NewEvent(
            tenant_id=tenant,
            event_id=event_id,
            type="t",
            source="s",
            station_id="CP1",
            event_time_us=now_us if event_time_us is None else event_time_us,
            data=b"",
        )
        for event_id in event_ids
    ]
    with engine.begin() as connection:
        return store.add(connection, events, now_us=now_us)[tenant]


def _page(engine: Engine, after: int, *, limit: int = SIZE, condition: Any = None, tenant: str = TENANT) -> Page:
    with engine.connect() as connection:
        return store.read_page(connection, tenant, after=after, condition=condition, limit=limit)


def _ids(page: Page) -> list[str]:
    return [event.event_id for event in page.events]


def _scans(connection: Connection, explained: str) -> list[dict[str, Any]]:
    """The nodes of a plan that read a partition of events, and were executed."""
    (tree,) = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {explained}").scalar_one()
    nodes, waiting = [], [tree["Plan"]]
    while waiting:
        node = waiting.pop()
        nodes.append(node)
        waiting.extend(node.get("Plans", ()))
    assert not [node for node in nodes if node["Node Type"] == "Sort" and node["Actual Rows"] > SIZE]
    return [node for node in nodes if node.get("Relation Name", "").startswith("event_")]


def _fill_a_year(engine: Engine, clock: FakeClock, *, days_each: int) -> None:
    since_us = clock() - clock() % DAY_US - (DAYS - 1) * DAY_US
    _partition(engine, since_us=since_us, now_us=clock(), days=days_each)
    values = {"tenant_id": TENANT, "days": DAYS, "a_day": A_DAY, "since_us": since_us, "day_us": DAY_US}
    with engine.begin() as connection:
        connection.execute(sa.text(_EVENTS), values)
        stream = {"tenant_id": TENANT, "last_cursor": DAYS * A_DAY, "removed_cursor": 0, "last_create_us": clock()}
        connection.execute(sa.insert(models.stream), stream)
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")


def test_a_year_is_read_and_written_as_a_day(engine: Engine, clock: FakeClock) -> None:
    """A page at the end of the stream touches the newest partitions, in the order of their index; so does a batch."""
    _fill_a_year(engine, clock, days_each=1)
    head = DAYS * A_DAY
    with engine.connect() as connection:
        found = partitions.spans(connection, "event")
        assert len(found) == DAYS + partitions.DAYS_AHEAD
        since_us = store.find_since(connection, found, TENANT, head - SIZE)
        assert since_us >= clock() - 2 * DAY_US
        query = store.partitioned_query(TENANT, head - SIZE, None, SIZE, since_us=since_us)
        scans = _scans(connection, str(query.compile(connection.engine, compile_kwargs={"literal_binds": True})))
        assert len(scans) <= 2 + partitions.DAYS_AHEAD + 1
        assert sum(node["Actual Rows"] * node["Actual Loops"] for node in scans) <= SIZE + len(scans)
    assert _ids(_page(engine, head - 2)) == [f"{DAYS - 1}.{A_DAY - 2}", f"{DAYS - 1}.{A_DAY - 1}"]
    with engine.begin() as connection:
        store.add(connection, [_event("new", clock())], now_us=clock())
        held = connection.scalars(
            sa.text(
                "SELECT DISTINCT relname FROM pg_locks JOIN pg_class c ON c.oid = relation"
                " WHERE pid = pg_backend_pid() AND relname LIKE 'event_2%' AND relkind = 'r'"
            )
        )
        today = len(found) - 1 - partitions.DAYS_AHEAD
        assert set(held) == {found[today - 1].name, found[today].name}


def _event(event_id: str, at_us: int) -> NewEvent:
    return NewEvent(
        tenant_id=TENANT, event_id=event_id, type="t", source="s", station_id="CP1", event_time_us=at_us, data=b""
    )


def test_every_event_of_a_year_is_read_once_from_any_cursor(engine: Engine, clock: FakeClock) -> None:
    _fill_a_year(engine, clock, days_each=7)
    found, through = list[str](), 0
    while len(page := _page(engine, through, limit=5000).events):
        found += [event.event_id for event in page]
        through = page[-1].cursor
    assert found == [f"{day}.{n}" for day in range(DAYS) for n in range(A_DAY)]
    for after in (0, 1, 7777, DAYS * A_DAY - 51, DAYS * A_DAY - 1):
        assert _ids(_page(engine, after, limit=1)) == [found[after]]
    few = _page(engine, 100, limit=2, condition=models.event.c.event_id.in_(["200.3", "364.49", "300.1"]))
    assert _ids(few) == ["200.3", "300.1"]
    assert _page(engine, DAYS * A_DAY).through == DAYS * A_DAY


def test_an_event_that_comes_again_is_left_out_however_much_later(engine: Engine, clock: FakeClock) -> None:
    _partition(engine, since_us=clock(), now_us=clock() + 40 * DAY_US)
    first_us = clock()
    _add(engine, "a", now_us=first_us)
    for hours in (0, 1, 15, 30, 24 * 30):
        _add(engine, "a", f"{hours}", now_us=first_us + hours * HOUR_US, event_time_us=first_us)
    assert _ids(_page(engine, 0)) == ["a", "0", "1", "15", "30", "720"]


def test_times_rise_with_cursors_whatever_clock_a_replica_has(engine: Engine, clock: FakeClock) -> None:
    """At midnight one replica is ahead: what the other adds after it stays in the newer partition."""
    _partition(engine, since_us=clock(), now_us=clock() + DAY_US)
    midnight_us = clock() - clock() % DAY_US + DAY_US
    _add(engine, "ahead", now_us=midnight_us + 1)
    _add(engine, "behind", now_us=midnight_us - 5 * SECOND_US)
    _add(engine, "other", now_us=midnight_us - 5 * SECOND_US, tenant="other")
    with engine.connect() as connection:
        assert list(connection.scalars(sa.text("SELECT event_id FROM event_20251010 ORDER BY cursor"))) == [
            "ahead",
            "behind",
        ]
    assert _ids(_page(engine, 1)) == ["behind"]
    assert _ids(_page(engine, 0, tenant="other")) == ["other"]


def test_a_dropped_partition_is_noted_in_each_stream(engine: Engine, clock: FakeClock) -> None:
    keeper = PartitionKeeper(
        engine=engine, clock=clock, kept=[Kept(partitions=models.PARTITIONS, days=30, on_drop=store.note_dropped)]
    )
    keeper.keep()
    _add(engine, "a", "b", now_us=clock())
    _add(engine, "x", now_us=clock(), tenant="other")
    clock.advance(86_400)
    _add(engine, "c", now_us=clock())
    clock.advance(30 * 86_400)
    keeper.keep()
    page, other = _page(engine, 0), _page(engine, 0, tenant="other")
    assert (_ids(page), page.removed_cursor, page.last_cursor) == (["c"], 2, 3)
    assert (_ids(other), other.removed_cursor, other.last_cursor) == ([], 1, 1)


def test_a_stream_of_before_is_read_on_while_it_becomes_the_past(engine: Engine, clock: FakeClock) -> None:
    """By every step of it, nothing is read twice, left out or removed too early."""
    keeper = PartitionKeeper(
        engine=engine, clock=clock, kept=[Kept(partitions=models.PARTITIONS, days=30, on_drop=store.note_dropped)]
    )
    expected = []
    for day in range(60):
        _add(engine, f"{day}", f"{day}+", now_us=clock())
        expected += [f"{day}", f"{day}+"]
        keeper.keep()
        with engine.begin() as connection:
            gone = store.remove_old(connection, tenant_id=TENANT, before_us=clock() - 30 * DAY_US, limit=500)
        assert gone == (2 if 30 < day < 38 else 0)
        page = _page(engine, 0, limit=500)
        kept = 500 if day < 31 else 62
        assert _ids(page) == expected[-kept:]
        assert _ids(_page(engine, page.last_cursor - 3)) == expected[-3:]
        assert page.removed_cursor == len(expected) - len(page.events)
        clock.advance(86_400)
