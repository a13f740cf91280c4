"""Leadership of one replica of a service, for work that only one of them should do.

On PostgreSQL the leader holds a session's advisory lock: it needs no table and no clock. A process that dies loses it
as soon as its connection closes; after the failure of a machine it is free within 15 s, since the server probes the
connection (mesh/database/engine.py). On SQLite a service has one process, which always leads.

The work must be safe when it is done twice: a process that has lost its connection may not notice it for a moment.
"""

import asyncio
import zlib

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from mesh.database.engine import is_unavailable
from mesh.runtime.logs import get_logger

log = get_logger(__name__)

# Separates advisory locks of this kind from others. Any fixed number will do.
_NAMESPACE = 0x6C656164
LEADING_CHECK_S = 5.0

_TRY = text("SELECT pg_try_advisory_lock(:namespace, :work)")
_STILL_THERE = text("SELECT 1")


class Leader:
    """Returns whether this process leads in `work`, a name that all replicas share. Use from one task; close when done.

    A free lock is tried for every `check_s` seconds. A lock that is held is checked every `LEADING_CHECK_S` seconds:
    until then a process that lost its connection may work beside its successor.
    """

    def __init__(self, *, engine: Engine, work: str, check_s: float = 1.0) -> None:
        self._engine = engine
        self._work = work
        self._check_s = check_s
        self._connection: Connection | None = None
        self._leading = engine.dialect.name == "sqlite"
        self._checked_s = float("-inf")

    async def is_leading(self) -> bool:
        """Whether it led at the last check; acquires a free lock. False while the database is unavailable."""
        now_s = asyncio.get_running_loop().time()
        if self._engine.dialect.name != "sqlite" and now_s - self._checked_s >= self._interval_s():
            led = self._leading
            self._leading = await asyncio.to_thread(self._check)
            self._checked_s = now_s
            if led != self._leading:
                log.info("leading" if self._leading else "not leading any more", work=self._work)
        return self._leading

    def _interval_s(self) -> float:
        return max(self._check_s, LEADING_CHECK_S) if self._leading else self._check_s

    async def close(self) -> None:
        """Gives the lead up."""
        await asyncio.to_thread(self._disconnect)

    def _check(self) -> bool:
        try:
            if self._connection is None:
                self._connection = self._connect()
            if self._leading:
                self._connection.execute(_STILL_THERE)
                return True
            number = zlib.crc32(self._work.encode()) - 2**31
            locked = self._connection.execute(_TRY, {"namespace": _NAMESPACE, "work": number})
            return bool(locked.scalar_one())
        except DBAPIError as error:
            self._disconnect()
            if not is_unavailable(error):
                raise
            return False

    def _connect(self) -> Connection:
        """A connection of its own: the lock is the session's, and the pool keeps the number of its connections."""
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()
        return connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self._leading = self._engine.dialect.name == "sqlite"
        if connection is not None:
            connection.close()
