"""The SQL of roles and of who has them. Functions run inside a transaction that Database opens around them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa
from csms.options.v1.options_pb2 import Permission
from sqlalchemy import ColumnElement, Connection

from auth_svc import models
from auth_svc.caller_change_store import record_change
from auth_svc.common_store import event, insert
from mesh.audit import entries as audit
from mesh.events import outbox
from mesh.identity.callers import Role

Permissions = frozenset[Permission.ValueType]
_PREFIX = "PERMISSION_"


@dataclass(frozen=True, kw_only=True)
class TenantRole:
    """A role that a tenant has made."""

    tenant_id: str
    role_id: str
    display_name: str
    permissions: Permissions
    create_us: int
    update_us: int


@dataclass(frozen=True, kw_only=True, order=True)
class Assignment:
    """A role that somebody has: a built-in one by its name, or one of the tenant; in a site, or in the whole tenant."""

    role_id: str
    site_id: str = ""


def to_text(permissions: Iterable[Permission.ValueType]) -> str:
    """Permissions as they are stored."""
    return " ".join(sorted(Permission.Name(permission).removeprefix(_PREFIX) for permission in permissions))


def to_permissions(text: str) -> Permissions:
    """Stored permissions; one that only a later release knows is left out."""
    known = Permission.DESCRIPTOR.values_by_name
    return frozenset(Permission.Value(_PREFIX + name) for name in text.split() if _PREFIX + name in known)


def create_role(connection: Connection, role: TenantRole) -> bool:
    """Adds a role, with its event; False where the tenant has one of this id."""
    created = insert(connection, models.role, asdict(role) | {"permissions": to_text(role.permissions)})
    if created:
        outbox.append(connection, [_role_event("created", role, role.create_us)])
        _audit(connection, None, role, time_us=role.create_us)
    return created


def count_roles(connection: Connection, tenant_id: str) -> int:
    """The number of roles that a tenant has made."""
    query = sa.select(sa.func.count()).select_from(models.role).where(models.role.c.tenant_id == tenant_id)
    return int(connection.execute(query).scalar_one())


def get_role(connection: Connection, tenant_id: str, role_id: str) -> TenantRole | None:
    """One role of a tenant, or None."""
    row = connection.execute(sa.select(models.role).where(_is_role(tenant_id, role_id))).mappings().first()
    return None if row is None else _role(row)


def list_roles(connection: Connection, tenant_id: str, *, after_id: str, limit: int) -> list[TenantRole]:
    """Up to `limit` roles of a tenant beyond `after_id`, sorted by id."""
    table = models.role
    query = sa.select(table).where(table.c.tenant_id == tenant_id, table.c.role_id > after_id)
    return [_role(row) for row in connection.execute(query.order_by(table.c.role_id).limit(limit)).mappings()]


def lock_role(connection: Connection, tenant_id: str, role_id: str) -> TenantRole | None:
    """One role of a tenant, which stays as it is until this transaction ends; None where there is none."""
    query = sa.select(models.role).where(_is_role(tenant_id, role_id)).with_for_update()
    row = connection.execute(query).mappings().first()
    return None if row is None else _role(row)


def update_role(connection: Connection, role: TenantRole) -> None:
    """Replaces name and permissions of a role, with its event and the change for all who have it."""
    before = lock_role(connection, role.tenant_id, role.role_id)
    values = {"display_name": role.display_name, "permissions": to_text(role.permissions), "update_us": role.update_us}
    connection.execute(sa.update(models.role).where(_is_role(role.tenant_id, role.role_id)).values(values))
    outbox.append(connection, [_role_event("updated", role, role.update_us)])
    record_change(connection, role.tenant_id, f"role:{role.role_id}", role.update_us)
    _audit(connection, before, role, time_us=role.update_us)


def delete_role(connection: Connection, role: TenantRole, *, now_us: int) -> None:
    """Removes a role, with its event."""
    connection.execute(sa.delete(models.role).where(_is_role(role.tenant_id, role.role_id)))
    outbox.append(connection, [_role_event("deleted", role, now_us)])
    _audit(connection, role, None, time_us=now_us)


def is_assigned(connection: Connection, tenant_id: str, role_id: str) -> bool:
    """Whether somebody has a role, or is to get it by an invitation."""
    table = models.role_assignment.c
    query = sa.select(sa.literal(1)).where(table.tenant_id == tenant_id, table.role_id == role_id).limit(1)
    return connection.execute(query).first() is not None


def assign(connection: Connection, tenant_id: str, subject: str, assignments: Collection[Assignment]) -> None:
    """Makes these the roles of a subject, and no others."""
    before, after = assignments_of(connection, tenant_id, [subject]).get(subject, ()), tuple(sorted(set(assignments)))
    if before == after:
        return
    connection.execute(sa.delete(models.role_assignment).where(_has(tenant_id, [subject])))
    if after:
        rows = [{"tenant_id": tenant_id, "subject": subject, **asdict(each)} for each in after]
        connection.execute(sa.insert(models.role_assignment), rows)
    audit.changed(
        connection,
        tenant_id=tenant_id,
        resource_type="role_assignments",
        resource=subject,
        before=_assignments_image(before),
        after=_assignments_image(after),
    )


def unassign(connection: Connection, tenant_id: str, subject: str) -> None:
    """Takes all roles from a subject."""
    assign(connection, tenant_id, subject, ())


def assignments_of(
    connection: Connection, tenant_id: str, subjects: Collection[str]
) -> Mapping[str, tuple[Assignment, ...]]:
    """The roles of each of these subjects that has some."""
    table = models.role_assignment.c
    query = sa.select(table.subject, table.role_id, table.site_id).where(_has(tenant_id, subjects))
    found: dict[str, tuple[Assignment, ...]] = {}
    for row in connection.execute(query.order_by(table.subject, table.role_id, table.site_id)):
        assignment = Assignment(role_id=row.role_id, site_id=row.site_id)
        found[row.subject] = (*found.get(row.subject, ()), assignment)
    return found


def permissions_of_roles(
    connection: Connection, tenant_id: str, role_ids: Collection[str], *, lock: bool = False
) -> Mapping[str, Permissions]:
    """The permissions of each of these roles that the tenant has made. With `lock`, none is removed meanwhile."""
    own = sorted(role_id for role_id in role_ids if role_id not in Role.__members__)
    if not own:
        return {}
    table = models.role.c
    query = sa.select(table.role_id, table.permissions).where(table.tenant_id == tenant_id, table.role_id.in_(own))
    query = query.order_by(table.role_id)
    rows = connection.execute(query.with_for_update(read=True) if lock else query)
    return {row.role_id: to_permissions(row.permissions) for row in rows}


def _is_role(tenant_id: str, role_id: str) -> ColumnElement[bool]:
    table = models.role.c
    return sa.and_(table.tenant_id == tenant_id, table.role_id == role_id)


def _has(tenant_id: str, subjects: Collection[str]) -> ColumnElement[bool]:
    table = models.role_assignment.c
    return sa.and_(table.tenant_id == tenant_id, table.subject.in_(list(subjects)))


def _role(row: Mapping[Any, Any]) -> TenantRole:
    return TenantRole(**{**row, "permissions": to_permissions(row["permissions"])})


def _assignments_image(assignments: Collection[Assignment]) -> dict[str, Any] | None:
    """The audited fields of the roles that somebody has; None for none."""
    return {"roles": [asdict(each) for each in assignments]} if assignments else None


def _image(role: TenantRole) -> dict[str, Any]:
    """The audited fields of a role."""
    return {"display_name": role.display_name, "permissions": to_text(role.permissions).split()}


_audit = partial(audit.row_changed, resource_type="role", resource=lambda row: row.role_id, image=_image)


def _role_event(verb: str, role: TenantRole, now_us: int) -> outbox.OutboxEvent:
    data = {
        "roleId": role.role_id,
        "displayName": role.display_name,
        "permissions": to_text(role.permissions).split(),
    }
    return event(f"role.{verb}", role.tenant_id, now_us, data)
