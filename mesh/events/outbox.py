"""The transactional outbox: a state change and its event are committed together.

See docs/DESIGN.md, "Transactional outbox".

Each service's schema has one such table; the relay empties it into notification_svc.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, MetaData

from mesh.contract.tenants import own_name
from mesh.database.rowset import RowStatement, run_later, run_prepared
from mesh.identity.acting import current_actor
from mesh.runtime.settings import Environment
from mesh.runtime.times import DAY_US


class OutboxEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event to publish. `data` has JSON values by JSON names."""

    event_id: str  # unique in the tenant; derived from the change, so that one change has one event
    tenant_id: str
    type: str  # "transaction.started", "station.booted", …
    station_id: str
    event_time_us: int
    data: Mapping[str, Any] | msgspec.Struct = {}
    actor: str = ""  # as mesh.identity.acting.Actor.label has it; empty: the one who acts at `append`, if there is one


def outbox_table(metadata: MetaData) -> sa.Table:
    """The table, for a service's `models.py`."""
    return sa.Table(
        "outbox",
        metadata,
        sa.Column(
            "outbox_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("event_id", sa.Text, nullable=False, unique=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("station_id", sa.Text, nullable=False),
        sa.Column("event_time_us", sa.BigInteger, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("published_us", sa.BigInteger),
        sa.Column("actor", sa.Text),
        sa.Index(
            "outbox_unpublished",
            "outbox_id",
            postgresql_where=sa.text("published_us IS NULL"),
            sqlite_where=sa.text("published_us IS NULL"),
        ),
    )


_encode = msgspec.json.Encoder().encode
# A connection that events were appended over carries this note until the relay has read it.
_APPENDED = "csms_outbox_appended"

_APPEND = RowStatement(
    """
    INSERT INTO outbox (event_id, tenant_id, type, station_id, event_time_us, data, actor)
    SELECT event_id, tenant_id, type, station_id, event_time_us, data, actor FROM {rows} WHERE true
    ON CONFLICT (event_id) DO NOTHING
    """,
    event_id="text",
    tenant_id="text",
    type="text",
    station_id="text",
    event_time_us="bigint",
    data="text",
    actor="text",
)


def append(connection: Connection, events: Iterable[OutboxEvent]) -> None:
    """Adds events within the present transaction, in one statement; one whose id is there already is left out."""
    actor = current_actor()
    label = None if actor is None else actor.label
    rows = [
        {
            "event_id": own_name(event.tenant_id, event.event_id),
            "tenant_id": event.tenant_id,
            "type": event.type,
            "station_id": event.station_id,
            "event_time_us": event.event_time_us,
            "data": _encode(event.data).decode(),
            "actor": event.actor or label,
        }
        for event in events
    ]
    if rows:
        run_later(connection, (_APPEND, rows))
        connection.info[_APPENDED] = True


RETENTION_DAYS = 30
"""How long events wait by default: as long as notification_svc may be away without any being lost."""

PUBLISHED_DAYS = 1
"""Published rows are of no use here; a day is for people who look for what became of one."""


# Only the oldest rows are read, so that the cost does not depend on the length of the table.
_REMOVE = sa.text(
    """
    DELETE FROM outbox
    WHERE outbox_id IN (SELECT outbox_id FROM outbox ORDER BY outbox_id LIMIT :limit)
      AND (published_us < :published_before_us OR event_time_us < :before_us)
    """
)


def retention_days(env: Environment) -> int:
    """CSMS_OUTBOX_RETENTION_DAYS: days that unpublished events are kept. Raises SettingError."""
    return env.number("CSMS_OUTBOX_RETENTION_DAYS", RETENTION_DAYS, least=1, most=36_500)


def remove_old(connection: Connection, *, now_us: int, days: int, limit: int) -> int:
    """Removes up to `limit` events that were published a day ago, or that stayed unpublished for `days`.

    Returns their number; if it equals `limit` there may be more.
    """
    parameters = {
        "published_before_us": now_us - PUBLISHED_DAYS * DAY_US,
        "before_us": now_us - days * DAY_US,
        "limit": limit,
    }
    return connection.execute(_REMOVE, parameters).rowcount


class OutboxRow(msgspec.Struct, frozen=True):
    """An event in the outbox; `data` is JSON text."""

    outbox_id: int
    event_id: str
    tenant_id: str
    type: str
    station_id: str
    event_time_us: int
    data: str
    actor: str | None = None


_UNPUBLISHED = RowStatement(
    """
    SELECT outbox_id, event_id, tenant_id, type, station_id, event_time_us, data, actor FROM outbox
    WHERE published_us IS NULL ORDER BY outbox_id LIMIT :most
    """,
    {"most": "bigint"},
)

_MARK_PUBLISHED = RowStatement(
    """
    UPDATE outbox SET published_us = :now_us
    WHERE published_us IS NULL AND outbox_id IN (SELECT outbox_id FROM {rows})
    """,
    {"now_us": "bigint"},
    outbox_id="bigint",
)


def unpublished(connection: Connection, *, limit: int) -> list[OutboxRow]:
    """The oldest events that are not marked as published.

    Never by position: a smaller id may be committed after a larger one, and would be passed over for good.
    """
    return [OutboxRow(*row) for row in run_prepared(connection, (_UNPUBLISHED, (), {"most": limit}))]


def mark_published(connection: Connection, outbox_ids: Iterable[int], *, now_us: int) -> None:
    """Marks events as stored by notification_svc."""
    rows = [{"outbox_id": outbox_id} for outbox_id in outbox_ids]
    run_later(connection, (_MARK_PUBLISHED, rows, {"now_us": now_us}))


def take_appended(connection_info: dict[Any, Any]) -> bool:
    """Whether events were appended over this connection since the last call: `append` sets a key of its info."""
    return bool(connection_info.pop(_APPENDED, False))
