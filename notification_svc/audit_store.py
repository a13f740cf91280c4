"""The SQL of the audit of all services. Functions run inside a transaction that Database opens around them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection
from sqlalchemy.dialects import postgresql, sqlite

from mesh.audit.chain import FIRST_HASH, ChainEntry, Verifier
from mesh.audit.entries import Content, decode
from mesh.database.filters import Field, moment
from mesh.database.pages import Page
from mesh.database.rowset import RowStatement, columns_of
from notification_svc.models import audit_record, audit_record_start

_FIELDS = ("actor_kind", "actor", "on_behalf_of", "address", "action", "resource_type", "resource", "station_id")
_ADD = RowStatement(
    f"""
    INSERT INTO audit_record ({", ".join(audit_record.c.keys())})
    SELECT {", ".join(audit_record.c.keys())} FROM {{rows}} WHERE true
    ON CONFLICT (tenant_id, source, sequence) DO NOTHING
    """,  # noqa: S608 - the project's own column names
    **columns_of(audit_record),
)


def add(connection: Connection, source: str, entries: Sequence[ChainEntry]) -> None:
    """Adds linked entries of a service, `source`; those that are there already are left out.

    Raises msgspec.MsgspecError for a content that cannot be read.
    """
    rows = [_row(source, entry, decode(entry.content)) for entry in entries]
    if rows:
        _ADD.run(connection, rows)


def _row(source: str, entry: ChainEntry, content: Content) -> dict[str, Any]:
    return {
        "tenant_id": entry.tenant_id,
        "source": source,
        "sequence": entry.sequence,
        "time_us": entry.time_us,
        **{name: getattr(content, name).replace("\0", "") for name in (*_FIELDS, "change", "outcome")},
        "content": entry.content,
        "previous_hash": entry.previous_hash,
        "hash": entry.hash,
    }


def list_records(connection: Connection, tenant_id: str, page: Page) -> Sequence[sa.Row[Any]]:
    """A page of the records of a tenant, newest first; `page.after` is (time, source, sequence)."""
    table = audit_record.c
    key = (table.time_us, table.source, table.sequence)
    query = sa.select(audit_record).where(table.tenant_id == tenant_id)
    if page.condition is not None:
        query = query.where(page.condition)
    if page.after is not None:
        query = query.where(sa.tuple_(*key) < sa.tuple_(*page.after))
    return connection.execute(query.order_by(*(one.desc() for one in key)).limit(page.limit)).all()


def export_records(
    connection: Connection,
    tenant_id: str,
    *,
    after: tuple[int, str, int],
    condition: ColumnElement[bool] | None,
    limit: int,
) -> Sequence[sa.Row[Any]]:
    """Up to `limit` records beyond `after`, (time, source, sequence), oldest first."""
    table = audit_record.c
    key = (table.time_us, table.source, table.sequence)
    query = sa.select(audit_record).where(table.tenant_id == tenant_id, sa.tuple_(*key) > sa.tuple_(*after))
    if condition is not None:
        query = query.where(condition)
    return connection.execute(query.order_by(*key).limit(limit)).all()


def record_filters(*, actor_kind: Callable[[str], str], change: Callable[[str], str]) -> dict[str, Field]:
    """The fields that records can be filtered by; `actor_kind` and `change` read the words of those two."""
    table = audit_record.c
    texts = ("source", "outcome", *(name for name in _FIELDS if name != "actor_kind"))
    return {
        **{name: Field(table[name]) for name in texts},
        "actor_kind": Field(table.actor_kind, actor_kind),
        "change": Field(table.change, change),
        "time": Field(table.time_us, moment),
    }


_CHUNK = 500


def verify(connection: Connection, tenant_id: str) -> list[Verifier]:
    """The verifications of all chains of a tenant, by source."""
    table = audit_record.c
    query = sa.select(table.source).where(table.tenant_id == tenant_id).distinct().order_by(table.source)
    found = []
    for source in connection.execute(query).scalars().all():
        through, digest = _start(connection, tenant_id, source)
        verifier = Verifier(source=source, tenant_id=tenant_id, sequence=through, hash=digest)
        for entry in _chain(connection, tenant_id, source, through):
            verifier.check(entry)
        found.append(verifier)
    return found


def _start(connection: Connection, tenant_id: str, source: str) -> tuple[int, str]:
    table = audit_record_start.c
    query = sa.select(table.removed_through, table.removed_hash)
    row = connection.execute(query.where(table.tenant_id == tenant_id, table.source == source)).first()
    return (0, FIRST_HASH) if row is None else (row.removed_through, row.removed_hash)


def _chain(connection: Connection, tenant_id: str, source: str, after: int) -> Iterator[ChainEntry]:
    table = audit_record.c
    columns = (table.tenant_id, table.sequence, table.time_us, table.content, table.previous_hash, table.hash)
    while True:
        query = sa.select(*columns).where(table.tenant_id == tenant_id, table.source == source, table.sequence > after)
        rows = connection.execute(query.order_by(table.sequence).limit(_CHUNK)).mappings().all()
        for row in rows:
            yield ChainEntry(entry_id=0, **row)
        if len(rows) < _CHUNK:
            return
        after = rows[-1]["sequence"]


def remove_old(connection: Connection, *, before_us: int, limit: int) -> int:
    """Removes up to `limit` records that were made before a moment; returns how many.

    What is kept of a chain begins with its first entry that is young enough, as in the service that it comes from.
    """
    table, count = audit_record.c, 0
    chains = sa.select(table.tenant_id, table.source).distinct().order_by(table.tenant_id, table.source)
    for tenant_id, source in connection.execute(chains).all():
        mine = (table.tenant_id == tenant_id, table.source == source)
        query = sa.select(table.sequence, table.hash, table.time_us).where(*mine).order_by(table.sequence)
        last = None
        for row in connection.execute(query.limit(limit - count)).all():
            if row.time_us >= before_us:
                break
            last = row
        if last is not None:
            _move_start(connection, tenant_id, source, last.sequence, last.hash)
            count += connection.execute(sa.delete(audit_record).where(*mine, table.sequence <= last.sequence)).rowcount
        if count >= limit:
            break
    return count


def erase_tenant(connection: Connection, tenant_id: str) -> int:
    """Removes the records of a tenant, for its erasure; returns how many. Where its chains began stays, as hashes."""
    table, count = audit_record.c, 0
    ends = sa.select(table.source, sa.func.max(table.sequence)).where(table.tenant_id == tenant_id)
    for source, last in connection.execute(ends.group_by(table.source).order_by(table.source)).all():
        mine = (table.tenant_id == tenant_id, table.source == source)
        digest = connection.execute(sa.select(table.hash).where(*mine, table.sequence == last)).scalar_one()
        _move_start(connection, tenant_id, source, last, digest)
        count += connection.execute(sa.delete(audit_record).where(*mine)).rowcount
    return count


def _move_start(connection: Connection, tenant_id: str, source: str, sequence: int, digest: str) -> None:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    values = {"removed_through": sequence, "removed_hash": digest}
    statement = insert(audit_record_start).values(tenant_id=tenant_id, source=source, **values)
    table = audit_record_start.c
    connection.execute(statement.on_conflict_do_update(index_elements=[table.tenant_id, table.source], set_=values))
