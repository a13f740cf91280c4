"""Fewer round trips to PostgreSQL: a statement whose result is not needed is sent together with the next one.

BEGIN is sent with the first statement of a transaction, the last writes with its COMMIT. For a small batch a round
trip, and the switch between two processes, costs more than the statement itself (docs/PERFORMANCE.md). Semantics stay
the same: a statement sees the results of those before it, and an error fails the transaction, at its COMMIT at the
latest.
"""

from typing import Any

import psycopg2
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry, PoolResetState

Statement = tuple[str, tuple[Any, ...]]
"""Text as the driver takes it, and its parameters."""

# Key of a connection's `info`, set while a transaction of `install` is open on it.
_WAITING = "csms_waiting"
_BEGUN = "csms_begun"


def wait(connection: Connection, *statements: Statement) -> None:
    """Leaves statements to be sent with the next one, or with COMMIT. Call it within a transaction of `install`."""
    connection.info[_WAITING].extend(statements)


def can_wait(connection: Connection) -> bool:
    """Whether a transaction of `install` is open, so that `wait` may be called."""
    return _WAITING in connection.info


def take(connection: Connection) -> list[Statement]:
    """The waiting statements, which the caller has to send before any other."""
    waiting: list[Statement] | None = connection.info.get(_WAITING)
    if not waiting:
        return []
    taken = list(waiting)
    waiting.clear()
    connection.info[_BEGUN] = True
    return taken


def join(statements: list[Statement]) -> Statement:
    """Several statements as one text."""
    if len(statements) == 1:
        return statements[0]
    texts = [text for text, _values in statements]
    return "; ".join(texts), tuple(value for _text, values in statements for value in values)


def run(connection: Connection, *statements: Statement) -> list[tuple[Any, ...]]:
    """Sends what waits, then statements, in one go; returns the rows of the last one, as plain tuples.

    By the driver's own cursor: SQLAlchemy's result objects cost more than the rest of the way to the server. A
    transaction begins, errors are raised and connections are given up as with SQLAlchemy.
    """
    if not connection.in_transaction():
        connection.begin()
    text, values = join([*take(connection), *statements])
    try:
        own: Any = connection.connection.cursor()
        with own as cursor:
            cursor.execute(text, values)
            rows: list[tuple[Any, ...]] = cursor.fetchall() if cursor.description else []
            return rows
    except psycopg2.Error as error:
        # Tells a lost connection from an error of the statement, and then gives up all that are as old (private, but
        # there is no public way to have that done).
        connection._handle_dbapi_exception(error, text, None, None, None)  # noqa: SLF001


def install(engine: Engine) -> None:
    """Makes `install` begin, commit and roll back the transactions of an engine whose driver stays in AUTOCOMMIT.

    A connection with AUTOCOMMIT of its own has no transactions, nor has one that only reads (`csms_read`): at READ
    COMMITTED each statement has a snapshot of its own in any case.
    """
    event.listen(engine, "begin", _begin)
    event.listen(engine, "before_cursor_execute", _before_execute)
    event.listen(engine, "commit", _commit)
    event.listen(engine, "rollback", _roll_back)
    event.listen(engine, "reset", _reset)


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("csms_read") and options.get("isolation_level") != "AUTOCOMMIT":
        connection.info[_WAITING] = [("BEGIN", ())]


def _before_execute(connection: Connection, cursor: Any, *_rest: object) -> None:
    if connection.info.get(_WAITING):
        cursor.execute(*join(take(connection)))


def _commit(connection: Connection) -> None:
    waiting = connection.info.get(_WAITING)
    if waiting is None:
        return
    if connection.info.get(_BEGUN) or len(waiting) > 1:
        run(connection, ("COMMIT", ()))
    _forget(connection.info)


def _roll_back(connection: Connection) -> None:
    if connection.invalidated:
        return
    begun = connection.info.get(_BEGUN, False)
    _forget(connection.info)
    if begun:
        try:
            connection.exec_driver_sql("ROLLBACK")
        except DBAPIError:
            connection.invalidate()  # the caller rolls back, and has an error of its own to raise


def _reset(connection: DBAPIConnection, entry: ConnectionPoolEntry | None, _state: PoolResetState) -> None:
    """Leaves no transaction open on a connection that was not closed."""
    if entry is None:  # it left the pool, and ends now
        return
    begun = entry.info.get(_BEGUN, False)
    _forget(entry.info)
    if begun:
        cursor = connection.cursor()
        cursor.execute("ROLLBACK")
        cursor.close()


def _forget(info: dict[Any, Any]) -> None:
    info.pop(_WAITING, None)
    info.pop(_BEGUN, None)
