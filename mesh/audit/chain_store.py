"""The SQL of audit chains. Each function is part of, or the whole of, one transaction.

A chain is one tenant's entries of one service. `audit_head` has a row per chain, and one without a tenant, which is
locked by the process that links: it alone gives out places.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from mesh.audit.chain import FIRST_HASH, ChainEntry, Verifier, hash_of
from mesh.database.rowset import RowStatement

TABLES = ("audit_entry", "audit_head", "audit_record", "audit_record_start")
"""The tables that no DELETE of rows by tenant may touch: `erase_tenant` erases, and triggers refuse what does not."""

WRITER = ""
"""The key of the row of `audit_head` that the linking process locks; no tenant has it."""

_LOCK_WRITER = {
    "postgresql": sa.text("SELECT sequence FROM audit_head WHERE tenant_id = '' FOR UPDATE"),
    "sqlite": sa.text("SELECT sequence FROM audit_head WHERE tenant_id = ''"),
}
_UNLINKED = sa.text(
    """
    SELECT entry_id, tenant_id, time_us, content FROM audit_entry
    WHERE sequence IS NULL ORDER BY entry_id LIMIT :limit
    """
)
_HEADS = RowStatement(
    """
    SELECT audit_head.tenant_id, audit_head.sequence, audit_head.hash
    FROM {rows} JOIN audit_head ON audit_head.tenant_id = rows.tenant_id
    """,
    tenant_id="text",
)
_LINK = RowStatement(
    """
    UPDATE audit_entry SET sequence = rows.sequence, previous_hash = rows.previous_hash, hash = rows.hash
    FROM {rows} WHERE audit_entry.entry_id = rows.entry_id AND audit_entry.sequence IS NULL
    """,
    entry_id="bigint",
    sequence="bigint",
    previous_hash="text",
    hash="text",
)
_SAVE_HEADS = RowStatement(
    f"""
    INSERT INTO audit_head (tenant_id, sequence, hash, removed_through, removed_hash)
    SELECT tenant_id, sequence, hash, 0, '{FIRST_HASH}' FROM {{rows}} WHERE true
    ON CONFLICT (tenant_id) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash
    """,  # noqa: S608 - the project's own constant
    tenant_id="text",
    sequence="bigint",
    hash="text",
)


def has_unlinked(connection: Connection) -> bool:
    """Whether there are entries without a place."""
    return connection.execute(_UNLINKED, {"limit": 1}).first() is not None


def link(connection: Connection, *, source: str, limit: int) -> list[ChainEntry]:
    """Gives up to `limit` entries their places, in the order of their ids; returns them. `source` is the service.

    Of two entries about one resource the later one has the larger id: it is made while the change holds the row.
    """
    connection.execute(_LOCK_WRITER[connection.dialect.name])
    rows = connection.execute(_UNLINKED, {"limit": limit}).all()
    if not rows:
        return []
    heads = dict.fromkeys({row.tenant_id for row in rows}, (0, FIRST_HASH))
    for found in _HEADS.run(connection, [{"tenant_id": tenant_id} for tenant_id in sorted(heads)]):
        heads[found.tenant_id] = (found.sequence, found.hash)
    linked = []
    for row in rows:
        entry = _linked(row, source, *heads[row.tenant_id])
        heads[row.tenant_id] = (entry.sequence, entry.hash)
        linked.append(entry)
    places = ("entry_id", "sequence", "previous_hash", "hash")
    _LINK.run(connection, [{name: getattr(entry, name) for name in places} for entry in linked])
    saved = [{"tenant_id": one, "sequence": head[0], "hash": head[1]} for one, head in sorted(heads.items())]
    _SAVE_HEADS.run(connection, saved)
    return linked


def _linked(row: sa.Row[Any], source: str, latest: int, previous_hash: str) -> ChainEntry:
    digest = hash_of(
        source=source,
        tenant_id=row.tenant_id,
        sequence=latest + 1,
        previous_hash=previous_hash,
        time_us=row.time_us,
        content=row.content,
    )
    return ChainEntry(
        entry_id=row.entry_id,
        tenant_id=row.tenant_id,
        time_us=row.time_us,
        content=row.content,
        sequence=latest + 1,
        previous_hash=previous_hash,
        hash=digest,
    )


@dataclass(frozen=True, kw_only=True)
class Head:
    """The end of a chain, and the last entry that was removed because its time was over."""

    tenant_id: str
    sequence: int
    hash: str
    removed_through: int
    removed_hash: str


_HEAD_COLUMNS = "tenant_id, sequence, hash, removed_through, removed_hash"
_ALL_HEADS = sa.text(f"SELECT {_HEAD_COLUMNS} FROM audit_head WHERE tenant_id <> '' ORDER BY tenant_id")  # noqa: S608


def read_heads(connection: Connection) -> list[Head]:
    """The heads of all chains, by tenant."""
    return [Head(**row) for row in connection.execute(_ALL_HEADS).mappings()]


_CHUNK = 500
_ENTRIES = sa.text(
    """
    SELECT entry_id, tenant_id, time_us, content, sequence, previous_hash, hash FROM audit_entry
    WHERE tenant_id = :tenant_id AND sequence > :after ORDER BY sequence LIMIT :limit
    """
)


def read_chain(connection: Connection, tenant_id: str, *, after: int = 0) -> Iterator[ChainEntry]:
    """The linked entries of a tenant beyond a place, in their order, some hundred at a time."""
    while True:
        parameters = {"tenant_id": tenant_id, "after": after, "limit": _CHUNK}
        rows = connection.execute(_ENTRIES, parameters).mappings().all()
        for row in rows:
            yield ChainEntry(**row)
        if len(rows) < _CHUNK:
            return
        after = rows[-1]["sequence"]


def verify_all(connection: Connection, *, source: str) -> Sequence[Verifier]:
    """The verifications of all chains of a service, with their faults. Entries not linked yet are no part of them."""
    found = []
    for head in read_heads(connection):
        verifier = Verifier(
            source=source, tenant_id=head.tenant_id, sequence=head.removed_through, hash=head.removed_hash
        )
        for entry in read_chain(connection, head.tenant_id, after=head.removed_through):
            verifier.check(entry)
        verifier.close(sequence=head.sequence, hash_=head.hash)
        found.append(verifier)
    return found


# Of each chain the oldest entries, up to the first that is young enough: what is kept is a chain again.
_OVER = sa.text(
    """
    SELECT sequence, hash, time_us FROM audit_entry
    WHERE tenant_id = :tenant_id AND sequence > :after ORDER BY sequence LIMIT :limit
    """
)
_MOVE_START = sa.text(
    "UPDATE audit_head SET removed_through = :sequence, removed_hash = :hash WHERE tenant_id = :tenant_id"
)
_DELETE = sa.text("DELETE FROM audit_entry WHERE tenant_id = :tenant_id AND sequence <= :sequence")


def remove_old(connection: Connection, *, before_us: int, limit: int) -> int:
    """Removes up to `limit` linked entries that were made before a moment; returns how many.

    The head notes first where the chain begins from now on: the database refuses to remove what is beyond that.
    """
    count = 0
    for head in read_heads(connection):
        parameters = {"tenant_id": head.tenant_id, "after": head.removed_through, "limit": limit - count}
        over = []
        for row in connection.execute(_OVER, parameters):
            if row.time_us >= before_us:
                break
            over.append(row)
        if over:
            count += _remove_through(connection, head.tenant_id, over[-1].sequence, over[-1].hash)
        if count >= limit:
            break
    return count


def erase_tenant(connection: Connection, tenant_id: str) -> int:
    """Removes the linked entries of a tenant, for its erasure; returns how many. The head stays, without content."""
    head = next((one for one in read_heads(connection) if one.tenant_id == tenant_id), None)
    if head is None or head.removed_through == head.sequence:
        return 0
    return _remove_through(connection, tenant_id, head.sequence, head.hash)


def _remove_through(connection: Connection, tenant_id: str, sequence: int, digest: str) -> int:
    connection.execute(_MOVE_START, {"tenant_id": tenant_id, "sequence": sequence, "hash": digest})
    return connection.execute(_DELETE, {"tenant_id": tenant_id, "sequence": sequence}).rowcount
