"""The SQL of API keys. Functions run inside a transaction that Database opens around them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from auth_svc import models, role_store
from auth_svc.caller_change_store import record_change
from auth_svc.common_store import event, insert
from auth_svc.role_store import Permissions, to_permissions, to_text
from mesh.audit import entries as audit
from mesh.events import outbox


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """An API key. The hash is SHA-256, in hexadecimal."""

    tenant_id: str
    prefix: str
    secret_hash: str = field(repr=False)
    display_name: str
    permissions: Permissions
    site_id: str
    creator: str
    create_us: int
    expire_us: int | None = None
    last_use_us: int | None = None


def create_key(connection: Connection, key: ApiKey) -> bool:
    """Adds a key, with its event; False where its prefix is taken, by a very rare chance."""
    created = insert(connection, models.api_key, asdict(key) | {"permissions": to_text(key.permissions)})
    if created:
        outbox.append(connection, [_key_event("created", key, key.create_us)])
        _audit(connection, None, key, time_us=key.create_us)
    return created


def count_keys(connection: Connection, tenant_id: str) -> int:
    """The number of a tenant's keys."""
    query = sa.select(sa.func.count()).select_from(models.api_key).where(models.api_key.c.tenant_id == tenant_id)
    return int(connection.execute(query).scalar_one())


def get_key(connection: Connection, tenant_id: str, prefix: str) -> ApiKey | None:
    """One key of a tenant, or None."""
    row = connection.execute(sa.select(models.api_key).where(_is_key(tenant_id, prefix))).mappings().first()
    return None if row is None else _key(row)


def list_keys(connection: Connection, tenant_id: str, *, after_prefix: str, limit: int) -> list[ApiKey]:
    """Up to `limit` keys of a tenant beyond `after_prefix`, sorted by prefix."""
    table = models.api_key
    query = sa.select(table).where(table.c.tenant_id == tenant_id, table.c.prefix > after_prefix)
    return [_key(row) for row in connection.execute(query.order_by(table.c.prefix).limit(limit)).mappings()]


def revoke_key(connection: Connection, tenant_id: str, prefix: str, *, now_us: int) -> bool:
    """Removes a key, with its event; False where it is not there."""
    statement = sa.delete(models.api_key).where(_is_key(tenant_id, prefix)).returning(*models.api_key.c)
    row = connection.execute(statement).mappings().first()
    if row is None:
        return False
    role_store.unassign(connection, tenant_id, f"key:{prefix}")
    key = _key(row)
    outbox.append(connection, [_key_event("revoked", key, now_us)])
    _audit(connection, key, None, time_us=now_us)
    record_change(connection, tenant_id, f"key:{prefix}", now_us)
    return True


def _is_key(tenant_id: str, prefix: str) -> ColumnElement[bool]:
    table = models.api_key.c
    return sa.and_(table.tenant_id == tenant_id, table.prefix == prefix)


def _key(row: Mapping[Any, Any]) -> ApiKey:
    return ApiKey(**{**row, "permissions": to_permissions(row["permissions"])})


def _image(key: ApiKey) -> dict[str, Any]:
    """The audited fields of a key."""
    return {
        "display_name": key.display_name,
        "permissions": to_text(key.permissions).split(),
        "site_id": key.site_id,
        "expire_us": key.expire_us,
    }


_audit = partial(audit.row_changed, resource_type="api_key", resource=lambda row: row.prefix, image=_image)


def _key_event(verb: str, key: ApiKey, now_us: int) -> outbox.OutboxEvent:
    data = {"prefix": key.prefix, "displayName": key.display_name}
    return event(f"api_key.{verb}", key.tenant_id, now_us, data)
