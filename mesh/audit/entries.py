"""Audit entries: appended in the transaction of the change that they record (docs/AUDIT.md).

Like the outbox, an append waits for the next statement or for COMMIT, so that it adds no round trip. Entries are linked
to a chain after their commit (chain_store.py).
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Any, Protocol, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, MetaData

from mesh.database.engine import ON_ROLLBACK
from mesh.database.rowset import RowStatement, run_later
from mesh.identity.acting import SYSTEM, Actor, ActorKind, current_acting, current_actor
from mesh.runtime.masking import mask_payload
from mesh.runtime.times import now_us

OK = "OK"
MOST_DETAILS_BYTES = 8192
"""Details beyond this are cut to their names: an entry is read by people, and a chain has no room for local lists."""

_encode = msgspec.json.Encoder().encode
# A connection that entries were appended over carries this note until the linker has read it.
_APPENDED = "csms_audit_appended"


class Change(StrEnum):
    """How an entry changes the audited state of its resource. Stored: a value never changes."""

    NONE = ""  # a command, or a change of what is not audited, such as a password
    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


class TenantsRow(Protocol):
    """A row of a tenant."""

    @property
    def tenant_id(self) -> str:
        """The tenant's id."""


R = TypeVar("R", bound=TenantsRow)


class Content(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """The content of an entry, as it is stored and hashed. Fields are only ever added, with a default."""

    action: str
    actor_kind: str
    actor: str = ""
    credential_id: str = ""
    on_behalf_of: str = ""
    address: str = ""
    request_id: str = ""
    user_agent: str = ""
    resource_type: str = ""
    resource: str = ""
    station_id: str = ""
    change: str = ""
    before: dict[str, Any] | None = None  # of an update: the fields that changed
    after: dict[str, Any] | None = None
    details: dict[str, Any] | None = None
    outcome: str = OK
    count: int = 1


def decode(text: str) -> Content:
    """The content of stored text. Raises msgspec.MsgspecError."""
    return msgspec.json.decode(text, type=Content)


def audit_tables(metadata: MetaData) -> tuple[sa.Table, sa.Table]:
    """The tables `audit_entry` and `audit_head`, for a service's `models.py`."""
    key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    entry = sa.Table(
        "audit_entry",
        metadata,
        sa.Column(
            "entry_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("tenant_id", key, nullable=False),
        sa.Column("time_us", sa.BigInteger, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger),
        sa.Column("previous_hash", sa.Text),
        sa.Column("hash", sa.Text),
        sa.Index("audit_entry_sequence", "tenant_id", "sequence", unique=True),
        sa.Index(
            "audit_entry_unlinked",
            "entry_id",
            postgresql_where=sa.text("sequence IS NULL"),
            sqlite_where=sa.text("sequence IS NULL"),
        ),
    )
    head = sa.Table(
        "audit_head",
        metadata,
        sa.Column("tenant_id", key, primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("removed_through", sa.BigInteger, nullable=False),
        sa.Column("removed_hash", sa.Text, nullable=False),
    )
    return entry, head


_APPEND = RowStatement(
    "INSERT INTO audit_entry (tenant_id, time_us, content) SELECT tenant_id, time_us, content FROM {rows} WHERE true",
    tenant_id="text",
    time_us="bigint",
    content="text",
)


def append(connection: Connection, tenant_id: str, contents: Sequence[Content], *, time_us: int | None = None) -> None:
    """Adds entries within the present transaction. `time_us` is the present where it is not given."""
    if not contents:
        return
    stamp_us = now_us() if time_us is None else time_us
    rows = [{"tenant_id": tenant_id, "time_us": stamp_us, "content": _encode(one).decode()} for one in contents]
    run_later(connection, (_APPEND, rows))
    connection.info[_APPENDED] = True
    acting = current_acting()
    if acting is not None:
        acting.entries += len(rows)
        connection.info.setdefault(ON_ROLLBACK, []).append(partial(acting.take_back, len(rows)))


def take_appended(connection_info: dict[Any, Any]) -> bool:
    """Whether entries were appended over this connection since the last call."""
    return bool(connection_info.pop(_APPENDED, False))


def changed(
    connection: Connection,
    *,
    tenant_id: str,
    resource_type: str,
    resource: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    station_id: str = "",
    actor: Actor | None = None,
    details: Mapping[str, Any] | None = None,
    time_us: int | None = None,
) -> None:
    """Records a change of a resource, by its audited fields before and after; None: the resource is not there.

    Of a change the fields that differ are stored; where none does, nothing is. The fields must hold no secret.
    """
    content = change_of(
        resource_type=resource_type,
        resource=resource,
        before=before,
        after=after,
        station_id=station_id,
        actor=actor,
        details=details,
    )
    if content is None:
        unchanged()
    else:
        append(connection, tenant_id, [content], time_us=time_us)


def row_changed(
    connection: Connection,
    before: R | None,
    after: R | None,
    *,
    resource_type: str,
    resource: Callable[[R], str],
    image: Callable[[R], Mapping[str, Any] | None],
    station: Callable[[R], str] | None = None,
    chain_tenant_id: str = "",
    actor: Actor | None = None,
    time_us: int | None = None,
) -> None:
    """Records a change of a row by its audited fields, `image`; at least one of both rows is given.

    A row without an image counts as none. `station` is the row's station, where it goes with one; `chain_tenant_id` is
    the tenant in whose chain the entry is, where that is not the row's own.
    """
    row = before if after is None else after
    assert row is not None  # noqa: S101 - see above
    images = [None if one is None else image(one) for one in (before, after)]
    if images == [None, None]:
        unchanged()
        return
    changed(
        connection,
        tenant_id=chain_tenant_id or row.tenant_id,
        resource_type=resource_type,
        resource=resource(row),
        before=images[0],
        after=images[1],
        station_id="" if station is None else station(row),
        actor=actor,
        time_us=time_us,
    )


def change_of(
    *,
    resource_type: str,
    resource: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    station_id: str = "",
    actor: Actor | None = None,
    details: Mapping[str, Any] | None = None,
) -> Content | None:
    """The content of one change for `append`, or None where no field differs."""
    change = Change.UPDATE if before is not None and after is not None else Change.CREATE
    if after is None:
        change = Change.DELETE
    if before is not None and after is not None:
        names = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
        if not names and not details:
            return None
        before = {name: before.get(name) for name in names}
        after = {name: after.get(name) for name in names}
    return _content(
        actor,
        resource_type=resource_type,
        resource=resource,
        station_id=station_id,
        change=change,
        before=None if before is None else dict(before),
        after=None if after is None else dict(after),
        details=bounded(details),
    )


def acted(
    connection: Connection,
    *,
    tenant_id: str,
    resource_type: str,
    resource: str,
    station_id: str = "",
    actor: Actor | None = None,
    details: Mapping[str, Any] | None = None,
    outcome: str = OK,
    time_us: int | None = None,
) -> None:
    """Records what was done to a resource without a change of its audited fields: a command, a new password.

    `details` are masked as payloads in logs are.
    """
    content = _content(
        actor,
        resource_type=resource_type,
        resource=resource,
        station_id=station_id,
        details=bounded(details),
        outcome=outcome,
    )
    append(connection, tenant_id, [content], time_us=time_us)


def unchanged() -> None:
    """Notes that the present call changes nothing, such as one whose request id has been served already."""
    acting = current_acting()
    if acting is not None:
        acting.is_unchanged = True


def bounded(details: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Details with secrets masked; those that are too long keep the names of their fields alone."""
    if not details:
        return None
    masked: dict[str, Any] = mask_payload(dict(details))
    if len(_encode(masked)) <= MOST_DETAILS_BYTES:
        return masked
    return {"truncatedFields": [name[:100] for name in sorted(masked)[:100]]}


def _content(actor: Actor | None, **fields: Any) -> Content:
    acting = current_acting()
    who = actor or current_actor() or SYSTEM
    return Content(
        action=acting.action if acting is not None else who.name or ActorKind.SYSTEM.lower(),
        actor_kind=who.kind,
        actor=who.name,
        credential_id=who.credential_id,
        on_behalf_of=who.on_behalf_of,
        address="" if acting is None else acting.address,
        request_id="" if acting is None else acting.request_id,
        user_agent="" if acting is None else acting.user_agent,
        **fields,
    )
