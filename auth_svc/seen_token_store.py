"""The SQL of unknown id tokens that stations requested. Functions run inside a transaction."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from auth_svc import models
from mesh.contract.id_tokens import match_key
from mesh.database.rowset import RowStatement, columns_of
from mesh.events import outbox

# Of one tenant; beyond that, those that were seen last are kept.
MOST = 10_000
# First requests that are published in one transaction; there is one a second.
MOST_PUBLISHED = 20


@dataclass(frozen=True, kw_only=True)
class SeenToken:
    """An unknown id token: where it was seen last, when first and last, and how often."""

    tenant_id: str
    id_token: str
    type: str
    station_id: str
    evse_id: int
    connector_id: int
    first_us: int
    last_us: int
    count: int

    @property
    def key(self) -> tuple[str, str]:
        """Tenant, and the form in which id tokens are compared."""
        return self.tenant_id, match_key(self.id_token)


_COLUMNS = [column for column in models.seen_token.c if column.name != "token_key"]

# Meanwhile it may have been added: then it is not unknown any more.
_RECORD = RowStatement(
    """
    INSERT INTO seen_token (tenant_id, token_key, id_token, type, station_id, evse_id, connector_id, first_us, last_us,
                            count)
    SELECT rows.tenant_id, rows.token_key, rows.id_token, rows.type, rows.station_id, rows.evse_id, rows.connector_id,
           rows.first_us, rows.last_us, rows.count
    FROM {rows}
    WHERE NOT EXISTS (SELECT 1 FROM id_token
                      WHERE id_token.tenant_id = rows.tenant_id
                        AND (id_token.match_key = rows.token_key OR id_token.token_key = rows.token_key))
    ORDER BY rows.tenant_id, rows.token_key
    ON CONFLICT (tenant_id, token_key) DO UPDATE
    SET id_token = excluded.id_token, type = excluded.type, station_id = excluded.station_id,
        evse_id = excluded.evse_id, connector_id = excluded.connector_id, last_us = excluded.last_us,
        count = seen_token.count + excluded.count
    RETURNING tenant_id, token_key, first_us
    """,
    **columns_of(models.seen_token),
)


def record(connection: Connection, seen: Sequence[SeenToken]) -> None:
    """Adds what was seen to what had been, and forgets the oldest of each tenant that has too many.

    Publishes the first request of each, of a few at a time: whoever makes ids up is not to fill the stream of events.
    """
    rows = _RECORD.run(connection, [{**asdict(one), "token_key": one.key[1]} for one in seen]).all()
    first = {(row.tenant_id, row.token_key): row.first_us for row in rows}
    news = [one for one in seen if first.get(one.key) == one.first_us]
    outbox.append(connection, map(_event, news[:MOST_PUBLISHED]))
    for tenant_id in sorted({one.tenant_id for one in seen}):
        _trim(connection, tenant_id)


def _event(seen: SeenToken) -> outbox.OutboxEvent:
    evse = {"evseId": seen.evse_id, "connectorId": seen.connector_id} if seen.evse_id else None
    data = {"idToken": {"idToken": seen.id_token, "type": seen.type}, "evse": evse}
    return outbox.OutboxEvent(
        event_id=f"id_token.seen/{hashlib.sha256(seen.key[1].encode()).hexdigest()}/{seen.first_us}",
        tenant_id=seen.tenant_id,
        type="id_token.seen",
        station_id=seen.station_id,
        event_time_us=seen.first_us,
        data={name: value for name, value in data.items() if value is not None},
    )


def remove_old(connection: Connection, *, before_us: int, limit: int) -> int:
    """Removes up to `limit` that were last seen before a time; returns how many."""
    table = models.seen_token
    old = sa.select(table.c.tenant_id, table.c.token_key).where(table.c.last_us < before_us).limit(limit)
    key = sa.tuple_(table.c.tenant_id, table.c.token_key)
    return connection.execute(sa.delete(table).where(key.in_(old))).rowcount


def remove(connection: Connection, tenant_id: str, id_token: str) -> SeenToken | None:
    """Takes one from the list; None where it is not there."""
    table = models.seen_token
    named = table.c.tenant_id == tenant_id, table.c.token_key == match_key(id_token)
    statement = sa.delete(table).where(*named).returning(*_COLUMNS)
    row = connection.execute(statement).mappings().first()
    return SeenToken(**row) if row else None


def list_seen(connection: Connection, tenant_id: str, *, after: tuple[int, str] | None, limit: int) -> list[SeenToken]:
    """Up to `limit` of them, the one that was seen last first; `after` is the time and key of the page before."""
    table = models.seen_token
    query = sa.select(*_COLUMNS).where(table.c.tenant_id == tenant_id)
    if after is not None:
        query = query.where(sa.tuple_(table.c.last_us, table.c.token_key) < sa.tuple_(*map(sa.literal, after)))
    ordered = query.order_by(table.c.last_us.desc(), table.c.token_key.desc()).limit(limit)
    return [SeenToken(**row) for row in connection.execute(ordered).mappings()]


def _trim(connection: Connection, tenant_id: str) -> None:
    table = models.seen_token
    beyond = (
        sa.select(table.c.last_us)
        .where(table.c.tenant_id == tenant_id)
        .order_by(table.c.last_us.desc())
        .offset(MOST)
        .limit(1)
        .scalar_subquery()
    )
    connection.execute(sa.delete(table).where(table.c.tenant_id == tenant_id, table.c.last_us <= beyond))
