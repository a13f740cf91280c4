"""The SQL of thinning. Functions run inside a transaction, as in `store.py`."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from transaction_svc.idempotency_keys import name_hash
from transaction_svc.models import tx, tx_event, tx_packed
from transaction_svc.packed_form import PackedEvent, pack
from transaction_svc.store import Key

Position = tuple[int, str, int]
"""receive_us, content_key and repeat_no of an event."""

_KEY = ("tenant_id", "station_id", "transaction_id", "generation")


def find_unthinned(connection: Connection, *, before_us: int, limit: int) -> Sequence[Key]:
    """Ended transactions with no event since a moment, whose samples are all there still; the oldest first."""
    query = (
        sa.select(*(tx.c[name] for name in _KEY))
        .where(tx.c.ended, ~tx.c.waiting, ~tx.c.thinned, tx.c.create_us < before_us, tx.c.update_us < before_us)
        .order_by(tx.c.create_us)
        .limit(limit)
    )
    return [tuple(row) for row in connection.execute(query)]


def find_state(connection: Connection, key: Key, *, before_us: int) -> str | None:
    """The state, encoded, of such a transaction; None where it has had an event meanwhile."""
    query = sa.select(tx.c.fold).where(*_of(tx, key), tx.c.ended, ~tx.c.waiting, tx.c.update_us < before_us)
    return connection.scalar(query)


def read_events(
    connection: Connection, key: Key, *, after: Position | None, limit: int
) -> Sequence[tuple[Position, PackedEvent]]:
    """Up to `limit` events of a transaction by their position, beyond `after`."""
    position = (tx_event.c.receive_us, tx_event.c.content_key, tx_event.c.repeat_no)
    columns = [tx_event.c[name] for name in PackedEvent.__struct_fields__]
    query = sa.select(*columns).where(tx_event.c.tx_hash == name_hash(*key[:3]), *_of(tx_event, key))
    if after is not None:
        query = query.where(sa.tuple_(*position) > sa.tuple_(*map(sa.literal, after)))
    events = [PackedEvent(*row) for row in connection.execute(query.order_by(*position).limit(limit))]
    return [((event.receive_us, event.content_key, event.repeat_no), event) for event in events]


def pack_events(connection: Connection, key: Key, events: Sequence[PackedEvent]) -> None:
    """Packs events of a transaction, in the place of their rows."""
    names = dict(zip(_KEY, key, strict=True))
    part = {"first_key": f"{events[0].content_key}/{events[0].repeat_no}", "events": pack(events)}
    connection.execute(sa.insert(tx_packed), {**names, **part})
    row = sa.tuple_(tx_event.c.content_key, tx_event.c.repeat_no)
    packed = row.in_([(event.content_key, event.repeat_no) for event in events])
    of_station = (tx_event.c.tenant_id == key[0], tx_event.c.station_id == key[1])
    connection.execute(sa.delete(tx_event).where(*of_station, packed))


def save_state(connection: Connection, key: Key, fold: str, *, thinned: bool) -> None:
    """Saves the state of a transaction, encoded; `thinned`: there is nothing more to pack."""
    connection.execute(sa.update(tx).where(*_of(tx, key)).values(fold=fold, thinned=thinned))


def _of(table: sa.Table, key: Key) -> Sequence[sa.ColumnElement[bool]]:
    return [table.c[name] == value for name, value in zip(_KEY, key, strict=True)]
