"""Exports by RPC: the rows of a tenant, or of one driver of it, as NDJSON, in bounded memory.

Rows are read a page at a time, each page in a transaction of its own: a slow reader holds none. So an export is not of
one moment; the command of `tenant_export.py` is.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa
from google.api.httpbody_pb2 import HttpBody

from mesh.contract.drivers import Driver
from mesh.database import row_walk
from mesh.database.engine import Database
from mesh.database.row_walk import Row
from mesh.driver_tables import PAGE, DriverTable
from mesh.runtime.errors import invalid_field
from mesh.tenant_export import ExportedTables

# Of a message, unless one row is larger: clients take 4 MiB.
_MOST_BYTES = 256 * 1024
_MOST_TOKEN = 255

Choose = Callable[[Row], Row | None]
"""The part of a row that is exported, or None."""


MEDIA_TYPE = "application/x-ndjson"
# Of an export without a row: the front door takes the media type from the first message, and without one it is JSON.
_NOTHING = HttpBody(content_type=MEDIA_TYPE)


class DataExports:
    """The exports of one service. `drivers` are the tables that may name a driver."""

    def __init__(self, *, database: Database, exported: ExportedTables, drivers: Sequence[DriverTable]) -> None:
        self._database = database
        self._exported = exported
        self._dialect = database.engine.dialect.name
        names = {f"{table.name}" for table in exported.tables()}
        self._drivers = [table for table in drivers if table.name in names]

    async def tenant(self, tenant_id: str) -> AsyncIterator[HttpBody]:
        """All rows of a tenant."""
        is_empty = True
        for table in self._exported.tables():
            order = self._exported.order_of(table, self._dialect)
            async for body in self._read(table, tenant_id, order, PAGE, lambda row: row):
                is_empty = False
                yield body
        if is_empty:
            yield _NOTHING

    async def driver(self, tenant_id: str, id_token: str) -> AsyncIterator[HttpBody]:
        """The rows that name a driver. Raises MeshError INVALID_FIELD."""
        text = id_token.strip()
        if not 1 <= len(text) <= _MOST_TOKEN or not text.isprintable():
            raise invalid_field("id_token", f"1 to {_MOST_TOKEN} printable characters are needed")
        driver = Driver(tenant_id=tenant_id, id_tokens=(text,))
        is_empty = True
        for table in self._drivers:
            choose = partial(_about, table=table, driver=driver)
            order = table.order_of(self._dialect)
            async for body in self._read(table.table, tenant_id, order, table.page, choose):
                is_empty = False
                yield body
        if is_empty:
            yield _NOTHING

    async def _read(
        self, table: sa.Table, tenant_id: str, order: Sequence[str], limit: int, choose: Choose
    ) -> AsyncIterator[HttpBody]:
        after: Sequence[Any] = ()
        while True:
            read = partial(row_walk.read_page, table=table, tenant_id=tenant_id, order=order, after=after, limit=limit)
            rows = await self._database.read(read)
            for data in _pieces(self._exported.line(table, part) for row in rows if (part := choose(row)) is not None):
                yield HttpBody(content_type=MEDIA_TYPE, data=data)
            if len(rows) < limit:
                return
            after = [rows[-1][name] for name in order]


def _about(row: Row, *, table: DriverTable, driver: Driver) -> Row | None:
    return None if table.decide(row, driver) is None else table.about(row, driver)


def _pieces(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Whole lines together, some hundred KiB in a piece."""
    held: list[bytes] = []
    size = 0
    for line in lines:
        if held and size + len(line) > _MOST_BYTES:
            yield b"".join(held)
            held, size = [], 0
        held.append(line)
        size += len(line)
    if held:
        yield b"".join(held)
