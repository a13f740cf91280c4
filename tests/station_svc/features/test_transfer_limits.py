"""Vendors' own messages: so many and so much of each station are kept, whatever it sends, and the oldest go first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2

from station_svc.features.data_transfer import transfer_limits, transfer_store
from station_svc.features.data_transfer.transfer_limits import TransferLimits, TransferTrimmer
from tests.station_svc import tables as models
from tests.station_svc.conftest import StartSystem, StationSystem
from tests.waiting import eventually

LIMITS = TransferLimits(rows=20, size=4000)


@pytest.fixture
async def system(start_system: StartSystem) -> AsyncIterator[StationSystem]:
    """A running station_svc with small limits, and the task that keeps them."""
    system = await start_system(transfer_limits=LIMITS)
    await system.lease()
    trimming = asyncio.ensure_future(_trimmer(system).run())
    yield system
    trimming.cancel()
    await asyncio.gather(trimming, return_exceptions=True)


def _trimmer(system: StationSystem) -> Any:
    owners = (getattr(run, "__self__", None) for run in system.parts.background)
    return next(owner for owner in owners if isinstance(owner, TransferTrimmer))


async def _send(system: StationSystem, station_id: str, epoch: int, *texts: str) -> None:
    items = [
        ingest_pb2.TransferDataItem(origin=system.origin(station_id, epoch), vendor_id="com.acme", data=text)
        for text in texts
    ]
    response = await system.ingest.TransferData(ingest_pb2.TransferDataRequest(items=items))
    assert not any(result.HasField("error") for result in response.results)


async def _kept(system: StationSystem, station_id: str) -> list[str]:
    table = models.data_transfer.c
    query = sa.select(table.data).where(table.station_id == station_id).order_by(table.epoch, table.ordinal)
    return list(await system.database.read(lambda connection: connection.execute(query).scalars().all()))


async def test_the_oldest_go_where_there_are_too_many(system: StationSystem) -> None:
    """Over every connection of the station; at most a tenth more than the limit stays; others keep theirs."""
    await _send(system, "CP2", await system.open("CP2"), *(f"other {number}" for number in range(20)))
    for start in (0, 30, 60):
        epoch = await system.open("CP1")
        for number in range(start, start + 30, 3):
            await _send(system, "CP1", epoch, *(f"{each:02}" for each in range(number, number + 3)))

    async def is_trimmed() -> bool:
        return len(await _kept(system, "CP1")) <= LIMITS.rows * 1.1

    await eventually(is_trimmed)
    kept = await _kept(system, "CP1")
    assert kept == [f"{number:02}" for number in range(90 - len(kept), 90)]
    assert len(kept) >= LIMITS.rows
    assert len(await _kept(system, "CP2")) == 20


async def test_the_oldest_go_where_they_are_too_large(system: StationSystem) -> None:
    """Bytes count, not characters; the newest one that does not fit goes with all that are older."""
    epoch = await system.open("CP1")
    for letter in "abcdefgh":
        await _send(system, "CP1", epoch, letter + "\N{EURO SIGN}" * 300)

    async def is_trimmed() -> list[str] | None:
        kept = await _kept(system, "CP1")
        return kept if sum(len(text.encode()) for text in kept) <= LIMITS.size else None

    kept = await eventually(is_trimmed)
    assert [text[0] for text in kept or ()] == ["e", "f", "g", "h"]


async def test_no_message_costs_a_look(system: StationSystem) -> None:
    """The first one of a station does, then each tenth of a limit: none of these is waited for."""
    epoch = await system.open("CP1")
    with _looks(system) as looks:
        await _send(system, "CP1", epoch, "first")
        await eventually(lambda: _is(looks, 1))
        await _send(system, "CP1", epoch, "second")
        await _send(system, "CP1", epoch, "third")  # a tenth of the rows
        await eventually(lambda: _is(looks, 2))
        await _send(system, "CP1", epoch, "x" * 400)  # a tenth of the bytes
        await eventually(lambda: _is(looks, 3))
        await _send(system, "CP1", epoch, "fourth")
        assert not _trimmer(system)._due
        await _trimmer(system).trim(("default", "CP2"))
        assert len(looks) == 4


async def _is(looks: list[str], count: int) -> bool:
    return len(looks) == count


@contextmanager
def _looks(system: StationSystem) -> Any:
    """The statements that look at a station."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "row_number()" in statement:
            seen.append(statement)

    sa.event.listen(system.database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(system.database.engine, "before_cursor_execute", note)


async def test_a_look_reads_one_station_by_its_key(system: StationSystem) -> None:
    explain = {"sqlite": "EXPLAIN QUERY PLAN ", "postgresql": "EXPLAIN "}[system.database.engine.dialect.name]
    plans = []

    def note(connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if "row_number()" in statement and not statement.startswith("EXPLAIN"):
            if explain == "EXPLAIN ":
                connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # of a table with so few rows
            plans.append(str(connection.exec_driver_sql(explain + statement, parameters).all()))

    sa.event.listen(system.database.engine, "before_cursor_execute", note)
    await _trimmer(system).trim(("default", "CP1"))
    sa.event.remove(system.database.engine, "before_cursor_execute", note)
    [plan] = plans
    used = "SEARCH data_transfer USING" if explain != "EXPLAIN " else "Index Scan Backward using data_transfer_pkey"
    assert used in plan, plan
    assert "SCAN data_transfer" not in plan


async def test_a_database_that_is_away_is_waited_for(system: StationSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    """The station stays due."""
    monkeypatch.setattr(transfer_limits, "RETRY_S", 0.01)
    find, failures = transfer_store.find_excess, iter([sa.exc.OperationalError("", None, Exception())] * 2)

    def find_later(*arguments: Any, **more: Any) -> Any:
        for failure in failures:
            raise failure
        return find(*arguments, **more)

    monkeypatch.setattr(transfer_store, "find_excess", find_later)
    await _send(system, "CP1", await system.open("CP1"), *(str(number) for number in range(25)))
    await eventually(lambda: _count_is(system, 20))


async def _count_is(system: StationSystem, count: int) -> bool:
    return len(await _kept(system, "CP1")) == count
