"""The SQL of changes of what callers may do. Functions run inside a transaction that Database opens around them."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from auth_svc import models
from mesh.identity.caller_directory import CallerChange, CallerChanges
from mesh.runtime.times import SECOND_US

KEPT_S = 3600
_MOST = 1000
_RECORDED = "csms_caller_change"


def record_change(connection: Connection, tenant_id: str, subject: str, now_us: int) -> None:
    """Records a change: services forget what they remember of the subject (csms.auth.v1.CallerChange).

    An empty tenant is each of them, an empty subject all callers of the tenant. The last statement of a transaction,
    since it locks the row that gives all changes their order.
    """
    version = models.caller_version
    statement = sa.update(version).values(version=version.c.version + 1).returning(version.c.version)
    number = connection.execute(statement).scalar_one()
    row = {"version": number, "tenant_id": tenant_id, "subject": subject, "change_us": now_us}
    connection.execute(sa.insert(models.caller_change).values(row))
    connection.info[_RECORDED] = True


def take_recorded(connection_info: dict[Any, Any]) -> bool:
    """Whether a change was recorded over this connection since the last call."""
    return bool(connection_info.pop(_RECORDED, False))


def version_query() -> "sa.ScalarSelect[int]":
    """The version of the latest change, as part of a query."""
    return sa.select(models.caller_version.c.version).scalar_subquery()


def latest_version(connection: Connection) -> int:
    """The version of the latest change."""
    version: int = connection.execute(sa.select(version_query())).scalar_one()
    return version


def list_changes(connection: Connection, after_version: int) -> CallerChanges:
    """The changes after a version, oldest first; incomplete where some of them are not kept any more."""
    version = latest_version(connection)
    if after_version == version:
        return CallerChanges(changes=(), version=version)
    table = models.caller_change.c
    query = sa.select(table.version, table.tenant_id, table.subject).where(
        table.version > after_version, table.version <= version
    )
    rows = connection.execute(query.order_by(table.version).limit(_MOST)).all()
    # Versions have no gaps. A version beyond the latest one is of a database that was replaced.
    if not 0 < after_version < version or not rows or rows[0].version != after_version + 1:
        return CallerChanges(changes=(), version=version, incomplete=True)
    changes = [CallerChange(tenant_id=row.tenant_id, subject=row.subject) for row in rows]
    return CallerChanges(changes=changes, version=rows[-1].version)


def remove_old(connection: Connection, *, now_us: int, limit: int) -> int:
    """Removes up to `limit` changes that are older than KEPT_S seconds; returns how many."""
    table = models.caller_change.c
    old = sa.select(table.version).where(table.change_us < now_us - KEPT_S * SECOND_US).order_by(table.version)
    return connection.execute(sa.delete(models.caller_change).where(table.version.in_(old.limit(limit)))).rowcount
