"""The rows of one tenant: removed, a bounded number at a time, or read, one after the other."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, MetaData, text

# A row of a partitioned table is named by its place in its partition alone: rows of other partitions at that place are
# the tenant's too, or stay.
_REMOVE = {
    "postgresql": """
        DELETE FROM {table}
        WHERE tenant_id = :tenant_id AND {condition}
          AND ctid = ANY(ARRAY(SELECT ctid FROM {table} WHERE tenant_id = :tenant_id AND {condition} LIMIT :limit))
        """,
    "sqlite": """
        DELETE FROM {table}
        WHERE rowid IN (SELECT rowid FROM {table} WHERE tenant_id = :tenant_id AND {condition} LIMIT :limit)
        """,
}
_ALL = "true"
# Rows that are fetched together, so that no table has to fit into memory.
_FETCHED = 500


def tables_of_tenants(metadata: MetaData, *, keep: Collection[str] = ()) -> Sequence[sa.Table]:
    """The tables with rows of tenants, but those to `keep`; a table that refers to another comes before it."""
    return [
        table for table in reversed(metadata.sorted_tables) if "tenant_id" in table.columns and table.name not in keep
    ]


def remove_rows(connection: Connection, *, table: sa.Table, tenant_id: str, limit: int) -> int:
    """Removes some `limit` rows of a tenant; returns how many: fewer where no other is left."""
    return _remove(connection, table, _ALL, {"tenant_id": tenant_id, "limit": limit})


def remove_old_rows(connection: Connection, *, age: sa.Column[int], tenant_id: str, before_us: int, limit: int) -> int:
    """The same for rows whose column `age` is before a moment."""
    parameters: dict[str, str | int] = {"tenant_id": tenant_id, "before_us": before_us, "limit": limit}
    return _remove(connection, age.table, f"{age.name} < :before_us", parameters)


def count_by_time(
    connection: Connection,
    *,
    age: sa.Column[int],
    tenant_id: str,
    since_us: int,
    until_us: int | None,
    slice_us: int,
) -> Sequence[tuple[int, int]]:
    """The beginnings of slices of time with the number of a tenant's rows in each, from the newest to the oldest."""
    # A number that is no parameter: PostgreSQL would take two of them for different expressions.
    part = age.op("/")(sa.literal_column(str(slice_us)))
    query = (
        sa.select(part, sa.func.count())
        .where(age.table.c.tenant_id == tenant_id, age >= since_us)
        .group_by(part)
        .order_by(part.desc())
    )
    if until_us is not None:
        query = query.where(age < until_us)
    return [(int(number) * slice_us, int(count)) for number, count in connection.execute(query)]


def read_rows(
    connection: Connection, *, columns: Sequence[sa.Column[Any]], tenant_id: str
) -> Iterator[sa.Row[tuple[Any, ...]]]:
    """Columns of all rows that a tenant has in a table, in no order."""
    query = sa.select(*columns).where(columns[0].table.c.tenant_id == tenant_id)
    yield from connection.execution_options(stream_results=True).execute(query).yield_per(_FETCHED)


def _remove(connection: Connection, table: sa.FromClause, condition: str, parameters: dict[str, str | int]) -> int:
    quoted = connection.dialect.identifier_preparer.quote(table.name)  # type: ignore[attr-defined]
    statement = _REMOVE[connection.dialect.name].format(table=quoted, condition=condition)
    return connection.execute(text(statement), parameters).rowcount
