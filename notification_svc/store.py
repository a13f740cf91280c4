"""All SQL of notification_svc. Functions run inside a transaction that Database opens around them."""

from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, text

from mesh.database import partitions
from mesh.database.filters import Field
from mesh.database.partitions import Span
from mesh.database.rowset import RowStatement, run_later, run_prepared
from mesh.placements.conditions import StationConditions
from mesh.runtime.times import DAY_US
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
    actor: str = ""


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
# their order, and who has seen one never finds a smaller one later. Times rise with them, whatever replica adds.
_ADVANCE = RowStatement(
    """
    INSERT INTO stream (tenant_id, last_cursor, removed_cursor, last_create_us)
    SELECT tenant_id, events, 0, create_us FROM {rows} WHERE true
    ON CONFLICT (tenant_id) DO UPDATE SET last_cursor = stream.last_cursor + excluded.last_cursor,
      last_create_us = CASE WHEN stream.last_create_us > excluded.last_create_us
                       THEN stream.last_create_us ELSE excluded.last_create_us END
    RETURNING tenant_id, last_cursor, last_create_us
    """,
    tenant_id="text",
    events="bigint",
    create_us="bigint",
)

# An event comes after it has happened, so one that comes again is in no partition that is older than that. OFFSET keeps
# the planner from joining.
_ADD = RowStatement(
    """
    INSERT INTO event (tenant_id, cursor, event_id, type, source, station_id, event_time_us, create_us, data, actor)
    SELECT tenant_id, cursor, event_id, type, source, station_id, event_time_us, create_us, data, actor FROM {rows}
    WHERE NOT EXISTS (
      SELECT 1 FROM event WHERE event.tenant_id = rows.tenant_id AND event.event_id = rows.event_id
        AND event.create_us >= :since_us AND event.create_us <= :until_us LIMIT 1 OFFSET 0
    )
    ON CONFLICT DO NOTHING
    """,
    {"since_us": "bigint", "until_us": "bigint"},
    tenant_id="text",
    cursor="bigint",
    event_id="text",
    type="text",
    source="text",
    station_id="text",
    event_time_us="bigint",
    create_us="bigint",
    data="text",
    actor="text",
)
# The clocks of services differ by less.
_MOST_SKEW_US = DAY_US


def add(connection: Connection, events: Sequence[NewEvent], *, now_us: int) -> dict[str, int]:
    """Appends events to their tenants' streams, in the given order, but those that are there already.

    Returns the last cursor of each stream concerned. A cursor that falls to an event which is there already is given
    to none.
    """
    counts = Counter(event.tenant_id for event in events)
    # Sorted, so that two batches over several tenants lock the streams in the same order.
    streams = [
        {"tenant_id": tenant_id, "events": counts[tenant_id], "create_us": now_us} for tenant_id in sorted(counts)
    ]
    advanced = run_prepared(connection, (_ADVANCE, streams))
    heads: dict[str, int] = {tenant_id: last_cursor for tenant_id, last_cursor, _create_us in advanced}
    create_us: dict[str, int] = {tenant_id: last_create_us for tenant_id, _cursor, last_create_us in advanced}
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
                "create_us": create_us[event.tenant_id],
                "data": b64encode(event.data).decode(),
                "actor": event.actor or None,
            }
        )
    since_us = min(now_us, *(event.event_time_us for event in events)) - _MOST_SKEW_US
    run_later(connection, (_ADD, rows, {"since_us": since_us, "until_us": max(create_us.values())}))
    return heads


def read_page(
    connection: Connection, tenant_id: str, *, after: int, condition: ColumnElement[bool] | None, limit: int
) -> Page:
    """Up to `limit` events beyond `after`, with the state of the stream, as of one moment."""
    found = partitions.spans(connection, models.event.name)
    if not found:
        return _read(connection, tenant_id, _of_stream(tenant_id, after, condition, limit), after=after, limit=limit)
    return _read_partitioned(connection, found, tenant_id, after=after, condition=condition, limit=limit)


def _read_partitioned(
    connection: Connection,
    found: Sequence[Span],
    tenant_id: str,
    *,
    after: int,
    condition: ColumnElement[bool] | None,
    limit: int,
) -> Page:
    """The same, of the first partitions beyond `after`, and of more only where these do not fill the page.

    Times rise with cursors. Each page is read by one statement, so that events and state are of the same moment.
    """
    create_us = models.event.c.create_us
    since_us = find_since(connection, found, tenant_id, after)
    first = next(n for n, span in enumerate(found) if span.since_us == since_us)
    reach = 2 * partitions.DAYS_AHEAD
    while True:
        query = partitioned_query(tenant_id, after, condition, limit, since_us=since_us)
        is_last = first + reach >= len(found)
        if not is_last:
            query = query.where(create_us < found[first + reach].since_us)
        page = _read(connection, tenant_id, query, after=after, limit=limit)
        if is_last or len(page.events) == limit:
            return page
        reach *= 8


def find_since(connection: Connection, found: Sequence[Span], tenant_id: str, after: int) -> int:
    """The begin of a partition before which no event is beyond `after`: the newest ones are looked at first."""
    event = models.event.c
    for since_us in partitions.windows(found, None):
        query = sa.select(event.cursor).where(event.tenant_id == tenant_id, event.create_us >= since_us)
        first = connection.scalar(query.order_by(event.cursor).limit(1))
        if first is not None and first <= after + 1:
            return since_us
    return found[0].since_us


def partitioned_query(
    tenant_id: str, after: int, condition: ColumnElement[bool] | None, limit: int, *, since_us: int
) -> sa.Select[Any]:
    """The events of a page that came since a moment."""
    return _of_stream(tenant_id, after, condition, limit).where(models.event.c.create_us >= since_us)


def _of_stream(tenant_id: str, after: int, condition: ColumnElement[bool] | None, limit: int) -> sa.Select[Any]:
    event = models.event
    chosen = sa.select(event).where(event.c.tenant_id == tenant_id, event.c.cursor > after)
    if condition is not None:
        chosen = chosen.where(condition)
    return chosen.order_by(event.c.cursor).limit(limit)


def _read(connection: Connection, tenant_id: str, chosen: sa.Select[Any], *, after: int, limit: int) -> Page:
    stream, page = models.stream, chosen.subquery()
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


_LOCK = {"postgresql": "FOR UPDATE", "sqlite": ""}


def has_stream(connection: Connection, tenant_id: str) -> bool:
    """Whether a tenant has had events."""
    stream = models.stream.c
    return connection.execute(sa.select(stream.tenant_id).where(stream.tenant_id == tenant_id)).first() is not None


def remove_old(
    connection: Connection, *, tenant_id: str, before_us: int, limit: int, in_partitions: bool = False
) -> int:
    """Removes up to `limit` of a stream's oldest events that came before a moment, and notes it in the stream.

    Events in partitions go with these, and are removed here only where `in_partitions` is set. Returns how many; as
    many as `limit` may mean that there are more.
    """
    found = partitions.spans(connection, models.event.name)
    if found and not in_partitions:  # what came later goes with its partition
        before_us = min(before_us, partitions.first_day(found))
    lock = _LOCK[connection.dialect.name]
    locking = text(f"SELECT removed_cursor FROM stream WHERE tenant_id = :tenant_id {lock}")  # noqa: S608 - the project's own text
    removed = connection.execute(locking, {"tenant_id": tenant_id}).scalar_one()
    event, stream = models.event, models.stream
    query = (
        sa.select(event.c.cursor, event.c.create_us)
        .where(event.c.tenant_id == tenant_id, event.c.cursor > removed)
        .order_by(event.c.cursor)
        .limit(limit)
    )
    oldest = connection.execute(query.where(event.c.create_us < before_us) if found else query)
    through = removed
    for row in oldest:
        if row.create_us >= before_us:
            break
        through = row.cursor
    if through == removed:
        return 0
    connection.execute(sa.update(stream).where(stream.c.tenant_id == tenant_id).values(removed_cursor=through))
    return connection.execute(
        sa.delete(event).where(event.c.tenant_id == tenant_id, event.c.cursor <= through)
    ).rowcount


_NOTE_DROPPED = text(
    """
    UPDATE stream SET removed_cursor = dropped.cursor
    FROM (
      SELECT tenant_id, (SELECT max(cursor) FROM event WHERE event.tenant_id = streams.tenant_id
                           AND event.create_us >= :since_us AND event.create_us < :until_us) AS cursor
      FROM stream AS streams
    ) AS dropped
    WHERE dropped.tenant_id = stream.tenant_id AND dropped.cursor > stream.removed_cursor
    """
)


def note_dropped(connection: Connection, span: Span) -> None:
    """Notes in the streams that the events of a partition are removed. The partition is dropped after it."""
    connection.execute(_NOTE_DROPPED, {"since_us": span.since_us, "until_us": span.until_us})


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


def conditions(tenant_id: str) -> StationConditions:
    """Conditions on events by where their stations stand."""
    return StationConditions(models.PLACEMENTS, tenant_id=tenant_id, station_id=models.event.c.station_id)


def event_filters(tenant_id: str) -> dict[str, Field]:
    """The fields by which events can be filtered."""
    event = models.event.c
    return {
        "type": Field(event.type),
        "source": Field(event.source),
        "station_id": Field(event.station_id),
        "actor": Field(sa.func.coalesce(event.actor, "")),
        **conditions(tenant_id).fields(),
    }


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
        actor=row.actor or "",
    )
