"""The SQL that the erasure of a driver needs beside its walk. Functions run inside a transaction."""

import itertools
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from mesh.database.row_walk import Row
from transaction_svc import store
from transaction_svc.models import tx

_KEY = ("tenant_id", "station_id", "transaction_id", "generation")


def lock_stations(connection: Connection, rows: Sequence[Row]) -> Sequence[bool]:
    """Locks the stations of rows, as their writers do. None of the rows has to wait for another reason."""
    stations = sorted({(row["tenant_id"], row["station_id"]) for row in rows})
    store.lock_and_look_up(connection, itertools.starmap(store.station_lock, stations), ())
    return [False] * len(rows)


def hold_events(connection: Connection, rows: Sequence[Row]) -> Sequence[bool]:
    """The same for events: those of open transactions have to wait, since more with the id token will come."""
    lock_stations(connection, rows)
    return [_is_open(connection, row) for row in rows]


def _is_open(connection: Connection, row: Row) -> bool:
    of_tx = [tx.c[name] == row[name] for name in _KEY]
    return connection.execute(sa.select(tx.c.generation).where(*of_tx, ~tx.c.ended)).first() is not None
