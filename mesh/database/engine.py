"""The database of one service: a small pool of threads, each call one transaction.

Group commit: docs/DESIGN.md, "Batches".

SQLite has one writing thread and BEGIN IMMEDIATE; PostgreSQL has as many as it has connections. Either way the event
loop never waits for the database.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import grpc
import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from mesh.database import pipeline
from mesh.database.kept_connections import KeptConnections
from mesh.database.thread_executor import ThreadExecutor
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, unavailable
from mesh.runtime.logs import get_logger

log = get_logger(__name__)

T = TypeVar("T")
Item = TypeVar("Item")
CommitListener = Callable[[dict[Any, Any]], None]
"""Gets the notes that a transaction left in its connection's `info`."""
Result = TypeVar("Result")

ON_ROLLBACK = "csms_on_rollback"
"""Key of a connection's `info`: functions without arguments that are called where the present transaction fails."""

LOCK_TIMEOUT_MS = 5_000
STATEMENT_TIMEOUT_MS = 15_000
# Bounds how long a process that hangs within a transaction, or whose machine has failed, keeps its locks: messages of
# the same stations come to another replica.
IDLE_TIMEOUT_MS = 10_000
# Either end drops a connection whose other end is silent for 5 + 3 * 3 s; over a unix socket it has no need to.
_PROBES = "-ctcp_keepalives_idle=5 -ctcp_keepalives_interval=3 -ctcp_keepalives_count=3"
_OWN_PROBES = {
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 14_000,
}
READ_THREADS = 2
# Statements that PostgreSQL ended to resolve a conflict: running the transaction again is right.
_RETRYABLE = frozenset({"40001", "40P01"})
_ATTEMPTS = 3
# Classes of SQLSTATE for faults of the database itself: connection, read-only (a standby), rollback for a
# conflict, resources, locks, an administrator, the system below (PostgreSQL manual, appendix A). The driver's
# OperationalError also covers faults of one item, such as a key too long for its index (54000).
_UNAVAILABLE_STATES = frozenset({"08", "25", "40", "53", "55", "57", "58"})
_UNAVAILABLE_IN_SQLITE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)


def make_engine(url: str, schema: str, *, threads: int = 4) -> Engine:
    """An engine for one service's own schema (PostgreSQL) or file (SQLite). Opens no connection yet."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite_engine(parsed)
    options = (
        f"-csearch_path={schema} -ctimezone=UTC "
        f"-clock_timeout={LOCK_TIMEOUT_MS} -cstatement_timeout={STATEMENT_TIMEOUT_MS} "
        f"-cidle_in_transaction_session_timeout={IDLE_TIMEOUT_MS} {_PROBES} "
        "-cclient_encoding=UTF8 -cstandard_conforming_strings=on"  # mesh/database/rowset.py writes literals of its own
    )
    arguments = {"options": options, "application_name": f"csms-{schema}", "connect_timeout": 5, **_OWN_PROBES}
    engine = sqlalchemy.create_engine(
        parsed,
        # Each thread keeps one. Beyond them there is one on its way to a leader (leader.py), or a migration's.
        pool_size=threads + READ_THREADS,
        max_overflow=-1,
        connect_args=arguments,
        isolation_level="AUTOCOMMIT",  # of the driver: mesh/database/pipeline.py begins and commits
        hide_parameters=True,  # errors are logged, and parameters have data of stations and operators
    )
    pipeline.install(engine)
    return engine


def _sqlite_engine(url: URL) -> Engine:
    engine = sqlalchemy.create_engine(
        url, connect_args={"check_same_thread": False, "timeout": 5}, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: ConnectionPoolEntry) -> None:
        # The driver's own transactions begin too late (at the first write) and as readers; these begin explicitly.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        reading = connection.get_execution_options().get("csms_read")
        connection.exec_driver_sql("BEGIN DEFERRED" if reading else "BEGIN IMMEDIATE")

    return engine


class Database:
    """Runs functions of `store.py` in transactions, off the event loop."""

    def __init__(self, *, engine: Engine, threads: int = 4) -> None:
        self.engine = engine
        writers = 1 if engine.dialect.name == "sqlite" else threads
        self._writers = ThreadExecutor(threads=writers, name="db-write")
        self._readers = ThreadExecutor(threads=READ_THREADS, name="db-read")
        self._connections = KeptConnections(engine)
        self._listeners: tuple[CommitListener, ...] = ()

    def on_commit(self, listener: CommitListener) -> None:
        """Has a listener called after each commit, in the thread that committed."""
        self._listeners = (*self._listeners, listener)

    def remove_listener(self, listener: CommitListener) -> None:
        """Ends `on_commit`."""
        self._listeners = tuple(other for other in self._listeners if other is not listener)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in one transaction and returns once it is committed.

        Raises MeshError UNAVAILABLE, reason DATABASE_UNAVAILABLE, when the database is unavailable or too busy; it is
        then unknown whether the work was committed, so `work` must be idempotent. Other errors of the database are
        raised as they are.
        """
        return await self._writers.run(self._transaction, work, False)

    async def write_statement(self, work: Callable[[Connection], T]) -> T:
        """As `write`, where `work` writes with one statement only, which commits by itself.

        It saves a round trip to PostgreSQL, the main cost of a small statement. If `work` fails after that statement,
        the statement stays committed.
        """
        return await self._writers.run(self._transaction, work, self.engine.dialect.name == "postgresql")

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Runs `work`, which must not write, in one transaction. Raises as `write`."""
        return await self._readers.run(self._transaction, work, True)

    async def close(self) -> None:
        """Waits for what is running, then closes every connection."""
        await asyncio.to_thread(self._writers.close)
        await asyncio.to_thread(self._readers.close)
        self._connections.close()
        self.engine.dispose()

    def _transaction(self, work: Callable[[Connection], T], reading: bool) -> T:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._run(work, reading)
            except DBAPIError as error:
                if attempt < _ATTEMPTS and _worth_repeating(error):
                    continue
                if not is_unavailable(error):
                    raise
                log.warning("database unavailable", error=str(error.orig).strip())
                raise unavailable(Reason.DATABASE_UNAVAILABLE, "the database is unavailable; try again") from error
        raise AssertionError("unreachable")

    def _run(self, work: Callable[[Connection], T], reading: bool) -> T:
        connection = self._connections.get(reading=reading)
        info = connection.info
        try:
            with connection.begin():
                result = work(connection)
        except BaseException:
            for undo in info.pop(ON_ROLLBACK, ()):
                undo()
            self._connections.give_back()
            raise
        info.pop(ON_ROLLBACK, None)
        for listener in self._listeners:
            listener(connection.info)
        return result


def is_unavailable(error: DBAPIError) -> bool:
    """Whether the database itself caused the error, rather than the statement."""
    if error.connection_invalidated or isinstance(error, InterfaceError):
        return True
    if not isinstance(error, OperationalError):
        return False
    if isinstance(error.orig, sqlite3.Error):
        return error.orig.sqlite_errorcode & 0xFF in _UNAVAILABLE_IN_SQLITE
    state = getattr(error.orig, "pgcode", None)  # None: there was no connection to have an answer from
    return state is None or state[:2] in _UNAVAILABLE_STATES


def _worth_repeating(error: DBAPIError) -> bool:
    # A pooled connection that a restart of the database cut is noticed on first use: a fresh one may do.
    return error.connection_invalidated or getattr(error.orig, "pgcode", None) in _RETRYABLE


def _log_failure(error: Exception) -> None:
    if isinstance(error, DBAPIError):
        # The database refused it. Only the first line: those after it quote what was refused.
        lines = str(error.orig).strip().splitlines() or [""]
        log.warning("item failed", error=lines[0], kind=type(error.orig).__name__)
    else:
        log.error("item failed", exc_info=error)


async def commit_batch(
    database: Database, items: Sequence[Item], work: Callable[[Connection, Sequence[Item]], Sequence[Result]]
) -> list[Result | MeshError]:
    """Commits a batch as one transaction; where one item fails, halves it until that item alone fails.

    `work` gets a connection and some of the items, and returns one result per item, in their order. The list holds, in
    the order of the items, each one's result or the error it failed with for its own content. Raises MeshError
    UNAVAILABLE where the database is unavailable; part of the batch may be committed then, and all of it may be
    repeated.
    """
    if not items:
        return []
    try:
        return list(await database.write(lambda connection: work(connection, items)))
    except MeshError as error:
        if error.code is grpc.StatusCode.UNAVAILABLE:
            raise
        failure = error
    except Exception as error:
        failure = MeshError(
            grpc.StatusCode.INTERNAL, Reason.ITEM_FAILED, "this item could not be stored; the service's log says why"
        )
        if len(items) == 1:
            _log_failure(error)
    if len(items) == 1:
        return [failure]
    middle = len(items) // 2
    first = await commit_batch(database, items[:middle], work)
    return first + await commit_batch(database, items[middle:], work)
