"""All SQL of notification_svc. Functions run inside a transaction that Database opens around them."""

from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, text

from mesh.database.filters import Field
from mesh.database.rowset import RowStatement
from notification_svc import models


@dataclass(frozen=True, kw_only=True)
class NewEvent:
    """An event that has no cursor yet. `data` is google.protobuf.Struct as bytes."""

    tenant_id: str
    event_id: str
    type: str
    source: str
    station_id: str
    event_time_us: int
    data: bytes


@dataclass(frozen=True, kw_only=True)
class StoredEvent(NewEvent):
    """An event in its tenant's stream."""

    cursor: int


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some events of a stream, oldest first, and the state of the stream at the moment they were read.

    `through` is the cursor up to which there are no more of them: the next page begins there.
    """

    events: Sequence[StoredEvent]
    through: int
    last_cursor: int
    removed_cursor: int


# Adds to last_cursor the number of events that come; the row stays locked, so the cursors of a stream are committed in
# their order, and who has seen one never finds a smaller one later.
_ADVANCE = RowStatement(
    """
    INSERT INTO stream (tenant_id, last_cursor, removed_cursor)
    SELECT tenant_id, events, 0 FROM {rows} WHERE true
    ON CONFLICT (tenant_id) DO UPDATE SET last_cursor = stream.last_cursor + excluded.last_cursor
    RETURNING tenant_id, last_cursor
    """,
    tenant_id="text",
    events="bigint",
)

_ADD = RowStatement(
    """
    INSERT INTO event (tenant_id, cursor, event_id, type, source, station_id, event_time_us, create_us, data)
    SELECT tenant_id, cursor, event_id, type, source, station_id, event_time_us, :now_us, data FROM {rows} WHERE true
    ON CONFLICT (tenant_id, event_id) DO NOTHING
    """,
    tenant_id="text",
    cursor="bigint",
    event_id="text",
    type="text",
    source="text",
    station_id="text",
    event_time_us="bigint",
    data="text",
)


def add(connection: Connection, events: Sequence[NewEvent], *, now_us: int) -> dict[str, int]:
    """Appends events to their tenants' streams, in the given order, but those that are there already.

    Returns the last cursor of each stream concerned. A cursor that falls to an event which is there already is given
    to none.
    """
    counts = Counter(event.tenant_id for event in events)
    # Sorted, so that two batches over several tenants lock the streams in the same order.
    streams = [{"tenant_id": tenant_id, "events": counts[tenant_id]} for tenant_id in sorted(counts)]
    heads: dict[str, int] = {row.tenant_id: row.last_cursor for row in _ADVANCE.run(connection, streams)}
    next_cursor = {tenant_id: head - counts[tenant_id] for tenant_id, head in heads.items()}
    rows = []
    for event in events:
        next_cursor[event.tenant_id] += 1
        rows.append(
            {
                "tenant_id": event.tenant_id,
                "cursor": next_cursor[event.tenant_id],
                "event_id": event.event_id,
                "type": event.type,
                "source": event.source,
                "station_id": event.station_id,
                "event_time_us": event.event_time_us,
                "data": b64encode(event.data).decode(),
            }
        )
    _ADD.run(connection, rows, now_us=now_us)
    return heads


def read_page(
    connection: Connection, tenant_id: str, *, after: int, condition: ColumnElement[bool] | None, limit: int
) -> Page:
    """Up to `limit` events beyond `after`, with the state of the stream, as of one moment."""
    event, stream = models.event, models.stream
    chosen = sa.select(event).where(event.c.tenant_id == tenant_id, event.c.cursor > after)
    if condition is not None:
        chosen = chosen.where(condition)
    page = chosen.order_by(event.c.cursor).limit(limit).subquery()
    query = (
        sa.select(stream.c.last_cursor, stream.c.removed_cursor, page)
        .select_from(stream.outerjoin(page, sa.true()))
        .where(stream.c.tenant_id == tenant_id)
        .order_by(page.c.cursor)
    )
    rows = connection.execute(query).all()
    if not rows:
        return Page(events=(), through=0, last_cursor=0, removed_cursor=0)
    events = tuple(_stored(tenant_id, row) for row in rows if row.cursor is not None)
    return Page(
        events=events,
        through=events[-1].cursor if len(events) == limit else max(after, rows[0].last_cursor),
        last_cursor=rows[0].last_cursor,
        removed_cursor=rows[0].removed_cursor,
    )


def read_heads(connection: Connection) -> dict[str, int]:
    """The last cursor of each stream."""
    stream = models.stream.c
    return {
        row.tenant_id: row.last_cursor for row in connection.execute(sa.select(stream.tenant_id, stream.last_cursor))
    }


_OLDEST = text(
    """
    SELECT cursor, create_us FROM event
    WHERE tenant_id = :tenant_id AND cursor > :removed ORDER BY cursor LIMIT :limit
    """
)
_LOCK = {"postgresql": "FOR UPDATE", "sqlite": ""}


def remove_old(connection: Connection, *, tenant_id: str, before_us: int, limit: int) -> int:
    """Removes up to `limit` of a stream's oldest events that came before a moment, and notes it in the stream.

    Returns how many; as many as `limit` may mean that there are more.
    """
    lock = _LOCK[connection.dialect.name]
    query = text(f"SELECT removed_cursor FROM stream WHERE tenant_id = :tenant_id {lock}")  # noqa: S608 - the project's own text
    removed = connection.execute(query, {"tenant_id": tenant_id}).scalar_one()
    oldest = connection.execute(_OLDEST, {"tenant_id": tenant_id, "removed": removed, "limit": limit})
    through = removed
    for row in oldest:
        if row.create_us >= before_us:
            break
        through = row.cursor
    if through == removed:
        return 0
    event, stream = models.event, models.stream
    connection.execute(sa.update(stream).where(stream.c.tenant_id == tenant_id).values(removed_cursor=through))
    return connection.execute(
        sa.delete(event).where(event.c.tenant_id == tenant_id, event.c.cursor <= through)
    ).rowcount


def read_unsent(connection: Connection) -> dict[str, int]:
    """The streams that the broker has not had all of, each with the cursor up to which it has."""
    stream, fanout = models.stream.c, models.fanout.c
    position = sa.func.coalesce(fanout.cursor, 0)
    query = (
        sa.select(stream.tenant_id, position.label("position"))
        .select_from(models.stream.outerjoin(models.fanout, fanout.tenant_id == stream.tenant_id))
        .where(stream.last_cursor > position)
        .order_by(stream.tenant_id)
    )
    return {row.tenant_id: row.position for row in connection.execute(query)}


# Never backwards: the position of a replica that no longer leads may arrive late.
_SAVE_SENT = text(
    """
    INSERT INTO fanout (tenant_id, cursor) VALUES (:tenant_id, :cursor)
    ON CONFLICT (tenant_id) DO UPDATE SET cursor = excluded.cursor WHERE fanout.cursor < excluded.cursor
    """
)


def save_sent(connection: Connection, *, tenant_id: str, cursor: int) -> None:
    """Notes that the broker has had a stream up to a cursor."""
    connection.execute(_SAVE_SENT, {"tenant_id": tenant_id, "cursor": cursor})


def event_filters() -> dict[str, Field]:
    """The fields by which events can be filtered."""
    event = models.event.c
    return {"type": Field(event.type), "source": Field(event.source), "station_id": Field(event.station_id)}


def _stored(tenant_id: str, row: sa.Row[tuple[object, ...]]) -> StoredEvent:
    return StoredEvent(
        tenant_id=tenant_id,
        cursor=row.cursor,
        event_id=row.event_id,
        type=row.type,
        source=row.source,
        station_id=row.station_id,
        event_time_us=row.event_time_us,
        data=b64decode(row.data),
    )
