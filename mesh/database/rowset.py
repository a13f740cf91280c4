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


class _Quoted:
    """Literals of PostgreSQL that are quoted already (`standard_conforming_strings`, which engine.py sees to).

    The driver would double every backslash and quote a text as E'…', which the server reads one character at a time:
    JSON within JSON, as in the message log, is full of them.
    """

    def __init__(self, quoted: bytes) -> None:
        self._quoted = quoted

    def __conform__(self, _protocol: object) -> "_Quoted":
        """For psycopg2: the adapter of this value is the value itself."""
        return self

    def getquoted(self) -> bytes:
        """The literals in the statement."""
        return self._quoted


def _json_literal(rows: Sequence[Mapping[str, Any]]) -> _Quoted:
    """Rows as one literal. JSON has no NUL."""
    return _Quoted(b"'" + _encode(rows).replace(b"'", b"''") + b"'")


def _literals(row: Mapping[str, Any], columns: Iterable[str]) -> list[str]:
    """The values of one row as literals, a missing one as NULL."""
    return [_literal(row.get(name)) for name in columns]


def _literal(value: object) -> str:
    if type(value) is str:
        if "\0" in value:  # the driver's library would end the statement there
            raise ValueError("text with a NUL character cannot be stored")
        return f"'{value}'" if "'" not in value else "'" + value.replace("'", "''") + "'"
    if type(value) is int:
        return str(value)
    if value is None:
        return "NULL"
    encoded = _encode(value).decode()  # as it would be in a set of rows
    if encoded[0] == '"':
        return _literal(msgspec.json.decode(encoded))
    return _literal(encoded) if encoded[0] in "{[" else encoded


def _over_several(sql: str, columns: Mapping[str, str]) -> str:
    """A statement of PostgreSQL over any number of rows, its parameter `:rows`."""
    typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    if sql.count("{rows}") > 1:  # the JSON is read once
        sql = "WITH rows AS MATERIALIZED (SELECT * FROM {rows}) " + sql.replace("{rows}", "rows")  # noqa: S608
    return sql.replace("{rows}", f"json_to_recordset(CAST(:rows AS json)) AS rows({typed})")


def _over_one(sql: str, values: Mapping[str, str]) -> str:
    """The same over one row, with a value for each column."""
    selected = ", ".join(f"{value} AS {name}" for name, value in values.items())
    return sql.replace("{rows}", f"(SELECT {selected}) AS rows")


class _Prepared:
    """One form of a statement as PostgreSQL prepares it: first its rows, of these types, then its other parameters."""

    def __init__(self, body: str, kinds: Iterable[str], parameters: Mapping[str, str]) -> None:
        kinds = tuple(kinds)
        for number, name in enumerate(parameters, start=len(kinds) + 1):
            body = re.sub(rf":{name}\b", f"${number}", body)
        self.name = "csms_" + hashlib.blake2b(body.encode(), digest_size=8).hexdigest()
        self.prepare = f"PREPARE {self.name} ({', '.join((*kinds, *parameters.values()))}) AS {body}"
        self.execute = f"EXECUTE {self.name} ({', '.join(['%s'] * (1 + len(parameters)))})"


class RowStatement:
    """A statement over a set of rows.

    `sql` names the set once or more as `{rows}`, which reads as a table called `rows` with the given columns; further
    parameters are written `:name`. `columns` maps each column to its PostgreSQL type (text, bigint, integer, boolean,
    double precision), `parameters` those of a statement that is prepared to theirs. Times are bigint microseconds,
    bytes travel as hexadecimal text. `postgresql` is the same in a form that PostgreSQL plans better.

    SQLite needs `WHERE true` before ON CONFLICT where the rows come from SELECT (sqlite.org/lang_upsert.html, 2.2).
    `FOR UPDATE OF table` is left out there: a transaction that may write has the whole database to itself.
    Text with a NUL character fails on PostgreSQL and is cut at it on SQLite: keep it out.
    """

    _PREPARES_ONE = True

    def __init__(
        self,
        sql: str,
        parameters: Mapping[str, str] | None = None,
        /,
        *,
        postgresql: str | None = None,
        **columns: str,
    ) -> None:
        self._columns, self._parameters = tuple(columns), tuple(parameters or ())
        extracted = ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in columns)
        sqlite = f"(SELECT {extracted} FROM json_each(:rows)) AS rows"  # noqa: S608 - the project's own column names
        own = postgresql or sql
        several = _over_several(own, columns)
        self._texts: dict[str, TextClause] = {
            "postgresql": text(several),
            "sqlite": text(_LOCK.sub("", sql).replace("{rows}", sqlite)),
        }
        numbered = {name: f"${number}" for number, name in enumerate(columns, start=1)}
        self._one = _Prepared(_over_one(own, numbered), columns.values(), parameters or {})
        self._several = _Prepared(several.replace(":rows", "$1"), ["json"], parameters or {})
        self._plain = several.replace(":rows", "%s")
        self._plain_one = _over_one(own, {name: f"CAST(%s AS {kind})" for name, kind in columns.items()})
        self._mentions = own.count("{rows}")

    def run(self, connection: Connection, rows: Iterable[Mapping[str, Any]], **parameters: Any) -> CursorResult[Any]:
        """Runs the statement; each row maps column names to JSON values, a missing one is NULL."""
        given = list(rows)
        name = connection.dialect.name
        value = _json_literal(given) if name == "postgresql" else _encode(given).decode()
        return connection.execute(self._texts[name], {"rows": value, **parameters})

    def fetch(self, connection: Connection, rows: Iterable[Mapping[str, Any]]) -> Sequence[tuple[Any, ...]]:
        """Runs the statement without further parameters, and without a prepared plan; returns its rows as plain tuples.

        It costs a third of `run` in this process on PostgreSQL. The statement has no percent sign in it.
        """
        given = list(rows)
        if connection.dialect.name != "postgresql":
            return [tuple(row) for row in self.run(connection, given)]
        if len(given) == 1:
            values = [_Quoted(literal.encode()) for literal in _literals(given[0], self._columns)]
            return pipeline.run(connection, (self._plain_one, tuple(values * self._mentions)))
        return pipeline.run(connection, (self._plain, (_json_literal(given),)))

    def prepared(
        self, connection: Connection, rows: Iterable[Mapping[str, Any]], values: Mapping[str, Any] | None = None
    ) -> pipeline.Statement:
        """A statement that runs this one by its prepared plan, one per connection (PostgreSQL only).

        A single row is the rule in a quiet fleet. It has a form of its own, with its values as parameters: there is no
        JSON to read and nothing to join, and the plan finds the row by its key whatever is known of the tables.
        """
        given = list(rows)
        form = self._one if len(given) == 1 and self._PREPARES_ONE else self._several
        known = connection.info.setdefault(_PREPARED, set())
        if form.name not in known:
            connection.exec_driver_sql(form.prepare)
            known.add(form.name)
        more = [values[name] for name in self._parameters] if values else []
        if form is self._several:
            return form.execute, (_json_literal(given), *more)
        return form.execute, (_Quoted(", ".join(_literals(given[0], self._columns)).encode()), *more)


class SetStatement(RowStatement):
    """A statement that is prepared in one form for any number of rows: the plan for a single row would be worse."""

    _PREPARES_ONE = False


# A connection carries this note of what is prepared on it: no rollback undoes that, and only its end does.
_PREPARED = "csms_prepared"

Rows = Iterable[Mapping[str, Any]]
Call = tuple[RowStatement, Rows] | tuple[RowStatement, Rows, Mapping[str, Any]]
"""A statement, the rows to run it over, and the values of its parameters, where it has any."""


def run_prepared(connection: Connection, *calls: Call) -> Sequence[tuple[Any, ...]]:
    """Runs statements one after the other, on PostgreSQL in one round trip; returns the rows of the last one as tuples.

    For small batches: a statement is parsed and planned once per connection, and the server is waited for once. Each
    still sees the results of those before it, and transactions that were committed until it begins.

    The statements have no percent sign in them.
    """
    if connection.dialect.name == "postgresql":
        return pipeline.run(connection, *[statement.prepared(connection, *given) for statement, *given in calls])
    results = [_run(connection, *call) for call in calls]
    return [tuple(row) for row in results[-1].fetchall()] if results[-1].returns_rows else []


def _run(
    connection: Connection, statement: RowStatement, rows: Rows, values: Mapping[str, Any] | None = None
) -> CursorResult[Any]:
    return statement.run(connection, rows, **values or {})


def run_later(connection: Connection, *calls: Call) -> None:
    """Runs statements without their results: on PostgreSQL with the next one, or with COMMIT, which then fails."""
    if pipeline.can_wait(connection):
        pipeline.wait(connection, *[statement.prepared(connection, *given) for statement, *given in calls])
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
