"""Rows whose time is over are removed in chunks."""

from collections.abc import AsyncIterator, Sequence

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection
from structlog.testing import capture_logs

from mesh.database.engine import Database, make_engine
from mesh.database.retention import RetentionTask, in_chunks, older_than
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, unavailable
from mesh.runtime.times import DAY_US
from tests.conftest import FakeClock

ENTRY = sa.Table(
    "entry", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("create_us", sa.BigInteger)
)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with an empty table."""
    database = Database(engine=make_engine(database_url, "public"))
    ENTRY.metadata.create_all(database.engine)
    yield database
    await database.close()


def _remove(connection: Connection, *, before_us: int, limit: int) -> int:
    old = sa.select(ENTRY.c.id).where(ENTRY.c.create_us < before_us).order_by(ENTRY.c.id).limit(limit)
    return connection.execute(sa.delete(ENTRY).where(ENTRY.c.id.in_(old))).rowcount


async def _fill(database: Database, times_us: Sequence[int]) -> None:
    rows = [{"id": number, "create_us": us} for number, us in enumerate(times_us)]
    await database.write(lambda connection: connection.execute(sa.insert(ENTRY), rows))


async def _ids(database: Database) -> Sequence[int]:
    return await database.read(lambda connection: connection.scalars(sa.select(ENTRY.c.id).order_by(ENTRY.c.id)).all())


@pytest.mark.parametrize("rows", [0, 1, 3, 7])
async def test_each_chunk_is_a_transaction_and_the_last_is_not_full(database: Database, rows: int) -> None:
    if rows:
        await _fill(database, [0] * rows)
    counts: list[int] = []

    def work(connection: Connection, *, limit: int) -> int:
        assert limit == 3
        counts.append(_remove(connection, before_us=1, limit=limit))
        return counts[-1]

    assert await in_chunks(database, work, chunk=3) == rows
    assert counts == [3] * (rows // 3) + [rows % 3]


async def test_chunks_before_a_failure_stay_committed(database: Database) -> None:
    await _fill(database, [0] * 5)
    chunks = 0

    def work(connection: Connection, *, limit: int) -> int:
        nonlocal chunks
        chunks += 1
        if chunks == 2:
            raise unavailable(Reason.DATABASE_UNAVAILABLE, "try again")
        return _remove(connection, before_us=1, limit=limit)

    with pytest.raises(MeshError, match="DATABASE_UNAVAILABLE"):
        await in_chunks(database, work, chunk=2)
    assert await _ids(database) == [2, 3, 4]


async def test_rows_are_removed_after_their_days_and_counted_in_one_line(database: Database, clock: FakeClock) -> None:
    await _fill(database, [clock() - 2 * DAY_US, clock() - 1 * DAY_US, clock() - 1 * DAY_US + 1])
    asked = []

    def beside(_connection: Connection, *, now_us: int, limit: int) -> int:
        asked.append((now_us, limit))
        return 0

    task = RetentionTask(database=database, clock=clock, removals=[older_than(1, _remove), beside], chunk=10)
    with capture_logs() as logs:
        assert await task.remove_old() == 1
        assert await task.remove_old() == 0
    assert await _ids(database) == [1, 2]
    assert asked == [(clock(), 10)] * 2
    assert logs == [{"event": "old rows removed", "rows": 1, "log_level": "info"}]
