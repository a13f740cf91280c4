"""The SQL of tenants. Functions run inside a transaction that Database opens around them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from auth_svc import models
from auth_svc.common_store import insert
from mesh.audit import entries as audit
from mesh.contract.tenants import PLATFORM_TENANT


@dataclass(frozen=True, kw_only=True)
class TenantRow:
    """A tenant as it is stored; see models.py."""

    tenant_id: str
    display_name: str
    state: int
    host_name: str
    max_stations: int
    max_messages_per_second: int
    max_storage_days: int
    max_stored_rows: int
    onboarding: int
    unknown_id_tokens: int
    message_log_days: int
    event_days: int
    create_us: int
    update_us: int


@dataclass(frozen=True, kw_only=True)
class ErasureRow:
    """How far a service is with the erasure of a tenant; `finish_us` None: something may be left."""

    service: str
    erased_rows: int
    finish_us: int | None


SETTINGS = ("onboarding", "unknown_id_tokens", "message_log_days", "event_days")
"""The columns of a tenant's settings: for each, 0 means none of its own."""
_NOT_AUDITED = ("tenant_id", "create_us", "update_us")
_COLUMNS = [models.tenant.c[one.name] for one in fields(TenantRow)]


def add_tenant(connection: Connection, tenant: TenantRow) -> bool:
    """Adds a tenant; False where its id or its host name is in use."""
    added = insert(connection, models.tenant, asdict(tenant))
    if added:
        _audit_change(connection, None, tenant, tenant.create_us)
    return added


def get_tenant(connection: Connection, tenant_id: str, *, for_update: bool = False) -> TenantRow | None:
    """One tenant, or None. With `for_update` it is held until the transaction ends."""
    query = sa.select(*_COLUMNS).where(models.tenant.c.tenant_id == tenant_id)
    row = connection.execute(query.with_for_update() if for_update else query).mappings().first()
    return None if row is None else TenantRow(**row)


def has_host(connection: Connection, host_name: str, *, other_than: str) -> bool:
    """Whether another tenant has this host name."""
    table = models.tenant.c
    query = sa.select(table.tenant_id).where(table.host_name == host_name, table.tenant_id != other_than)
    return connection.execute(query).first() is not None


def list_host_names(connection: Connection) -> frozenset[str]:
    """The host names of all tenants, in lower case."""
    query = sa.select(models.tenant.c.host_name).where(models.tenant.c.host_name != "")
    return frozenset(name.lower() for name in connection.execute(query).scalars())


def list_tenants(connection: Connection, *, after: str, limit: int) -> Sequence[TenantRow]:
    """Up to `limit` tenants beyond the id `after`, by id."""
    table = models.tenant.c
    query = sa.select(*_COLUMNS).where(table.tenant_id > after).order_by(table.tenant_id).limit(limit)
    return [TenantRow(**row) for row in connection.execute(query).mappings()]


def count_tenants(connection: Connection) -> int:
    """How many there are, with those that were removed."""
    return connection.execute(sa.select(sa.func.count()).select_from(models.tenant)).scalar_one()


def set_values(connection: Connection, before: TenantRow, values: Mapping[str, Any], *, now_us: int) -> None:
    """Changes columns of a tenant, which this transaction holds."""
    update = sa.update(models.tenant).where(models.tenant.c.tenant_id == before.tenant_id)
    connection.execute(update.values(**values, update_us=now_us))
    _audit_change(connection, before, replace(before, **values), now_us)


def _audit_change(connection: Connection, before: TenantRow | None, after: TenantRow, now_us: int) -> None:
    """Records a tenant in the chain of the platform, and its settings in the tenant's own: both may change them."""
    _audit(connection, before, after, time_us=now_us)
    _audit_settings(connection, before, after, time_us=now_us)


def _image(tenant: TenantRow) -> dict[str, Any]:
    """The audited fields of a tenant."""
    return {name: value for name, value in asdict(tenant).items() if name not in (*_NOT_AUDITED, *SETTINGS)}


def _settings_image(tenant: TenantRow) -> dict[str, Any] | None:
    """The audited settings of a tenant; None for one that has none of its own."""
    values = {name: getattr(tenant, name) for name in SETTINGS}
    return values if any(values.values()) else None


_audit = partial(
    audit.row_changed,
    resource_type="tenant",
    resource=lambda row: row.tenant_id,
    image=_image,
    chain_tenant_id=PLATFORM_TENANT,
)
_audit_settings = partial(
    audit.row_changed, resource_type="tenant_settings", resource=lambda row: row.tenant_id, image=_settings_image
)


def list_erasures(connection: Connection, tenant_ids: Sequence[str]) -> Mapping[str, list[ErasureRow]]:
    """The erasures of these tenants, by tenant, each by service."""
    table = models.tenant_erasure.c
    query = sa.select(models.tenant_erasure).where(table.tenant_id.in_(tenant_ids)).order_by(table.service)
    found: dict[str, list[ErasureRow]] = {}
    for row in connection.execute(query):
        erasure = ErasureRow(service=row.service, erased_rows=row.erased_rows, finish_us=row.finish_us)
        found.setdefault(row.tenant_id, []).append(erasure)
    return found


def note_erasure(
    connection: Connection, *, tenant_id: str, service: str, erased_rows: int, finish_us: int | None
) -> None:
    """Adds to what a service has erased of a tenant; where it found nothing more, `finish_us` is the time of that."""
    table = models.tenant_erasure
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = make(table).values(tenant_id=tenant_id, service=service, erased_rows=erased_rows, finish_us=finish_us)
    # A later run that finds something again, which was on its way, takes the mark back.
    changes = {
        "erased_rows": table.c.erased_rows + statement.excluded.erased_rows,
        "finish_us": statement.excluded.finish_us,
    }
    connection.execute(statement.on_conflict_do_update(index_elements=["tenant_id", "service"], set_=changes))
