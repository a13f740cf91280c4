"""Transactions on PostgreSQL, where BEGIN and the last writes travel with other statements."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from mesh.database.engine import Database, make_engine
from mesh.database.rowset import RowStatement, run_later, run_prepared

_ADD = RowStatement("INSERT INTO thing (name) SELECT name FROM {rows}", name="text")
_ALL = RowStatement("SELECT thing.name FROM thing, {rows} ORDER BY thing.name", n="integer")
_ONE_ROW = [{"n": 1}]


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a database with one empty table, whose names are unique."""
    engine = make_engine(database_url, "public")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE thing (name text PRIMARY KEY)"))
    yield engine
    engine.dispose()


def _names(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(sa.text("SELECT name FROM thing ORDER BY name")).scalars())


def _add_later(connection: Connection, *names: str) -> None:
    run_later(connection, (_ADD, [{"name": name} for name in names]))


def _add_in_vain(connection: Connection, *names: str) -> None:
    _add_later(connection, *names)
    raise RuntimeError


def _add_in_one(engine: Engine, *names: str) -> None:
    with engine.begin() as connection:
        for name in names:
            _add_later(connection, name)


def test_what_waits_is_committed(engine: Engine) -> None:
    with engine.begin() as connection:
        _add_later(connection, "a", "b")
    assert _names(engine) == ["a", "b"]


def test_what_comes_after_sees_what_waited(engine: Engine) -> None:
    """A prepared statement and any other: the order is kept, however they travel."""
    with engine.begin() as connection:
        _add_later(connection, "a")
        assert run_prepared(connection, (_ALL, _ONE_ROW)) == [("a",)]
        _add_later(connection, "b")
        assert connection.execute(sa.text("SELECT count(*) FROM thing")).scalar_one() == 2
        _add_later(connection, "c")
    assert _names(engine) == ["a", "b", "c"]


def test_a_failure_undoes_all(engine: Engine) -> None:
    """Statements that were sent and those that waited alike; the connection is as good as new."""
    with pytest.raises(RuntimeError), engine.begin() as connection:
        _add_in_vain(connection, "a")
    with engine.connect() as connection:
        run_prepared(connection, (_ADD, [{"name": "a"}]))
        with pytest.raises(RuntimeError):
            _add_in_vain(connection, "b")
    assert _names(engine) == []
    with engine.begin() as connection:
        _add_later(connection, "c")
    assert _names(engine) == ["c"]


def test_what_waited_fails_at_the_commit(engine: Engine) -> None:
    """As an error of the statement's own kind, and nothing of the transaction stays."""
    with engine.begin() as connection:
        _add_later(connection, "a")
    with pytest.raises(sa.exc.IntegrityError):
        _add_in_one(engine, "b", "a")
    assert _names(engine) == ["a"]
    with engine.begin() as connection:
        _add_later(connection, "c")
    assert _names(engine) == ["a", "c"]


def test_an_empty_transaction(engine: Engine) -> None:
    """Begins and ends without a word."""
    with engine.begin():
        pass
    assert _names(engine) == []


def test_a_savepoint_keeps_its_place(engine: Engine) -> None:
    """Statements that waited before it stay when it is rolled back."""
    with engine.begin() as connection:
        _add_later(connection, "a")
        with pytest.raises(RuntimeError), connection.begin_nested():
            _add_in_vain(connection, "b")
    assert _names(engine) == ["a"]


def test_a_forgotten_connection_is_rolled_back(engine: Engine) -> None:
    """Closed in the middle of a transaction, it goes back to the pool with none open."""
    with engine.connect() as connection:
        run_prepared(connection, (_ADD, [{"name": "a"}]))
        _add_later(connection, "b")
    assert _names(engine) == []


async def test_reading_leaves_no_transaction_open(engine: Engine) -> None:
    """A reader that is done holds no snapshot; what it read with is used for writing next."""
    database = Database(engine=engine, threads=1)
    assert await database.read(lambda connection: run_prepared(connection, (_ALL, _ONE_ROW))) == []
    await database.write(lambda connection: _add_later(connection, "a"))
    assert await database.read(lambda connection: run_prepared(connection, (_ALL, _ONE_ROW))) == [("a",)]
    if engine.dialect.name == "postgresql":
        idle = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'"
        )
        assert await database.read(lambda connection: connection.exec_driver_sql(idle).scalar_one()) == 0
    await database.close()
