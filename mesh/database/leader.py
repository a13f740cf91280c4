"""Leadership of one replica of a service, for work that only one of them should do.

On PostgreSQL the leader holds a session's advisory lock: it needs no table and no clock. A process that dies loses it
as soon as its connection closes; after the failure of a machine it is free within 15 s, since the server probes the
connection (mesh/database/engine.py). All leaders of a process share one session, which is checked once for all. On
SQLite a service has one process, which always leads.

A replica that waits for the lead holds a shared lock beside it, so that the leader knows whether there are others.

The work must be safe when it is done twice: a process that has lost its connection may not notice it for a moment.
"""

import asyncio
import threading
import time
import zlib
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, TextClause, text
from sqlalchemy.exc import DBAPIError

from mesh.database.engine import is_unavailable
from mesh.runtime.logs import get_logger

log = get_logger(__name__)

# Separate advisory locks of this kind from others. Any fixed numbers will do.
_NAMESPACE = 0x6C656164
_WAITING = 0x77616974
LEADING_CHECK_S = 6.0
# A statement of this session that succeeded so lately proves that it holds its locks.
_PROVEN_S = 1.0
# A timer may fire a little early.
_SLACK_S = 0.5

_TRY = text("SELECT pg_try_advisory_lock(:namespace, :work)")
_RELEASE = text("SELECT pg_advisory_unlock(:namespace, :work)")
_WAIT = text("SELECT pg_try_advisory_lock_shared(:waiting, :work)")
_WAIT_NO_MORE = text("SELECT pg_advisory_unlock_shared(:waiting, :work)")
_STILL_THERE = text("SELECT 1")
# True where nobody waits; NULL where somebody does.
_ALONE = text(
    "SELECT CASE WHEN pg_try_advisory_lock(:waiting, :work) THEN pg_advisory_unlock(:waiting, :work) END AS alone"
)


@dataclass(frozen=True, kw_only=True)
class _Lead:
    """Whether a process leads, and whether another one waits for it to end."""

    is_leading: bool
    has_others: bool


_NOT_KNOWN = _Lead(is_leading=False, has_others=True)


class _Session:
    """The database session with the locks of all leaders of an engine. Its methods block, and threads may share it."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()  # one thread at a time has to do with it
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._users: set[Leader] = set()
        self._held: dict[str, Leader] = {}
        self._waiting: set[str] = set()
        self._proven_s = float("-inf")

    def check(self, leader: "Leader") -> _Lead:
        """Acquires the lead where it is free, and verifies one that is held."""
        with self._lock:
            self._users.add(leader)
            try:
                if self._connection is None:
                    self._connection = _connect(leader.engine)
                return self._check(self._connection, leader)
            except DBAPIError as error:
                self._disconnect()
                if not is_unavailable(error):
                    raise
                return _NOT_KNOWN

    def leave(self, leader: "Leader") -> None:
        """Gives the lead of one up; the last one closes the connection."""
        with self._lock:
            self._users.discard(leader)
            if not self._users:
                self._disconnect()
            elif self._connection is not None:
                try:
                    self._release(self._connection, leader)
                except DBAPIError:
                    self._disconnect()  # and with it the locks

    def _check(self, connection: Connection, leader: "Leader") -> _Lead:
        work, holder = leader.work, self._held.get(leader.work)
        if holder is None and self._ask(connection, _TRY, work):
            self._held[work] = holder = leader
            if work in self._waiting:
                self._stop_waiting(connection, work)
        elif holder is None and work not in self._waiting and self._ask(connection, _WAIT, work):
            self._waiting.add(work)
        has_others = True  # unless it is known that there are none
        if leader.watches_others and holder is leader:
            has_others = not self._ask(connection, _ALONE, work)
        if time.monotonic() - self._proven_s > _PROVEN_S:
            self._ask(connection, _STILL_THERE, work)
        return _Lead(is_leading=holder is leader, has_others=has_others)

    def _release(self, connection: Connection, leader: "Leader") -> None:
        if self._held.get(leader.work) is leader:
            del self._held[leader.work]
            self._ask(connection, _RELEASE, leader.work)
        if leader.work in self._waiting:
            self._stop_waiting(connection, leader.work)

    def _stop_waiting(self, connection: Connection, work: str) -> None:
        self._waiting.discard(work)
        self._ask(connection, _WAIT_NO_MORE, work)

    def _ask(self, connection: Connection, statement: TextClause, work: str) -> Any:
        numbers = {"namespace": _NAMESPACE, "waiting": _WAITING, "work": zlib.crc32(work.encode()) - 2**31}
        answer = connection.execute(statement, numbers).scalar_one()
        self._proven_s = time.monotonic()
        return answer

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self._held.clear()
        self._waiting.clear()
        self._proven_s = float("-inf")
        if connection is not None:
            connection.close()


def _connect(engine: Engine) -> Connection:
    """A connection of its own: the locks are the session's, and the pool keeps the number of its connections."""
    connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    connection.detach()
    return connection


_sessions: WeakKeyDictionary[Engine, _Session] = WeakKeyDictionary()


class Leader:
    """Returns whether this process leads in `work`, a name that all replicas share. Use from one task; close when done.

    A free lock is tried for every `check_s` seconds. A lock that is held is checked every `LEADING_CHECK_S` seconds:
    until then a process that lost its connection may work beside its successor. With `watches_others` it also knows
    whether another replica waits.
    """

    def __init__(self, *, engine: Engine, work: str, check_s: float = 1.0, watches_others: bool = False) -> None:
        self.engine = engine
        self.work = work
        self.watches_others = watches_others
        self._check_s = check_s
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._session = _sessions.setdefault(engine, _Session())
        self._lead = _Lead(is_leading=self._is_sqlite, has_others=not self._is_sqlite)
        self._checked_s = float("-inf")

    @property
    def has_others(self) -> bool:
        """Whether another replica waited for the lead at the last check; one that began since is not counted yet.

        True where that is not known, and without `watches_others`. False on SQLite.
        """
        return self._lead.has_others

    async def is_leading(self) -> bool:
        """Whether it led at the last check; acquires a free lock. False while the database is unavailable."""
        now_s = asyncio.get_running_loop().time()
        if not self._is_sqlite and now_s - self._checked_s >= self._interval_s():
            led = self._lead.is_leading
            async with self._session.turn:
                self._lead = await asyncio.to_thread(self._session.check, self)
            self._checked_s = now_s
            if led != self._lead.is_leading:
                log.info("not leading any more" if led else "leading", work=self.work)
        return self._lead.is_leading

    def _interval_s(self) -> float:
        if not self._lead.is_leading:
            return self._check_s
        return max(self._check_s, LEADING_CHECK_S) - _SLACK_S

    async def close(self) -> None:
        """Gives the lead up."""
        if not self._is_sqlite:
            self._lead = _NOT_KNOWN
            await asyncio.to_thread(self._session.leave, self)
