"""Exports the rows of a tenant from the schema of one service: a line of JSON for each, `{"table": …, "row": {…}}`.

This is the command of those who run the processes, `python -m station_svc export TENANT`, with all rows of one moment.
`data_export.py` has the RPC for administrators of the tenant.
"""

from base64 import b64encode
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Engine, MetaData

from mesh.database.row_walk import key_columns
from mesh.database.tenant_rows import read_rows, tables_of_tenants

Decode = Callable[[Any], Any]
"""Makes JSON values of a stored one."""


@dataclass(frozen=True, kw_only=True)
class ExportedTables:
    """The tables of a service with rows of tenants, as they are exported.

    `left_out` are tables, `secrets` columns, by `table.column`: hashes of passwords and the like. `decoded` are columns
    whose stored form is no text that people could read; bytes without one become base64. `orders` are the columns by
    which PostgreSQL reads a table a page at a time, where its primary key has no index there.
    """

    metadata: MetaData
    left_out: Collection[str] = ()
    secrets: Collection[str] = ()
    decoded: Mapping[str, Decode] = field(default_factory=dict)
    orders: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def tables(self) -> Sequence[sa.Table]:
        """The tables that are exported; a table comes before those that refer to it."""
        return list(reversed(tables_of_tenants(self.metadata, keep=self.left_out)))

    def order_of(self, table: sa.Table, dialect: str) -> Sequence[str]:
        """The columns by which a table is read a page at a time."""
        own = self.orders.get(f"{table.name}", ()) if dialect == "postgresql" else ()
        return own or key_columns(table)

    def line(self, table: sa.Table, row: Mapping[str, Any]) -> bytes:
        """The line of a row, with its newline and without secrets."""
        values = {
            # Plain texts: SQLAlchemy's own kind of name is none to the encoder.
            f"{name}": self.decoded.get(f"{table.name}.{name}", _plain)(value)
            for name, value in row.items()
            if f"{table.name}.{name}" not in self.secrets
        }
        return msgspec.json.encode({"table": f"{table.name}", "row": values}) + b"\n"


def export_tenant(engine: Engine, tables: ExportedTables, tenant_id: str) -> Iterator[bytes]:
    """The lines, each with its newline. They are of one moment: all are read in one transaction."""
    with engine.connect() as opened:
        is_postgresql = opened.dialect.name == "postgresql"
        # The engine's connections commit each statement by themselves.
        connection = opened.execution_options(isolation_level="REPEATABLE READ") if is_postgresql else opened
        if is_postgresql:
            # As long as it takes: it locks nothing, and writes nothing.
            connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
        for table in tables.tables():
            names = [column.name for column in table.columns]
            for row in read_rows(connection, columns=list(table.columns), tenant_id=tenant_id):
                yield tables.line(table, dict(zip(names, row, strict=True)))


def _plain(value: Any) -> Any:
    return b64encode(value).decode() if isinstance(value, bytes | memoryview) else value
