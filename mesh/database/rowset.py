"""Many rows in one statement, the same on PostgreSQL and SQLite: the rows are one JSON parameter.

The SQL text is the same for any number of rows, so that it is compiled once and the number of statements of a batch is
constant. Measured against execute_values and arrays: docs/adr/0002-rows-as-json.md. For tables that are only appended
to, `copy` is cheaper still.
"""

import hashlib
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import psycopg2
import sqlalchemy as sa
from sqlalchemy import Connection, CursorResult, TextClause, text
from sqlalchemy.exc import DBAPIError

from mesh.database import pipeline

_encode = msgspec.json.Encoder().encode
_LOCK = re.compile(r"\bFOR UPDATE OF \w+")


# How values of a column travel as JSON: the PostgreSQL type of it in a set of rows. The more special type comes first.
_TYPES: Sequence[tuple[type[sa.types.TypeEngine[Any]], str]] = (
    (sa.BigInteger, "bigint"),
    (sa.Integer, "integer"),
    (sa.Boolean, "boolean"),
    (sa.Double, "double precision"),
    (sa.Text, "text"),
)


def columns_of(table: sa.Table, *names: str) -> dict[str, str]:
    """The `columns` of a RowStatement over columns of a table, all of them where none is named, with their types."""
    return {name: _type_of(table.c[name]) for name in names or table.c.keys()}


def _type_of(column: sa.Column[Any]) -> str:
    """The type in a set of rows. Raises TypeError for a column whose values have no form in JSON, such as bytes."""
    for kind, name in _TYPES:
        if isinstance(column.type, kind):
            return name
    raise TypeError(f"{column} has the type {column.type}, which has no form in a set of rows")


class _Literal:
    """JSON as a literal of PostgreSQL (`standard_conforming_strings`, which mesh/database/engine.py sees to).

    The driver would double every backslash and quote it as E'…', which the server reads one character at a time: JSON
    within JSON, as in the message log, is full of them.
    """

    def __init__(self, encoded: bytes) -> None:
        self._encoded = encoded

    def __conform__(self, _protocol: object) -> "_Literal":
        """For psycopg2: the adapter of this value is the value itself."""
        return self

    def getquoted(self) -> bytes:
        """The literal in the statement. JSON has no NUL."""
        return b"'" + self._encoded.replace(b"'", b"''") + b"'"


class RowStatement:
    """A statement over a set of rows.

    `sql` names the set once or more as `{rows}`, which reads as a table called `rows` with the given columns; further
    parameters are written `:name`. `columns` maps each column to its PostgreSQL type (text, bigint, integer, boolean,
    double precision). Times are bigint microseconds, bytes travel as hexadecimal text.

    SQLite needs `WHERE true` before ON CONFLICT where the rows come from SELECT (sqlite.org/lang_upsert.html, 2.2).
    `FOR UPDATE OF table` is left out there: a transaction that may write has the whole database to itself.
    Text with a NUL character fails on PostgreSQL and is cut at it on SQLite: keep it out.
    """

    def __init__(self, sql: str, **columns: str) -> None:
        self._columns = tuple(columns)
        typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        extracted = ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in columns)
        postgresql = f"json_to_recordset(CAST(:rows AS json)) AS rows({typed})"
        with_rows = sql
        if sql.count("{rows}") > 1:  # the JSON is read once
            with_rows = "WITH rows AS MATERIALIZED (SELECT * FROM {rows}) " + sql.replace("{rows}", "rows")  # noqa: S608
        sqlite = f"(SELECT {extracted} FROM json_each(:rows)) AS rows"  # noqa: S608 - the project's own column names
        self._texts: dict[str, TextClause] = {
            "postgresql": text(with_rows.replace("{rows}", postgresql)),
            "sqlite": text(_LOCK.sub("", sql).replace("{rows}", sqlite)),
        }
        body = with_rows.replace("{rows}", postgresql).replace(":rows", "$1")
        self._name = "csms_" + hashlib.blake2b(body.encode(), digest_size=8).hexdigest()
        self._plain = with_rows.replace("{rows}", postgresql).replace(":rows", "%s")
        self._prepare = f"PREPARE {self._name} (json) AS {body}"

    def run(self, connection: Connection, rows: Iterable[Mapping[str, Any]], **parameters: Any) -> CursorResult[Any]:
        """Runs the statement; each row maps column names to JSON values, a missing one is NULL."""
        encoded = _encode(list(rows))
        name = connection.dialect.name
        value = _Literal(encoded) if name == "postgresql" else encoded.decode()
        return connection.execute(self._texts[name], {"rows": value, **parameters})

    def fetch(self, connection: Connection, rows: Iterable[Mapping[str, Any]]) -> Sequence[tuple[Any, ...]]:
        """Runs the statement without further parameters, and without a prepared plan; returns its rows as plain tuples.

        It costs a third of `run` in this process on PostgreSQL. The statement has no percent sign in it.
        """
        if connection.dialect.name == "postgresql":
            return pipeline.run(connection, (self._plain, (_Literal(_encode(list(rows))),)))
        return [tuple(row) for row in self.run(connection, rows)]

    def prepared(self, connection: Connection, rows: Iterable[Mapping[str, Any]]) -> pipeline.Statement:
        """A statement that runs this one by its prepared plan, one per connection (PostgreSQL only)."""
        known = connection.info.setdefault(_PREPARED, set())
        if self._name not in known:
            connection.exec_driver_sql(self._prepare)
            known.add(self._name)
        return f"EXECUTE {self._name} (%s)", (_Literal(_encode(list(rows))),)


# A connection carries this note of what is prepared on it: no rollback undoes that, and only its end does.
_PREPARED = "csms_prepared"

Call = tuple[RowStatement, Iterable[Mapping[str, Any]]]
"""A statement, and the rows to run it over."""


def run_prepared(connection: Connection, *calls: Call) -> Sequence[tuple[Any, ...]]:
    """Runs statements one after the other, on PostgreSQL in one round trip; returns the rows of the last one as tuples.

    For small batches: a statement is parsed and planned once per connection, and the server is waited for once. Each
    still sees the results of those before it, and transactions that were committed until it begins.

    The statements have no further parameters, and no percent sign in them.
    """
    if connection.dialect.name == "postgresql":
        return pipeline.run(connection, *[statement.prepared(connection, rows) for statement, rows in calls])
    results = [statement.run(connection, rows) for statement, rows in calls]
    return [tuple(row) for row in results[-1].fetchall()] if results[-1].returns_rows else []


def run_later(connection: Connection, *calls: Call) -> None:
    """Runs statements without their results: on PostgreSQL with the next one, or with COMMIT, which then fails."""
    if pipeline.can_wait(connection):
        pipeline.wait(connection, *[statement.prepared(connection, rows) for statement, rows in calls])
    else:
        run_prepared(connection, *calls)


def copy(connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[str | int]]) -> None:
    """Appends rows to a table, values in the order of `columns` (PostgreSQL only).

    Half of what an INSERT costs the server, which reads no JSON and looks for no conflict: a row that is there already
    is an IntegrityError, and then nothing is appended.
    """
    format_row = "\t".join(["%s"] * len(columns))
    lines = []
    for row in rows:
        line = format_row % tuple(row)
        if "\\" in line or "\n" in line or "\r" in line or line.count("\t") >= len(columns):
            line = format_row % tuple(_escape(str(value)) for value in row)
        lines.append(line)
    lines.append("")
    data = io.BytesIO("\n".join(lines).encode())
    if waiting := pipeline.take(connection):
        connection.exec_driver_sql(*pipeline.join(waiting))
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    cursor = connection.connection.cursor()
    try:
        cursor.copy_expert(statement, data, 1 << 20)
    except psycopg2.Error as error:
        raise DBAPIError.instance(statement, None, error, psycopg2.Error, hide_parameters=True) from error
    finally:
        cursor.close()


def _escape(value: str) -> str:
    """Text as COPY's text format writes it."""
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
