"""On PostgreSQL a message log of a year is written and listed as one of a day is: by the partitions that are needed."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from mesh.database import partitions
from mesh.database.engine import make_engine
from mesh.database.pages import Page
from mesh.runtime.times import DAY_US
from station_svc.core.history_store import of_station
from station_svc.features.message_log import message_store
from station_svc.features.message_log.models import PARTITIONS, message
from station_svc.features.message_log.rows import MessageRow
from tests.conftest import FakeClock

TENANT, STATION = "default", "CP1"
STATIONS, DAYS = 20, 365
SIZE = 5

# The frames of each station's day, evenly over it, on a connection of a week.
_FRAMES = """
    INSERT INTO message (tenant_id, station_id, epoch, ordinal, payload, message_us)
    SELECT 'default', 'CP' || station, CAST(:epoch + day / 7 AS int), day * :a_day + n, repeat('x', 100),
           :since_us + day * :day_us + n * (:day_us / :a_day)
    FROM generate_series(1, :stations) AS station, generate_series(0, :days - 1) AS day,
         generate_series(0, :a_day - 1) AS n
"""


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A migrated database with stations."""
    engine = make_engine(database_url, "station")
    with engine.begin() as connection:
        for n in range(1, STATIONS + 1):
            connection.execute(sa.text(_STATION), {"station_id": f"CP{n}"})
    yield engine
    engine.dispose()


_STATION = "INSERT INTO station (tenant_id, station_id, create_us, update_us) VALUES ('default', :station_id, 1, 1)"


def _partition(engine: Engine, *, since_us: int, now_us: int, days: int = 1) -> None:
    """Partitions for all times from a day on, of so many days each, and for those ahead of now."""
    with engine.begin() as connection:
        for day_us in range(since_us, now_us + 1, days * DAY_US):
            while partitions.advance(connection, PARTITIONS, now_us=day_us):
                pass


def _fill(engine: Engine, *, since_us: int, days: int, a_day: int, epoch: int) -> None:
    values = {"since_us": since_us, "days": days, "day_us": DAY_US, "a_day": a_day, "epoch": epoch}
    with engine.begin() as connection:
        connection.execute(sa.text(_FRAMES), values | {"stations": STATIONS})


def _analyze(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")


def _row(number: int, at_us: int, *, station_id: str = STATION, epoch: int = 1000) -> message_store.Row:
    return (TENANT, station_id, epoch, number, 1, 2, f"m{number}", "Heartbeat", "[]", at_us)


def _list(engine: Engine, *, limit: int = 1000, **page: Any) -> list[MessageRow]:
    with engine.connect() as connection:
        return list(
            message_store.list_messages(
                connection, tenant_id=TENANT, station_id=STATION, page=Page(limit=limit, **page)
            )
        )


def _page_by_page(engine: Engine) -> list[MessageRow]:
    found = _list(engine, limit=SIZE)
    while more := _list(engine, limit=SIZE, after=found[-1].key):
        found += more
    return found


def _nodes(connection: Connection, query: sa.Select[Any]) -> list[dict[str, Any]]:
    """The nodes of a query's plan that were executed."""
    compiled = query.compile(connection.engine, compile_kwargs={"literal_binds": True})
    (tree,) = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {compiled}").scalar_one()
    nodes, waiting = [], [tree["Plan"]]
    while waiting:
        node = waiting.pop()
        nodes.append(node)
        waiting.extend(node.get("Plans", ()))
    return nodes


def _relations(nodes: list[dict[str, Any]], table: str) -> set[str]:
    return {node["Relation Name"] for node in nodes if node.get("Relation Name", "").startswith(table)}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_year_is_listed_and_written_as_a_day(engine: Engine, clock: FakeClock) -> None:
    """A page touches the newest partitions alone, in the order of their index; a batch, the partition of its day."""
    today_us = clock() - clock() % DAY_US
    since_us = today_us - (DAYS - 1) * DAY_US
    _partition(engine, since_us=since_us, now_us=clock())
    _fill(engine, since_us=since_us, days=DAYS, a_day=5, epoch=1)
    for day in (-101, -100, -1, 0):
        _fill(engine, since_us=today_us + day * DAY_US, days=1, a_day=400, epoch=1000 + day)
    _analyze(engine)
    with engine.connect() as connection:
        found = partitions.spans(connection, "message")
        assert len(found) == DAYS + partitions.DAYS_AHEAD
        for after, newest in ((None, 1 + partitions.DAYS_AHEAD), ((today_us - 100 * DAY_US, 0, 0), 1)):
            query = of_station(message, TENANT, STATION)
            window_us = next(partitions.windows(found, after and after[0]))
            page = partitions.window_query(
                found, query, message_store.KEY, after=after, limit=SIZE + 1, since_us=window_us
            )
            nodes = _nodes(connection, page)
            assert len(_relations(nodes, "message") - {"message_other"}) == newest + 1
            assert len([node for node in nodes if node["Node Type"] == "Sort" and node["Actual Rows"] > SIZE + 1]) == 0
            scans = [node for node in nodes if node.get("Relation Name", "").startswith("message_2")]
            assert {node["Node Type"] for node in scans} == {"Index Scan"}
            assert all("station_id" in node["Index Cond"] for node in scans)
            assert sum(node["Actual Rows"] * node["Actual Loops"] for node in scans) <= 2 * (SIZE + 1)
    with engine.begin() as connection:
        message_store.append_messages(connection, [_row(1, clock()), _row(2, clock() + 1)])
        held = connection.scalars(
            sa.text(
                "SELECT DISTINCT relname FROM pg_locks JOIN pg_class c ON c.oid = relation"
                " WHERE pid = pg_backend_pid() AND relname LIKE 'message%' AND relkind = 'r'"
            )
        )
        assert set(held) == {f"message_{found[-1 - partitions.DAYS_AHEAD].name[-8:]}"}


def test_frames_of_any_time_are_logged_once_and_listed_newest_first(engine: Engine, clock: FakeClock) -> None:
    """Before and after there are partitions, and of clocks that are years off."""
    times = [clock() + days * DAY_US for days in (-20_000, -3, -2, -2, 0, 0, 0, 1, 3, 4, 90)]
    rows = [_row(number, at_us) for number, at_us in enumerate(times, start=1)]
    for half in (rows[::2], rows[1::2]):
        with engine.begin() as connection:
            message_store.append_messages(connection, half)
        _partition(engine, since_us=clock() - DAY_US, now_us=clock())
    with engine.begin() as connection:
        message_store.add_messages(connection, rows)
    for day in range(3):  # until rows of before have become a partition
        _partition(engine, since_us=clock() + day * DAY_US, now_us=clock() + day * DAY_US)
    assert [row.ordinal for row in _list(engine)] == list(range(len(rows), 0, -1))
    assert [row.ordinal for row in _page_by_page(engine)] == list(range(len(rows), 0, -1))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_pages_of_a_quiet_station_reach_back_through_the_year(engine: Engine, clock: FakeClock) -> None:
    """Over days and months without a frame; and by a filter that few frames fit."""
    _partition(engine, since_us=clock() - 200 * DAY_US, now_us=clock(), days=10)
    days = (-300, -199, -150, -150, -149, -80, -80, -79, -20, -9, -8, -8, -1, 0, 0, 90)
    rows = [_row(number, clock() + day * DAY_US) for number, day in enumerate(days, start=1)]
    with engine.begin() as connection:
        message_store.append_messages(connection, rows)
    assert [row.ordinal for row in _page_by_page(engine)] == list(range(len(rows), 0, -1))
    only = _list(engine, limit=2, condition=message.c.message_id == "m3")
    assert [row.ordinal for row in only] == [3]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_is_in_no_partition_of_a_day_is_deleted(engine: Engine, clock: FakeClock) -> None:
    """The past that was not dropped yet, and frames of wrong clocks; what is in a day's partition goes with it."""
    _partition(engine, since_us=clock() - 10 * DAY_US, now_us=clock())
    with engine.begin() as connection:
        message_store.append_messages(connection, [_row(n, clock() + n * DAY_US) for n in (-30, -5, 0, 30)])
        assert message_store.remove_old(connection, before_us=clock(), limit=500) == 1
    assert [row.ordinal for row in _list(engine)] == [30, 0, -5]
    with engine.begin() as connection:
        assert message_store.remove_old(connection, before_us=clock() + 31 * DAY_US, limit=500) == 1
        assert partitions.drop_old(connection, PARTITIONS, before_us=clock() - 9 * DAY_US, on_drop=None) is not None
