"""Carries out the erasure of drivers in the schema of one service (docs/adr/0035).

A run walks through all tables that may name a driver, a page at a time. Pages are read without locks; rows that name
the driver are held and changed, a page in a transaction that also notes how far the walk is: a process that takes over
goes on there. Rows of what is not over yet wait, and another walk follows. One that leaves none waiting is the last.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import grpc
from csms.auth.v1 import driver_erasure_directory_service_pb2 as pb
from csms.auth.v1.driver_erasure_directory_service_pb2_grpc import DriverErasureDirectoryServiceStub
from sqlalchemy import Connection

from mesh.contract.drivers import Driver
from mesh.database import erasure_progress, row_walk
from mesh.database.engine import Database
from mesh.database.erasure_progress import Progress
from mesh.database.leader import Leader
from mesh.database.row_walk import Row
from mesh.driver_tables import REMOVE, WAIT, DriverTable
from mesh.runtime.background import PeriodicTask
from mesh.runtime.errors import from_rpc_error
from mesh.runtime.logs import get_logger

log = get_logger(__name__)

EVERY_S = 12.0
# A message may be under way for 20 s, and so may an event of the outbox.
GRACE_S = 30.0
# Between two walks, where rows have to wait.
WAIT_S = 300.0
# Between two pages, so that messages are recorded meanwhile.
PAUSE_S = 0.02
TIMEOUT_S = 5.0
# A walk that finds nothing notes how far it is every so many pages.
_PAGES_UNSAVED = 50


@dataclass(frozen=True, kw_only=True)
class PendingErasure:
    """An erasure that a service has to carry out. `is_due`: whether the services before it are done."""

    erasure_id: str
    driver: Driver
    is_due: bool


class ErasureSource(Protocol):
    """The erasures of a service: those to carry out, and where their progress goes."""

    async def pending(self) -> Sequence[PendingErasure]:
        """The erasures that the service has not finished, the oldest first. Raises MeshError."""

    async def report(self, progress: Progress, *, finished: bool) -> None:
        """Notes what was done so far. Raises MeshError."""


class RemoteErasures:
    """The erasures of a service, `part`, over its channel to auth_svc. See ErasureSource."""

    def __init__(self, *, channel: grpc.aio.Channel, part: str) -> None:
        self._stub = DriverErasureDirectoryServiceStub(channel)
        self._part = part

    async def pending(self) -> Sequence[PendingErasure]:
        """See ErasureSource."""
        request = pb.ListPendingDriverErasuresRequest(service=self._part)
        try:
            response = await self._stub.ListPendingDriverErasures(request, timeout=TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        return [
            PendingErasure(
                erasure_id=one.erasure_id,
                driver=Driver(tenant_id=one.tenant_id, id_tokens=tuple(one.id_tokens), pseudonym=one.pseudonym),
                is_due=one.due,
            )
            for one in response.erasures
        ]

    async def report(self, progress: Progress, *, finished: bool) -> None:
        """See ErasureSource."""
        request = pb.ReportDriverErasureRequest(
            tenant_id=progress.tenant_id,
            erasure_id=progress.erasure_id,
            service=self._part,
            removed_rows=progress.removed_rows,
            changed_rows=progress.changed_rows,
            waiting_rows=progress.waiting_rows,
            finished=finished,
        )
        try:
            await self._stub.ReportDriverErasure(request, timeout=TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error


class DriverErasures:
    """Carries out the erasures of one service, `part`. Run `run` beside the servers; one replica works at a time."""

    def __init__(
        self,
        *,
        database: Database,
        part: str,
        tables: Sequence[DriverTable],
        source: ErasureSource,
        clock_s: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._database = database
        self._part = part
        self._tables = {table.name: table for table in tables}
        self._source = source
        self._clock_s = clock_s
        self._pause = pause
        self._next_s: dict[str, float] = {}  # when each erasure is walked next, by its id
        self._known: Sequence[str] | None = None

    async def run(self) -> None:
        """Erases until it is cancelled."""
        leader = Leader(engine=self._database.engine, work=f"erasure of drivers in {self._part}", check_s=EVERY_S)

        async def turn() -> None:
            if await leader.is_leading():
                await self.erase_all()

        try:
            await PeriodicTask("erasure of drivers", turn, every_s=EVERY_S).run()
        finally:
            await leader.close()

    async def erase_all(self) -> None:
        """One run: each erasure whose time has come. Raises MeshError; the next run goes on."""
        pending = await self._source.pending()
        known = [one.erasure_id for one in pending]
        now_s = self._clock_s()
        self._next_s = {
            one.erasure_id: self._next_s.get(one.erasure_id, now_s + GRACE_S) for one in pending if one.is_due
        }
        if known != self._known:
            await self._database.write(partial(erasure_progress.remove_others, erasure_ids=known))
            self._known = known
        for one in pending:
            if one.is_due and now_s >= self._next_s[one.erasure_id]:
                await self._erase(one)

    async def _erase(self, pending: PendingErasure) -> None:
        tenant_id, first = pending.driver.tenant_id, next(iter(self._tables))
        begin = Progress(tenant_id=tenant_id, erasure_id=pending.erasure_id, table_name=first)
        progress = await self._database.read(partial(erasure_progress.read, begin=begin))
        if progress.table_name not in self._tables:  # the report of that walk may be lost
            progress = replace(progress, table_name=first, position=(), waiting_rows=0)
        while progress.table_name in self._tables:
            progress = await self._walk(pending.driver, progress)
        finished = progress.waiting_rows == 0
        await self._source.report(progress, finished=finished)
        log.info(
            "driver erased" if finished else "erasure of a driver waits",
            tenant_id=tenant_id,
            erasure_id=pending.erasure_id,
            waiting_rows=progress.waiting_rows,
        )
        again = replace(progress, table_name=first, position=(), waiting_rows=0)
        await self._database.write(partial(erasure_progress.save, progress=again))
        self._next_s[pending.erasure_id] = self._clock_s() + WAIT_S

    async def _walk(self, driver: Driver, progress: Progress) -> Progress:
        """Walks through the rest of a table; returns the progress at the next one."""
        table, unsaved = self._tables[progress.table_name], 0
        order = table.order_of(self._database.engine.dialect.name)
        while True:
            found = await self._database.read(
                partial(_find, table=table, order=order, driver=driver, after=progress.position)
            )
            ahead = replace(progress, position=found.position)
            if found.is_last:
                ahead = replace(progress, table_name=self._after(table.name), position=())
            unsaved += 1
            if found.rows:
                work = partial(_change, table=table, order=order, driver=driver, rows=found.rows, progress=ahead)
                ahead = await self._database.write(work)
            elif found.is_last or unsaved >= _PAGES_UNSAVED:
                await self._database.write(partial(erasure_progress.save, progress=ahead))
            if found.is_last:
                return ahead
            progress, unsaved = ahead, 0 if found.rows or unsaved >= _PAGES_UNSAVED else unsaved
            await self._pause(PAUSE_S)

    def _after(self, name: str) -> str:
        names = list(self._tables)
        return "" if name == names[-1] else names[names.index(name) + 1]


@dataclass(frozen=True, kw_only=True)
class _Found:
    """The rows of a page that name the driver, and the place of its last row."""

    rows: Sequence[Row]
    position: tuple[Any, ...]
    is_last: bool


def _find(
    connection: Connection, *, table: DriverTable, order: Sequence[str], driver: Driver, after: Sequence[Any]
) -> _Found:
    rows = row_walk.read_page(
        connection, table.table, tenant_id=driver.tenant_id, order=order, after=after, limit=table.page
    )
    return _Found(
        rows=[row for row in rows if table.decide(row, driver) is not None],
        position=tuple(rows[-1][name] for name in order) if rows else (),
        is_last=len(rows) < table.page,
    )


def _change(
    connection: Connection,
    *,
    table: DriverTable,
    order: Sequence[str],
    driver: Driver,
    rows: Sequence[Row],
    progress: Progress,
) -> Progress:
    waits = table.hold(connection, rows) if table.hold is not None else [False] * len(rows)
    removed = changed = waiting = 0
    for row, has_to_wait in zip(rows, waits, strict=True):
        held = row_walk.read_again(connection, table.table, row, order=order)
        decision = None if held is None else table.decide(held, driver)
        if decision is None:
            continue
        if has_to_wait or decision is WAIT:
            waiting += 1
        elif decision is REMOVE:
            row_walk.remove_row(connection, table.table, row, order=order)
            removed += 1
        else:
            assert isinstance(decision, Mapping)  # noqa: S101 - the verdicts are above
            row_walk.change_row(connection, table.table, row, decision, order=order)
            changed += 1
    progress = replace(
        progress,
        removed_rows=progress.removed_rows + removed,
        changed_rows=progress.changed_rows + changed,
        waiting_rows=progress.waiting_rows + waiting,
    )
    erasure_progress.save(connection, progress=progress)
    return progress
