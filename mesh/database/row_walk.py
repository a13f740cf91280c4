"""A walk over all rows of a tenant in a table, a page at a time in the order of an index; changes of single rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

Row = Mapping[str, Any]


def key_columns(table: sa.Table) -> tuple[str, ...]:
    """The columns of the primary key without the tenant, which name a row of a tenant."""
    return tuple(column.name for column in table.primary_key.columns if column.name != "tenant_id")


def read_page(
    connection: Connection, table: sa.Table, *, tenant_id: str, order: Sequence[str], after: Sequence[Any], limit: int
) -> Sequence[Row]:
    """Up to `limit` rows beyond the place `after` (empty: from the first one), in the order of these columns."""
    query = sa.select(table).where(table.c.tenant_id == tenant_id)
    columns = [table.c[name] for name in order]
    if after:
        query = query.where(sa.tuple_(*columns) > sa.tuple_(*(sa.literal(value) for value in after)))
    return [dict(row) for row in connection.execute(query.order_by(*columns).limit(limit)).mappings()]


def read_again(connection: Connection, table: sa.Table, row: Row, *, order: Sequence[str]) -> Row | None:
    """A row as it is now, held until the transaction ends; None where it is gone."""
    found = connection.execute(sa.select(table).where(*_is(table, row, order)).with_for_update()).mappings().first()
    return None if found is None else dict(found)


def change_row(connection: Connection, table: sa.Table, row: Row, values: Row, *, order: Sequence[str]) -> None:
    """Changes columns of a row."""
    connection.execute(sa.update(table).where(*_is(table, row, order)).values(**values))


def remove_row(connection: Connection, table: sa.Table, row: Row, *, order: Sequence[str]) -> None:
    """Removes a row."""
    connection.execute(sa.delete(table).where(*_is(table, row, order)))


def _is(table: sa.Table, row: Row, order: Sequence[str]) -> Sequence[ColumnElement[bool]]:
    return [table.c[name] == row[name] for name in ("tenant_id", *order)]
