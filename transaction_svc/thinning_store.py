"""The SQL of thinning. Functions run inside a transaction, as in `store.py`."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from mesh.database.rowset import RowStatement
from transaction_svc.idempotency_keys import name_hash
from transaction_svc.models import tx, tx_event
from transaction_svc.store import Key

Position = tuple[int, str, int]
"""receive_us, content_key and repeat_no of an event."""

_KEY = (tx.c.tenant_id, tx.c.station_id, tx.c.transaction_id, tx.c.generation)

_REPLACE_EVENTS = RowStatement(
    """
    UPDATE tx_event SET event = rows.event FROM {rows}
    WHERE tx_event.tenant_id = rows.tenant_id AND tx_event.station_id = rows.station_id
      AND tx_event.content_key = rows.content_key AND tx_event.repeat_no = rows.repeat_no
    """,
    tenant_id="text",
    station_id="text",
    content_key="text",
    repeat_no="integer",
    event="text",
)


def find_unthinned(connection: Connection, *, before_us: int, limit: int) -> Sequence[Key]:
    """Ended transactions with no event since a moment, whose samples are all there still; the oldest first."""
    query = (
        sa.select(*_KEY)
        .where(tx.c.ended, ~tx.c.waiting, ~tx.c.thinned, tx.c.create_us < before_us, tx.c.update_us < before_us)
        .order_by(tx.c.create_us)
        .limit(limit)
    )
    return [tuple(row) for row in connection.execute(query)]


def read_events(
    connection: Connection, key: Key, *, before_us: int, after: Position | None, limit: int
) -> Sequence[tuple[Position, str]]:
    """Up to `limit` events of a transaction that came before a moment, by their position, beyond `after`."""
    tenant_id, station_id, transaction_id, generation = key
    position = (tx_event.c.receive_us, tx_event.c.content_key, tx_event.c.repeat_no)
    query = sa.select(*position, tx_event.c.event).where(
        tx_event.c.tx_hash == name_hash(tenant_id, station_id, transaction_id),
        tx_event.c.tenant_id == tenant_id,
        tx_event.c.station_id == station_id,
        tx_event.c.transaction_id == transaction_id,
        tx_event.c.generation == generation,
        tx_event.c.receive_us < before_us,
    )
    if after is not None:
        query = query.where(sa.tuple_(*position) > sa.tuple_(*map(sa.literal, after)))
    rows = connection.execute(query.order_by(*position).limit(limit))
    return [((receive_us, content_key, repeat_no), event) for receive_us, content_key, repeat_no, event in rows]


def replace_events(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Replaces the events as stations sent them. Their records, by which energy is assessed, stay as they are."""
    _REPLACE_EVENTS.run(connection, rows)


def mark_thinned(connection: Connection, key: Key) -> None:
    """Notes that the samples of a transaction are thinned."""
    of_key = [column == value for column, value in zip(_KEY, key, strict=True)]
    connection.execute(sa.update(tx).where(*of_key).values(thinned=True))
