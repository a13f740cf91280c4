"""A table that becomes partitioned beside those who use it, has partitions ahead of time, and loses the oldest."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from mesh.database import partitions
from mesh.database.engine import make_engine
from mesh.database.partition_keeper import Kept, PartitionKeeper
from mesh.database.partitions import Span, TimePartitions
from mesh.runtime.times import DAY_US
from tests.conftest import FakeClock

THING = TimePartitions(
    table="thing", column="at_us", indexes={"key": "UNIQUE (name, at_us)", "newest": "(name, at_us DESC)"}
)
DAYS_KEPT = 30
MIDNIGHT_US = 1_760_054_400_000_000  # the midnight after the clock's first moment


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A database with a plain table."""
    engine = make_engine(database_url, "things")
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("CREATE SCHEMA things")
        connection.exec_driver_sql("CREATE TABLE thing (name text NOT NULL PRIMARY KEY, at_us bigint NOT NULL)")
    yield engine
    engine.dispose()


@pytest.fixture
def keeper(engine: Engine, clock: FakeClock) -> PartitionKeeper:
    """A keeper of it."""
    return PartitionKeeper(engine=engine, clock=clock, kept=[Kept(partitions=THING, days=DAYS_KEPT)])


def _add(engine: Engine, name: str, at_us: int) -> None:
    with engine.begin() as connection:
        connection.execute(
            sa.text("INSERT INTO thing VALUES (:name, :at_us) ON CONFLICT DO NOTHING"), {"name": name, "at_us": at_us}
        )


def _names(engine: Engine, table: str = "thing") -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(sa.text(f"SELECT name FROM {table} ORDER BY name")))  # noqa: S608


def _spans(engine: Engine) -> list[Span]:
    with engine.connect() as connection:
        return list(partitions.spans(connection, "thing"))


def _days(engine: Engine) -> list[tuple[str, int, int]]:
    """The partitions, with their times in days since the midnight after the clock's first moment."""
    return [
        (span.name, (span.since_us - MIDNIGHT_US) // DAY_US, (span.until_us - MIDNIGHT_US) // DAY_US)
        for span in _spans(engine)
    ]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_is_left_as_it_is(engine: Engine, keeper: PartitionKeeper, clock: FakeClock) -> None:
    _add(engine, "a", clock())
    keeper.keep()
    assert (_spans(engine), _names(engine)) == ([], ["a"])


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
class TestPostgresql:
    """All else is about PostgreSQL."""

    def test_an_empty_table_is_partitioned_at_once(self, engine: Engine, keeper: PartitionKeeper) -> None:
        keeper.keep()
        keeper.keep()
        assert _days(engine) == [
            ("thing_20251009", -1, 0),
            ("thing_20251010", 0, 1),
            ("thing_20251011", 1, 2),
            ("thing_20251012", 2, 3),
        ]

    def test_a_row_of_any_time_is_taken_and_stays_unique(
        self, engine: Engine, keeper: PartitionKeeper, clock: FakeClock
    ) -> None:
        keeper.keep()
        for at_us in (0, -5, clock(), clock() + 100 * DAY_US):
            for _ in range(2):
                _add(engine, f"{at_us:+}", at_us)
        assert len(_names(engine)) == 4
        assert _names(engine, "thing_20251009") == [f"{clock():+}"]

    def test_rows_that_came_before_their_partition_move_into_it(
        self, engine: Engine, keeper: PartitionKeeper, clock: FakeClock
    ) -> None:
        keeper.keep()
        _add(engine, "early", MIDNIGHT_US + 3 * DAY_US)
        assert _names(engine, "thing_other") == ["early"]
        clock.advance(86_400)
        keeper.keep()
        assert (_names(engine, "thing_other"), _names(engine, "thing_20251013")) == ([], ["early"])

    def test_days_without_a_keeper_become_one_partition(
        self, engine: Engine, keeper: PartitionKeeper, clock: FakeClock
    ) -> None:
        keeper.keep()
        _add(engine, "meanwhile", MIDNIGHT_US + 5 * DAY_US)
        clock.advance(10 * 86_400)
        keeper.keep()
        assert _days(engine)[3:6] == [("thing_20251012", 2, 3), ("thing_20251013", 3, 10), ("thing_20251020", 10, 11)]
        assert _names(engine, "thing_20251013") == ["meanwhile"]

    def test_partitions_are_dropped_when_all_their_rows_are_old(
        self, engine: Engine, keeper: PartitionKeeper, clock: FakeClock
    ) -> None:
        keeper.keep()
        _add(engine, "old", clock())
        clock.us = MIDNIGHT_US + DAYS_KEPT * DAY_US - 1
        keeper.keep()
        assert _names(engine) == ["old"]
        clock.us += 1
        keeper.keep()
        assert _names(engine) == []
        assert _days(engine)[0] == ("thing_20251010", 0, 1)

    def test_a_table_with_rows_becomes_the_partition_of_the_past(
        self, engine: Engine, keeper: PartitionKeeper, clock: FakeClock
    ) -> None:
        """Two days later, without a moment in which a row of today is refused, or one of before is not there."""
        _add(engine, "before", clock() - 400 * DAY_US)
        for day in range(3):
            keeper.keep()
            assert bool(_spans(engine)) is (day == 2)
            _add(engine, f"day {day}", clock())
            clock.advance(86_400)
        assert _days(engine)[0][::2] == ("thing_past", 7)
        assert _names(engine) == _names(engine, "thing_past") == ["before", "day 0", "day 1", "day 2"]
        clock.us = MIDNIGHT_US + 7 * DAY_US
        keeper.keep()
        _add(engine, "day 7", clock())
        assert _names(engine, "thing_20251017") == ["day 7"]
        clock.us = MIDNIGHT_US + (7 + DAYS_KEPT) * DAY_US
        keeper.keep()
        assert _names(engine) == ["day 7"]

    def test_a_bound_that_comes_near_is_moved_before_it_refuses_rows(
        self, engine: Engine, keeper: PartitionKeeper, clock: FakeClock
    ) -> None:
        """The service stood still for days, and goes on: with a later bound."""
        _add(engine, "before", clock())
        keeper.keep()
        clock.advance(20 * 86_400)
        keeper.keep()
        _add(engine, "after", clock())
        clock.advance(2 * 86_400)
        keeper.keep()
        assert _names(engine, "thing_past") == ["after", "before"]

    def test_a_busy_table_is_left_to_the_next_turn(
        self, engine: Engine, keeper: PartitionKeeper, clock: FakeClock
    ) -> None:
        """Also where another replica is at it."""
        with engine.connect() as other, other.begin():
            assert partitions.advance(other, THING, now_us=clock()) == "partitioned"
            keeper.keep()
            assert len(_spans(engine)) == 0
        keeper.keep()
        with engine.connect() as reader, reader.begin():
            reader.exec_driver_sql("SELECT * FROM thing")
            clock.us = MIDNIGHT_US + 31 * DAY_US
            keeper.keep()
        assert _days(engine)[0][1] == -1
        keeper.keep()
        assert _days(engine)[0][1] == 1


def test_lists_look_into_older_partitions_only_where_the_newer_do_not_suffice() -> None:
    """Of a year's partitions, first into two, then eight more, and in the end into all."""
    found = [Span(name=str(day), since_us=day * DAY_US, until_us=(day + 1) * DAY_US) for day in range(365)]
    newest = [since // DAY_US for since in partitions.windows(found, None)]
    assert newest == [360, 353, 297, 0]
    assert [since // DAY_US for since in partitions.windows(found, 100 * DAY_US + 5)] == [99, 92, 36, 0]
    assert next(partitions.windows(found, 400 * DAY_US)) == 363 * DAY_US
    assert list(partitions.windows(found, -1)) == [0]
    assert list(partitions.windows(found[:1], None)) == [0]
