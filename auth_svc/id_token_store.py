"""The SQL of id tokens. Functions run inside a transaction that Database opens around them."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields
from functools import partial
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from auth_svc import models, seen_token_store
from auth_svc.common_store import event, insert
from auth_svc.normalization import fold
from mesh.audit import entries as audit
from mesh.contract.id_tokens import match_key
from mesh.database.filters import Field, switch
from mesh.database.rowset import RowStatement, columns_of, run_prepared
from mesh.events import outbox
from mesh.runtime.times import to_datetime

MOST_CONCURRENT_TRANSACTIONS = 100  # transaction_svc counts no further


@dataclass(frozen=True, kw_only=True)
class IdToken:
    """An id token. `status` and `type` are OCPP's own words; `expire_us` None means never.

    `max_concurrent_transactions` 0 means any number, None the value of the setting.
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
    reader_id_token: str = ""
    language: str = ""
    personal_message: str = ""


@dataclass(frozen=True, kw_only=True)
class MergedForm:
    """A form of a token that was stored as a token of its own, and the status that it had then."""

    id_token: str
    status: str


class TokenStatus(msgspec.Struct, frozen=True):
    """The rights of an id token, as far as every Authorize needs them."""

    status: str
    expire_us: int | None
    group_id_token: str
    max_concurrent_transactions: int | None = None
    id_token: str = ""
    reader_id_token: str = ""
    reader_us: int = 0
    type: str = ""
    language: str = ""
    personal_message: str = ""


_COLUMNS = [models.id_token.c[field.name] for field in fields(IdToken)]

_STATUS_COLUMNS = """id_token.status, id_token.expire_us, id_token.group_id_token, id_token.max_concurrent_transactions,
           id_token.id_token, id_token.reader_id_token, id_token.reader_us, id_token.type, id_token.language,
           id_token.personal_message"""
_MATCHES = "id_token.tenant_id = rows.tenant_id AND id_token.match_key = rows.match_key"
# On PostgreSQL the statement is prepared: its plan is made while there may be no tokens yet. OFFSET keeps the planner
# from joining in any other way than by the index: it would read all tokens of a small fleet for each batch.
_FIND_STATUSES = RowStatement(
    f"""
    SELECT id_token.tenant_id, id_token.match_key, {_STATUS_COLUMNS} FROM {{rows}} JOIN id_token ON {_MATCHES}
    """,  # noqa: S608 - the project's own column names
    postgresql=f"""
    SELECT id_token.tenant_id, id_token.match_key, {_STATUS_COLUMNS}
    FROM {{rows}} CROSS JOIN LATERAL (SELECT * FROM id_token WHERE {_MATCHES} OFFSET 0) AS id_token
    """,  # noqa: S608 - the project's own column names
    **columns_of(models.id_token, "tenant_id", "match_key"),
)
_FIND_BY_OLD_KEYS = RowStatement(
    f"""
    SELECT id_token.tenant_id, rows.match_key, {_STATUS_COLUMNS}
    FROM {{rows}} JOIN id_token ON id_token.tenant_id = rows.tenant_id AND id_token.token_key = rows.token_key
    WHERE id_token.merged_into = ''
    """,  # noqa: S608 - the project's own column names
    **columns_of(models.id_token, "tenant_id", "match_key", "token_key"),
)

Key = tuple[str, str]
"""Tenant and mesh.contract.id_tokens.match_key of a token."""


def find_token_statuses(connection: Connection, texts: Mapping[Key, str]) -> dict[Key, TokenStatus]:
    """Reads the rights of known id tokens in one statement; `texts` has the text of each.

    In two where one is not known: a build before match_key may have written it, or it differs in the case of a letter
    that is not ASCII.
    """
    rows = [{"tenant_id": tenant_id, "match_key": key} for tenant_id, key in texts]
    found = {(row[0], row[1]): TokenStatus(*row[2:]) for row in run_prepared(connection, (_FIND_STATUSES, rows))}
    if len(found) == len(texts):
        return found
    missing = [
        {"tenant_id": key[0], "match_key": key[1], "token_key": fold(text.strip())}
        for key, text in texts.items()
        if key not in found
    ]
    return found | {(row[0], row[1]): TokenStatus(*row[2:]) for row in _FIND_BY_OLD_KEYS.fetch(connection, missing)}


def create_id_token(connection: Connection, token: IdToken) -> bool:
    """Adds an id token, with its event; False if it is there already, in any form."""
    keys = {"token_key": fold(token.id_token), "match_key": match_key(token.id_token)}
    created = insert(
        connection, models.id_token, asdict(token) | keys | {"merged_into": "", "merged_status": "", "reader_us": 0}
    )
    if created:
        seen_token_store.remove(connection, token.tenant_id, token.id_token)
        outbox.append(connection, [_id_token_event("created", token, token.create_us)])
        audit_change(connection, None, token, time_us=token.create_us)
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
    query = sa.select(*_COLUMNS).where(
        table.c.tenant_id == tenant_id, table.c.token_key > after_key, table.c.merged_into == ""
    )
    if condition is not None:
        query = query.where(condition)
    rows = connection.execute(query.order_by(table.c.token_key).limit(limit)).mappings()
    return [IdToken(**row) for row in rows]


def update_id_token(
    connection: Connection, tenant_id: str, id_token: str, *, changes: Mapping[str, Any], now_us: int
) -> IdToken | None:
    """Changes columns of an id token, with its event; None where it is not there."""
    held = sa.select(*_COLUMNS).where(_is_id_token(tenant_id, id_token)).with_for_update()
    found = connection.execute(held).mappings().first()
    if found is None:
        return None
    before = IdToken(**found)
    change = sa.update(models.id_token).values(**changes, update_us=now_us)
    statement = change.where(_is_id_token(tenant_id, id_token)).returning(*_COLUMNS)
    token = IdToken(**connection.execute(statement).mappings().one())
    connection.execute(change.where(_is_merged_into(token)))
    outbox.append(connection, [_id_token_event("updated", token, now_us)])
    audit_change(connection, before, token, time_us=now_us)
    return token


def delete_id_token(connection: Connection, tenant_id: str, id_token: str, *, now_us: int) -> bool:
    """Removes an id token, with its event; False where it is not there."""
    statement = sa.delete(models.id_token).where(_is_id_token(tenant_id, id_token)).returning(*_COLUMNS)
    row = connection.execute(statement).mappings().first()
    if row is None:
        return False
    token = IdToken(**row)
    connection.execute(sa.delete(models.id_token).where(_is_merged_into(token)))
    outbox.append(connection, [_id_token_event("deleted", token, now_us)])
    audit_change(connection, token, None, time_us=now_us)
    return True


def of_row(row: Mapping[str, Any]) -> IdToken:
    """The id token of a row that has all columns."""
    return IdToken(**{column.name: row[column.name] for column in _COLUMNS})


def merged_forms(connection: Connection, tenant_id: str, tokens: Collection[IdToken]) -> dict[str, list[MergedForm]]:
    """Other forms that were stored of each of these, by its text; those without any are left out."""
    table, texts = models.id_token.c, {fold(token.id_token): token.id_token for token in tokens}
    query = (
        sa.select(table.merged_into, table.id_token, table.merged_status)
        .where(table.tenant_id == tenant_id, table.merged_into.in_(texts.keys() - {""}))
        .order_by(table.token_key)
    )
    found: dict[str, list[MergedForm]] = {}
    for key, text, status in connection.execute(query):
        found.setdefault(texts[key], []).append(MergedForm(id_token=text, status=status))
    return found


_SET_READER_FORMS = RowStatement(
    """
    UPDATE id_token SET reader_id_token = rows.reader_id_token, reader_us = :now_us FROM {rows}
    WHERE id_token.tenant_id = rows.tenant_id AND id_token.match_key = rows.match_key
    """,
    **columns_of(models.id_token, "tenant_id", "match_key", "reader_id_token"),
)


def set_reader_forms(connection: Connection, forms: Mapping[Key, str], now_us: int) -> None:
    """Notes how readers write tokens."""
    rows = [
        {"tenant_id": tenant_id, "match_key": key, "reader_id_token": text}
        for (tenant_id, key), text in sorted(forms.items())
    ]
    _SET_READER_FORMS.run(connection, rows, now_us=now_us)


def id_token_filters(*, status: Any, kind: Any) -> dict[str, Field]:
    """The filters of a list of id tokens; `status` and `kind` read the words of those two fields."""
    table, other = models.id_token.c, models.id_token.alias("other")
    is_merged = sa.exists().where(other.c.tenant_id == table.tenant_id, other.c.merged_into == table.token_key)
    return {
        "id_token": Field(sa.func.coalesce(table.match_key, table.token_key), match_key),
        "merged": Field(sa.case((is_merged, sa.true()), else_=sa.false()), switch),
        "type": Field(table.type, kind),
        "status": Field(table.status, status),
        "group_id_token": Field(table.group_id_token),
    }


def _is_id_token(tenant_id: str, id_token: str) -> ColumnElement[bool]:
    table, text = models.id_token.c, id_token.strip()
    by_old_key = sa.and_(table.merged_into == "", table.token_key == fold(text))
    return sa.and_(table.tenant_id == tenant_id, sa.or_(table.match_key == match_key(text), by_old_key))


def _is_merged_into(token: IdToken) -> ColumnElement[bool]:
    table = models.id_token.c
    return sa.and_(table.tenant_id == token.tenant_id, table.merged_into == fold(token.id_token))


_AUDITED = (
    *("type", "status", "expire_us", "group_id_token", "display_name", "max_concurrent_transactions"),
    *("language", "personal_message"),
)


def audited_fields(token: IdToken) -> dict[str, Any]:
    """The audited fields of an id token."""
    return {name: getattr(token, name) for name in _AUDITED}


audit_change = partial(
    audit.row_changed, resource_type="id_token", resource=lambda row: row.id_token, image=audited_fields
)
"""Records a change of an id token."""


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
