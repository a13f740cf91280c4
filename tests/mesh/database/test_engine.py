"""Transactions off the event loop; a batch in which one item fails; the database's trouble and an item's own."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from mesh.database.engine import Database, commit_batch, is_unavailable, make_engine
from mesh.database.rowset import RowStatement, run_later, run_prepared
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with one table, `thing`."""
    database = Database(engine=make_engine(database_url, "public"))
    await database.write(
        lambda connection: connection.execute(
            sa.text("CREATE TABLE thing (name text PRIMARY KEY, count bigint CHECK (count < 100))")
        )
    )
    yield database
    await database.close()


def _insert(name: str, count: int = 0) -> Callable[[Connection], object]:
    return lambda connection: connection.execute(
        sa.text("INSERT INTO thing VALUES (:name, :count)"), {"name": name, "count": count}
    )


async def _names(database: Database) -> list[str]:
    return await database.read(
        lambda connection: list(connection.scalars(sa.text("SELECT name FROM thing ORDER BY name")))
    )


async def test_what_is_written_can_be_read(database: Database) -> None:
    """Once `write` has returned, and in threads other than the event loop's."""
    await database.write(_insert("a"))
    assert await _names(database) == ["a"]
    assert await database.write(lambda _connection: threading.current_thread()) is not threading.current_thread()


async def test_what_fails_leaves_nothing(database: Database) -> None:
    """A transaction that raises is undone as a whole, and its error comes through."""

    def work(connection: Connection) -> None:
        _insert("a")(connection)
        _insert("a")(connection)

    with pytest.raises(IntegrityError) as caught:
        await database.write(work)
    assert await _names(database) == []
    # Content of stations and operators must not stand in logs.
    assert "parameters" not in str(caught.value) or "hidden" in str(caught.value)


async def test_a_statement_that_commits_by_itself(database: Database) -> None:
    """Written once `write_statement` has returned; one that fails leaves nothing."""
    await database.write_statement(_insert("a"))
    with pytest.raises(IntegrityError):
        await database.write_statement(_insert("a"))
    await database.write_statement(_insert("b"))
    assert await _names(database) == ["a", "b"]


async def test_many_writers_wait_for_each_other(database: Database) -> None:
    """More at once than there are threads: all of them are committed."""
    await asyncio.gather(*(database.write(_insert(f"{number:03}")) for number in range(50)))
    assert len(await _names(database)) == 50


async def test_readers_do_not_wait_for_a_writer(database: Database) -> None:
    """A long transaction does not keep others from reading what was there before it."""
    await database.write(_insert("a"))
    entered, leave = threading.Event(), threading.Event()

    def work(connection: Connection) -> None:
        _insert("b")(connection)
        entered.set()
        assert leave.wait(60)

    writing = asyncio.create_task(database.write(work))
    await asyncio.to_thread(entered.wait, 60)
    assert await _names(database) == ["a"]
    leave.set()
    await writing
    assert await _names(database) == ["a", "b"]


def _insert_all(connection: Connection, items: Sequence[tuple[str, int]]) -> Sequence[str]:
    for name, count in items:
        _insert(name, count)(connection)
    return [name.upper() for name, _count in items]


async def test_a_batch_without_trouble_is_one_transaction(database: Database) -> None:
    """The results stand in the order of the items."""
    calls: list[int] = []

    def work(connection: Connection, items: Sequence[tuple[str, int]]) -> Sequence[str]:
        calls.append(len(items))
        return _insert_all(connection, items)

    assert await commit_batch(database, [("b", 1), ("a", 2), ("c", 3)], work) == ["B", "A", "C"]
    assert calls == [3]
    assert await commit_batch(database, [], work) == []
    assert calls == [3]


@pytest.mark.parametrize("bad", [{0}, {4}, {9}, {2, 3}, {0, 5, 9}, set(range(10))])
async def test_only_bad_items_fail(database: Database, bad: set[int]) -> None:
    """Wherever they stand, their neighbours are committed, and each has the result or error of its own."""
    items = [(f"n{number}", 100 if number in bad else number) for number in range(10)]
    results = await commit_batch(database, items, _insert_all)
    for number, result in enumerate(results):
        if number in bad:
            assert isinstance(result, MeshError)
            assert result.reason == "ITEM_FAILED"
        else:
            assert result == f"N{number}"
    assert await _names(database) == [f"n{number}" for number in range(10) if number not in bad]


async def test_an_item_that_raises_an_error_of_its_own(database: Database) -> None:
    own = MeshError(grpc.StatusCode.NOT_FOUND, Reason.USER_NOT_FOUND, "gone")

    def work(connection: Connection, items: Sequence[tuple[str, int]]) -> Sequence[str]:
        if any(name == "bad" for name, _count in items):
            raise own
        return _insert_all(connection, items)

    assert await commit_batch(database, [("a", 1), ("bad", 2), ("c", 3)], work) == ["A", own, "C"]


async def test_a_database_that_is_away_fails_the_batch(database: Database) -> None:
    """No item is blamed for it: the batch is to be sent again."""
    away = MeshError(grpc.StatusCode.UNAVAILABLE, Reason.DATABASE_UNAVAILABLE, "away")
    calls: list[int] = []

    def work(_connection: Connection, items: Sequence[str]) -> Sequence[str]:
        calls.append(len(items))
        raise away

    with pytest.raises(MeshError) as caught:
        await commit_batch(database, ["a", "b"], work)
    assert caught.value is away
    assert calls == [2]


async def test_no_server_is_unavailable() -> None:
    """With the reason for programs, and nothing of the address for people."""
    engine = make_engine("postgresql+psycopg2://nobody@127.0.0.1:1/nothing", "public")
    database = Database(engine=engine)
    with pytest.raises(MeshError) as caught:
        await database.read(lambda connection: connection.execute(sa.text("SELECT 1")))
    assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE")
    assert "127.0.0.1" not in caught.value.message
    await database.close()


async def test_a_locked_file_is_unavailable(tmp_path: Any) -> None:
    """Another process that holds an SQLite file for too long is the database's trouble, not the work's."""
    path = tmp_path / "x.db"
    database = Database(engine=make_engine(f"sqlite:///{path}", "x"))
    await database.write(lambda connection: connection.execute(sa.text("CREATE TABLE thing (name text)")))
    await database.read(lambda connection: connection.exec_driver_sql("SELECT 1"))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    def impatient(connection: Any, *_rest: Any) -> None:
        connection.execute("PRAGMA busy_timeout = 10")

    sa.event.listen(database.engine, "checkout", impatient)
    with pytest.raises(MeshError) as caught:
        await database.write(lambda connection: connection.execute(sa.text("INSERT INTO thing VALUES ('a')")))
    assert caught.value.reason == "DATABASE_UNAVAILABLE"
    other.execute("ROLLBACK")
    other.close()
    await database.close()


async def test_wrong_sql_is_not_the_databases_trouble(database: Database) -> None:
    """A table that is not there is a fault of ours, and waiting does not mend it."""
    with pytest.raises(DBAPIError) as caught:
        await database.read(lambda connection: connection.execute(sa.text("SELECT * FROM nothing")))
    assert not is_unavailable(caught.value)


async def test_a_key_too_long_for_its_index_is_the_items_trouble(database: Database, database_url: str) -> None:
    """PostgreSQL says so with what its driver calls an operational error; it must not stop a lane for good."""
    letters = "".join(chr(0x4E00 + number * 7 % 20_000) for number in range(9_000))
    results = await commit_batch(database, [("a", 1), (letters, 2)], _insert_all)
    assert results[0] == "A"
    if database_url.startswith("postgresql"):
        assert isinstance(results[1], MeshError)
        assert results[1].reason == "ITEM_FAILED"


_ONE = RowStatement("SELECT n FROM {rows}", n="integer")
_WAYS: Mapping[str, Callable[[Connection], object]] = {
    "any statement": lambda connection: [tuple(row) for row in connection.execute(sa.text("SELECT 1"))],
    "prepared": lambda connection: run_prepared(connection, (_ONE, [{"n": 1}])),
    "fetched": lambda connection: _ONE.fetch(connection, [{"n": 1}]),
}


@pytest.mark.parametrize("way", _WAYS)
async def test_cut_connections_are_made_again(postgres_url: str, way: str) -> None:
    """After a restart of PostgreSQL the first call gives all old connections up, and is run again on a fresh one."""
    threads = 4
    database = Database(engine=make_engine(postgres_url, "public", threads=threads))
    barrier = threading.Barrier(threads)

    def backend(connection: Connection) -> int:
        _WAYS[way](connection)
        barrier.wait(10)
        return int(connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one())

    pids = await asyncio.gather(*(database.write(backend) for _ in range(threads)))
    other = sa.create_engine(postgres_url)
    with other.connect() as connection:
        connection.execute(sa.text("SELECT pg_terminate_backend(pid, 10000) FROM unnest(:pids) AS pid"), {"pids": pids})
    other.dispose()
    assert await database.write(_WAYS[way]) == [(1,)]
    assert await database.read(_WAYS[way]) == [(1,)]
    await database.close()


async def test_a_connection_cut_before_the_commit(postgres_url: str) -> None:
    """The transaction is run again as a whole; what waited for the COMMIT is written once."""
    database = Database(engine=make_engine(postgres_url, "public", threads=1))
    await database.write(lambda connection: connection.execute(sa.text("CREATE TABLE cut (n integer)")))
    add = RowStatement("INSERT INTO cut (n) SELECT n FROM {rows}", n="integer")
    other, attempts = sa.create_engine(postgres_url), []

    def work(connection: Connection) -> None:
        pid = connection.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
        run_later(connection, (add, [{"n": 1}]))
        attempts.append(pid)
        if len(attempts) == 1:
            with other.connect() as killer:
                killer.execute(sa.text("SELECT pg_terminate_backend(:pid, 10000)"), {"pid": pid})

    await database.write(work)
    assert len(attempts) == 2
    assert await database.read(lambda connection: connection.scalar(sa.text("SELECT count(*) FROM cut"))) == 1
    await database.write(lambda connection: connection.execute(sa.text("DROP TABLE cut")))
    other.dispose()
    await database.close()


async def test_a_deadlock_is_run_again(postgres_url: str) -> None:
    """Two transactions that lock two rows in opposite orders: one is ended by PostgreSQL, and run again."""
    database = Database(engine=make_engine(postgres_url, "public"))
    await database.write(
        lambda connection: connection.execute(
            sa.text("CREATE TABLE deadlock AS SELECT name, 0 AS count FROM (VALUES ('a'), ('b')) AS names(name)")
        )
    )
    barrier = threading.Barrier(2)

    def work(first: str, second: str) -> Callable[[Connection], None]:
        attempts: list[int] = []

        def run(connection: Connection) -> None:
            attempts.append(1)
            update = sa.text("UPDATE deadlock SET count = count + 1 WHERE name = :name")
            connection.execute(update, {"name": first})
            if len(attempts) == 1:
                barrier.wait(60)
            connection.execute(update, {"name": second})

        return run

    await asyncio.gather(database.write(work("a", "b")), database.write(work("b", "a")))
    counts = await database.read(
        lambda connection: list(connection.scalars(sa.text("SELECT count FROM deadlock ORDER BY name")))
    )
    assert counts == [2, 2]
    await database.write(lambda connection: connection.execute(sa.text("DROP TABLE deadlock")))
    await database.close()


async def test_who_hangs_in_a_transaction_loses_its_locks(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replica that is stopped, or whose machine is gone: others go on, and it runs its work again once back."""
    monkeypatch.setattr("mesh.database.engine.IDLE_TIMEOUT_MS", 1_000)
    database = Database(engine=make_engine(postgres_url, "public"))
    await database.write(lambda connection: connection.execute(sa.text("CREATE TABLE held AS SELECT 0 AS count")))
    locked, back = threading.Event(), threading.Event()

    def count(connection: Connection) -> None:
        connection.execute(sa.text("UPDATE held SET count = count + 1"))

    def hang(connection: Connection) -> None:
        count(connection)
        locked.set()
        back.wait(60)
        connection.execute(sa.text("SELECT 1"))

    hanging = asyncio.create_task(database.write(hang))
    await asyncio.to_thread(locked.wait, 60)
    await database.write(count)
    back.set()
    await hanging
    assert await database.read(lambda connection: connection.scalar(sa.text("SELECT count FROM held"))) == 2
    await database.write(lambda connection: connection.execute(sa.text("DROP TABLE held")))
    await database.close()
