"""Exports the rows of a tenant from the schema of one service: a line of JSON for each, `{"table": …, "row": {…}}`.

It is a command and no RPC, `python -m station_svc export TENANT`: platform administrators see no tenant's data over the
front door, and those who run the processes have the database anyway.
"""

from base64 import b64encode
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, Engine, MetaData

from mesh.database.tenant_rows import read_rows, tables_of_tenants

Decode = Callable[[Any], Any]
"""Makes JSON values of a stored one."""


@dataclass(frozen=True, kw_only=True)
class ExportedTables:
    """The tables of a service with rows of tenants, as they are exported.

    `left_out` are tables, `secrets` columns, by `table.column`: hashes of passwords and the like. `decoded` are columns
    whose stored form is no text that people could read; bytes without one become base64.
    """

    metadata: MetaData
    left_out: Collection[str] = ()
    secrets: Collection[str] = ()
    decoded: Mapping[str, Decode] = field(default_factory=dict)


def export_tenant(engine: Engine, tables: ExportedTables, tenant_id: str) -> Iterator[bytes]:
    """The lines, each with its newline. They are of one moment: all are read in one transaction."""
    with engine.connect() as opened:
        is_postgresql = opened.dialect.name == "postgresql"
        # The engine's connections commit each statement by themselves.
        connection = opened.execution_options(isolation_level="REPEATABLE READ") if is_postgresql else opened
        if is_postgresql:
            # As long as it takes: it locks nothing, and writes nothing.
            connection.execute(sa.text("SET LOCAL statement_timeout = 0"))
        for table in reversed(tables_of_tenants(tables.metadata, keep=tables.left_out)):
            yield from _lines(connection, tables, table, tenant_id)


def _lines(connection: Connection, tables: ExportedTables, table: sa.Table, tenant_id: str) -> Iterator[bytes]:
    # Plain texts: SQLAlchemy's own kind of name is none to the encoder.
    columns = {f"{column.name}": column for column in table.columns}
    names = [name for name in columns if f"{table.name}.{name}" not in tables.secrets]
    decoders = {name: tables.decoded.get(f"{table.name}.{name}", _plain) for name in names}
    for row in read_rows(connection, columns=[columns[name] for name in names], tenant_id=tenant_id):
        values = {name: decoders[name](value) for name, value in zip(names, row, strict=True)}
        yield msgspec.json.encode({"table": f"{table.name}", "row": values}) + b"\n"


def _plain(value: Any) -> Any:
    return b64encode(value).decode() if isinstance(value, bytes | memoryview) else value
