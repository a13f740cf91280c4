"""The SQL of revocations. Functions run inside a transaction of Database."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy import Connection

from auth_svc.certificate_store import Issued
from auth_svc.models import issued_certificate
from mesh.audit import entries as audit
from mesh.events import outbox
from mesh.runtime.times import to_datetime


@dataclass(frozen=True, kw_only=True)
class ListState:
    """The state of the revocations of an authority: another state makes another list."""

    size: int
    latest_us: int


@dataclass(frozen=True, kw_only=True)
class ListedRevocation:
    """An entry of a revocation list. `serial_number` is hexadecimal."""

    serial_number: str
    revoke_us: int
    revoke_reason: int


def revoke(connection: Connection, tenant_id: str, serial_number: str, *, reason: int, now_us: int) -> Issued | None:
    """Revokes a certificate, with its event and audit; one that is revoked already stays as it is.

    None where the tenant has none of this serial number.
    """
    table = issued_certificate.c
    is_it = sa.and_(table.tenant_id == tenant_id, table.serial_number == serial_number)
    row = connection.execute(sa.select(issued_certificate).where(is_it).with_for_update()).mappings().first()
    if row is None:
        return None
    issued = Issued(**row)
    if issued.revoke_us is not None:
        audit.unchanged()
        return issued
    connection.execute(sa.update(issued_certificate).where(is_it).values(revoke_us=now_us, revoke_reason=reason))
    revoked = replace(issued, revoke_us=now_us, revoke_reason=reason)
    details = {"commonName": issued.common_name, "sha256Fingerprint": issued.sha256_fingerprint, "reason": reason}
    audit.acted(
        connection,
        tenant_id=tenant_id,
        resource_type="issued_certificate",
        resource=serial_number,
        station_id=issued.station_id,
        details=details,
        time_us=now_us,
    )
    outbox.append(connection, [_event(revoked, now_us)])
    return revoked


def list_revoked(connection: Connection, *, after_us: int, limit: int) -> list[Issued]:
    """The certificates that were revoked after a moment, of all tenants, the latest ones first."""
    table = issued_certificate.c
    query = sa.select(issued_certificate).where(table.revoke_us > after_us).order_by(table.revoke_us.desc())
    return [Issued(**row) for row in connection.execute(query.limit(limit)).mappings()]


def revoked_of(connection: Connection, stations: Collection[tuple[str, str]]) -> list[Issued]:
    """The revoked certificates of stations."""
    table = issued_certificate.c
    query = sa.select(issued_certificate).where(
        sa.tuple_(table.tenant_id, table.station_id).in_(sorted(stations)), table.revoke_us.is_not(None)
    )
    return [Issued(**row) for row in connection.execute(query).mappings()]


def list_state(connection: Connection, authority_fingerprint: str, *, after_us: int) -> ListState:
    """The state of an authority's revocations, of certificates that expire after a moment."""
    table = issued_certificate.c
    query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.max(table.revoke_us), 0)).where(
        table.revoke_us.is_not(None),
        table.authority_fingerprint == authority_fingerprint,
        table.expire_us > after_us,
    )
    size, latest_us = connection.execute(query).one()
    return ListState(size=size, latest_us=latest_us)


def list_entries(connection: Connection, authority_fingerprint: str, *, after_us: int) -> list[ListedRevocation]:
    """The entries of an authority's list: certificates that expire after a moment, the first revoked first."""
    table = issued_certificate.c
    query = (
        sa.select(table.serial_number, table.revoke_us, table.revoke_reason)
        .where(
            table.revoke_us.is_not(None),
            table.authority_fingerprint == authority_fingerprint,
            table.expire_us > after_us,
        )
        .order_by(table.revoke_us, table.serial_number)
    )
    return [ListedRevocation(**row) for row in connection.execute(query).mappings()]


def _event(issued: Issued, now_us: int) -> outbox.OutboxEvent:
    data = {
        "serialNumber": issued.serial_number,
        "commonName": issued.common_name,
        "sha256Fingerprint": issued.sha256_fingerprint,
        "expireTime": to_datetime(issued.expire_us).isoformat().replace("+00:00", "Z"),
    }
    return outbox.OutboxEvent(
        event_id=f"certificate.revoked:{issued.serial_number}",
        tenant_id=issued.tenant_id,
        type="certificate.revoked",
        station_id=issued.station_id,
        event_time_us=now_us,
        data=data,
    )
