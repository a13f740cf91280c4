"""The SQL of id tokens. Functions run inside a transaction that mesh.database.Database opens around them."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from auth_svc import models, seen_token_store
from auth_svc.common_store import event, insert
from auth_svc.texts import fold
from mesh import outbox
from mesh.filters import Field
from mesh.rowset import RowStatement
from mesh.times import to_datetime

MOST_CONCURRENT_TRANSACTIONS = 100  # transaction_svc counts no further


@dataclass(frozen=True, kw_only=True)
class IdToken:
    """An id token. `status` and `type` are OCPP's own words; `expire_us` None means never.

    `max_concurrent_transactions` 0 means any number, None as the setting says.
    """

    tenant_id: str
    id_token: str
    type: str
    status: str
    expire_us: int | None
    group_id_token: str
    display_name: str
    create_us: int
    update_us: int
    max_concurrent_transactions: int | None = None


class Standing(msgspec.Struct, frozen=True):
    """What an id token may do: that much of it as every Authorize asks for."""

    status: str
    expire_us: int | None
    group_id_token: str
    max_concurrent_transactions: int | None = None


_COLUMNS = [column for column in models.id_token.c if column.name != "token_key"]

_FIND_STANDINGS = RowStatement(
    """
    SELECT id_token.tenant_id, id_token.token_key, id_token.status, id_token.expire_us, id_token.group_id_token,
           id_token.max_concurrent_transactions
    FROM {rows} JOIN id_token ON id_token.tenant_id = rows.tenant_id AND id_token.token_key = rows.token_key
    """,
    tenant_id="text",
    token_key="text",  # noqa: S106 - a type
)


def find_standings(connection: Connection, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Standing]:
    """What the id tokens of (tenant id, token key) may do, those that are known, in one statement."""
    rows = [{"tenant_id": tenant_id, "token_key": key} for tenant_id, key in keys]
    return {
        (tenant_id, key): Standing(*standing) for tenant_id, key, *standing in _FIND_STANDINGS.fetch(connection, rows)
    }


def create_id_token(connection: Connection, token: IdToken) -> bool:
    """Adds an id token, with its event; False where it is there already."""
    created = insert(connection, models.id_token, asdict(token) | {"token_key": fold(token.id_token)})
    if created:
        seen_token_store.remove(connection, token.tenant_id, token.id_token)
        outbox.append(connection, [_id_token_event("created", token, token.create_us)])
    return created


def get_id_token(connection: Connection, tenant_id: str, id_token: str) -> IdToken | None:
    """One id token, or None."""
    row = connection.execute(sa.select(*_COLUMNS).where(_is_id_token(tenant_id, id_token))).mappings().first()
    return IdToken(**row) if row else None


def list_id_tokens(
    connection: Connection, tenant_id: str, *, after_key: str, condition: ColumnElement[bool] | None, limit: int
) -> list[IdToken]:
    """Up to `limit` id tokens beyond `after_key`, sorted by their keys."""
    table = models.id_token
    query = sa.select(*_COLUMNS).where(table.c.tenant_id == tenant_id, table.c.token_key > after_key)
    if condition is not None:
        query = query.where(condition)
    rows = connection.execute(query.order_by(table.c.token_key).limit(limit)).mappings()
    return [IdToken(**row) for row in rows]


def update_id_token(
    connection: Connection, tenant_id: str, id_token: str, *, changes: Mapping[str, Any], now_us: int
) -> IdToken | None:
    """Changes columns of an id token, with its event; None where it is not there."""
    statement = (
        sa.update(models.id_token)
        .where(_is_id_token(tenant_id, id_token))
        .values(**changes, update_us=now_us)
        .returning(*_COLUMNS)
    )
    row = connection.execute(statement).mappings().first()
    if row is None:
        return None
    token = IdToken(**row)
    outbox.append(connection, [_id_token_event("updated", token, now_us)])
    return token


def delete_id_token(connection: Connection, tenant_id: str, id_token: str, *, now_us: int) -> bool:
    """Removes an id token, with its event; False where it is not there."""
    statement = sa.delete(models.id_token).where(_is_id_token(tenant_id, id_token)).returning(*_COLUMNS)
    row = connection.execute(statement).mappings().first()
    if row is None:
        return False
    outbox.append(connection, [_id_token_event("deleted", IdToken(**row), now_us)])
    return True


def id_token_filters(*, status: Any, kind: Any) -> dict[str, Field]:
    """What a list of id tokens may be filtered by; `status` and `kind` read the words of those two fields."""
    table = models.id_token.c
    return {
        "id_token": Field(table.token_key, fold),
        "type": Field(table.type, kind),
        "status": Field(table.status, status),
        "group_id_token": Field(table.group_id_token),
    }


def _is_id_token(tenant_id: str, id_token: str) -> ColumnElement[bool]:
    table = models.id_token.c
    return sa.and_(table.tenant_id == tenant_id, table.token_key == fold(id_token))


def _id_token_event(verb: str, token: IdToken, now_us: int) -> outbox.OutboxEvent:
    data: dict[str, Any] = {
        "idToken": token.id_token,
        "type": token.type,
        "status": token.status,
        "groupIdToken": token.group_id_token,
        "displayName": token.display_name,
    }
    if token.expire_us is not None:
        data["expireTime"] = to_datetime(token.expire_us).isoformat().replace("+00:00", "Z")
    if token.max_concurrent_transactions is not None:
        data["maxConcurrentTransactions"] = token.max_concurrent_transactions
    return event(f"id_token.{verb}", token.tenant_id, now_us, data)
