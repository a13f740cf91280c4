"""The SQL of invitations. Functions run inside a transaction that Database opens around them."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from auth_svc import models, role_store
from auth_svc.role_store import Assignment
from mesh.audit import entries as audit
from mesh.identity.callers import Role


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """An invitation. The hash is SHA-256 of its token, in hexadecimal."""

    tenant_id: str
    invitation_id: str
    secret_hash: str = field(repr=False)
    username: str
    role: Role | None
    inviter: str  # user:<name> or key:<prefix>
    create_us: int
    expire_us: int


def create_invitation(connection: Connection, invitation: Invitation, assignments: Collection[Assignment]) -> None:
    """Adds an invitation."""
    values = asdict(invitation) | {"role": int(invitation.role or 0)}
    connection.execute(sa.insert(models.invitation).values(values))
    _audit(connection, None, invitation, time_us=invitation.create_us)
    role_store.assign(connection, invitation.tenant_id, _subject(invitation.invitation_id), assignments)


def count_open(connection: Connection, tenant_id: str, *, now_us: int) -> int:
    """The number of a tenant's invitations that have not ended."""
    table = models.invitation
    query = sa.select(sa.func.count()).select_from(table)
    return int(connection.execute(query.where(table.c.tenant_id == tenant_id, table.c.expire_us > now_us)).scalar_one())


def list_open(
    connection: Connection, tenant_id: str, *, after_id: str, now_us: int, limit: int
) -> list[tuple[Invitation, tuple[Assignment, ...]]]:
    """Up to `limit` invitations that have not ended beyond `after_id`, sorted by id, with the roles that they give."""
    table = models.invitation
    query = sa.select(table).where(
        table.c.tenant_id == tenant_id, table.c.invitation_id > after_id, table.c.expire_us > now_us
    )
    rows = connection.execute(query.order_by(table.c.invitation_id).limit(limit)).mappings()
    found = [_invitation(row) for row in rows]
    assigned = role_store.assignments_of(connection, tenant_id, [_subject(each.invitation_id) for each in found])
    return [(each, assigned.get(_subject(each.invitation_id), ())) for each in found]


def find(connection: Connection, invitation_id: str, secret_hash: str, *, now_us: int) -> Invitation | None:
    """An invitation that has not ended; None where the secret is not its own."""
    table = models.invitation
    query = sa.select(table).where(
        table.c.invitation_id == invitation_id, table.c.secret_hash == secret_hash, table.c.expire_us > now_us
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else _invitation(row)


def take(
    connection: Connection, invitation_id: str, secret_hash: str, *, now_us: int
) -> tuple[Invitation, tuple[Assignment, ...]] | None:
    """Removes an invitation that has not ended, and returns it with its roles; None where the secret is not its own."""
    table = models.invitation
    statement = (
        sa.delete(table)
        .where(table.c.invitation_id == invitation_id, table.c.secret_hash == secret_hash, table.c.expire_us > now_us)
        .returning(*table.c)
    )
    row = connection.execute(statement).mappings().first()
    if row is None:
        return None
    invitation, subject = _invitation(row), _subject(invitation_id)
    _audit(connection, invitation, None, time_us=now_us)
    assignments = role_store.assignments_of(connection, invitation.tenant_id, [subject]).get(subject, ())
    role_store.unassign(connection, invitation.tenant_id, subject)
    return invitation, assignments


def revoke(connection: Connection, tenant_id: str, invitation_id: str) -> bool:
    """Removes an invitation; False where it is not there."""
    table = models.invitation
    statement = sa.delete(table).where(table.c.tenant_id == tenant_id, table.c.invitation_id == invitation_id)
    row = connection.execute(statement.returning(*table.c)).mappings().first()
    role_store.unassign(connection, tenant_id, _subject(invitation_id))
    if row is None:
        return False
    _audit(connection, _invitation(row), None)
    return True


def revoke_of(connection: Connection, tenant_id: str, inviter: str) -> None:
    """Removes all invitations of an inviter."""
    table = models.invitation.c
    query = sa.select(table.invitation_id).where(table.tenant_id == tenant_id, table.inviter == inviter)
    for invitation_id in connection.execute(query).scalars().all():
        revoke(connection, tenant_id, invitation_id)


def remove_ended(connection: Connection, *, now_us: int, limit: int) -> int:
    """Removes up to `limit` invitations that have ended; returns how many."""
    table = models.invitation.c
    ended = sa.select(table.tenant_id, table.invitation_id).where(table.expire_us <= now_us).limit(limit)
    rows = connection.execute(ended).all()
    for row in rows:
        revoke(connection, row.tenant_id, row.invitation_id)
    return len(rows)


def _image(invitation: Invitation) -> dict[str, Any]:
    """The audited fields of an invitation."""
    return {
        "username": invitation.username,
        "role": invitation.role.name if invitation.role else "",
        "expire_us": invitation.expire_us,
    }


_audit = partial(audit.row_changed, resource_type="invitation", resource=lambda row: row.invitation_id, image=_image)


def _subject(invitation_id: str) -> str:
    return f"invitation:{invitation_id}"


def _invitation(row: Mapping[Any, Any]) -> Invitation:
    return Invitation(**{**row, "role": Role(row["role"]) if row["role"] else None})
