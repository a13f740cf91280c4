"""A database connection for each thread, kept from one transaction to the next.

Taking one from the pool and giving it back each time makes a transaction a fifth to two fifths dearer (ADR 20).
"""

import threading

from sqlalchemy import Connection, Engine


class KeptConnections:
    """The connections of a fixed number of threads. They come from the engine's pool, which must have one for each."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._of_threads: dict[int, Connection] = {}

    def get(self, *, reading: bool) -> Connection:
        """The connection of the calling thread, for a transaction that only reads or for one that may write."""
        thread = threading.get_ident()
        connection = self._of_threads.get(thread)
        if connection is None:
            connection = self._of_threads[thread] = self._engine.connect()
        if connection.get_execution_options().get("csms_read", False) is not reading:
            connection.execution_options(csms_read=reading)
        return connection

    def give_back(self) -> None:
        """Returns the calling thread's connection to the pool, which replaces it if it is broken."""
        connection = self._of_threads.pop(threading.get_ident(), None)
        if connection is not None:
            connection.close()

    def close(self) -> None:
        """Returns all connections. Their threads must have ended."""
        while self._of_threads:
            _thread, connection = self._of_threads.popitem()
            connection.close()
