"""The SQL of the certificate authority. Functions run inside a transaction of Database."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from auth_svc.models import certificate_authority, issued_certificate
from mesh.database.filters import Field, switch
from mesh.database.rowset import RowStatement, columns_of
from mesh.events import outbox
from mesh.runtime.times import to_datetime

RequestKey = tuple[str, str, str]
"""Tenant, station, digest of a signing request."""


@dataclass(frozen=True, kw_only=True)
class StoredAuthority:
    """An authority of auth_svc's own; PEM both."""

    generation: int
    certificate: str
    private_key: str = field(repr=False)
    create_us: int
    expire_us: int


@dataclass(frozen=True, kw_only=True)
class Issued:
    """A certificate that was signed. `issue` counts those for the same request, from 1."""

    tenant_id: str
    station_id: str
    csr_digest: str
    issue: int
    serial_number: str
    certificate_type: int
    common_name: str
    subject: str
    issuer: str
    sha256_fingerprint: str
    authority_fingerprint: str
    certificate: str
    start_us: int
    expire_us: int
    create_us: int
    revoke_us: int | None = None
    revoke_reason: int = 0

    @property
    def request(self) -> RequestKey:
        """The request that it answers."""
        return self.tenant_id, self.station_id, self.csr_digest


_FIND = RowStatement(
    """
    SELECT issued_certificate.* FROM {rows} JOIN issued_certificate
      ON issued_certificate.tenant_id = rows.tenant_id AND issued_certificate.station_id = rows.station_id
     AND issued_certificate.csr_digest = rows.csr_digest
    ORDER BY issued_certificate.issue
    """,
    **columns_of(issued_certificate, "tenant_id", "station_id", "csr_digest"),
)

_ADD = RowStatement(
    """
    INSERT INTO issued_certificate (tenant_id, station_id, csr_digest, issue, serial_number, certificate_type,
      common_name, subject, issuer, sha256_fingerprint, authority_fingerprint, certificate, start_us, expire_us,
      create_us)
    SELECT tenant_id, station_id, csr_digest, issue, serial_number, certificate_type, common_name, subject, issuer,
           sha256_fingerprint, authority_fingerprint, certificate, start_us, expire_us, create_us
    FROM {rows} WHERE true ON CONFLICT DO NOTHING RETURNING serial_number
    """,
    **columns_of(
        issued_certificate, *(one.name for one in issued_certificate.columns if not one.name.startswith("revoke_"))
    ),
)

_COUNT = RowStatement(
    """
    SELECT issued_certificate.tenant_id, issued_certificate.station_id, COUNT(*) AS issued
    FROM {rows} JOIN issued_certificate
      ON issued_certificate.tenant_id = rows.tenant_id AND issued_certificate.station_id = rows.station_id
     AND issued_certificate.create_us > rows.since_us
    GROUP BY issued_certificate.tenant_id, issued_certificate.station_id
    """,
    **columns_of(issued_certificate, "tenant_id", "station_id"),
    since_us="bigint",
)


def newest_authority(connection: Connection) -> StoredAuthority | None:
    """The authority that signs, or None before the first was made."""
    query = sa.select(certificate_authority).order_by(certificate_authority.c.generation.desc()).limit(1)
    row = connection.execute(query).mappings().first()
    return StoredAuthority(**row) if row else None


def list_authorities(connection: Connection) -> list[StoredAuthority]:
    """All authorities that were made, newest first."""
    query = sa.select(certificate_authority).order_by(certificate_authority.c.generation.desc())
    return [StoredAuthority(**row) for row in connection.execute(query).mappings()]


def place_of(generation: int) -> str:
    """The place of an authority's private key, for its encryption."""
    return f"certificate_authority/{generation}"


def set_private_key(connection: Connection, generation: int, *, before: str, after: str) -> None:
    """Stores the private key of an authority in another form, unless another replica has done so."""
    table = certificate_authority.c
    is_it = sa.and_(table.generation == generation, table.private_key == before)
    connection.execute(sa.update(certificate_authority).where(is_it).values(private_key=after))


def list_authority_certificates(connection: Connection) -> list[str]:
    """The certificates of all authorities that were made, PEM, newest first."""
    table = certificate_authority.c
    query = sa.select(table.certificate).order_by(table.generation.desc())
    return list(connection.execute(query).scalars())


def add_authority(connection: Connection, made: StoredAuthority) -> StoredAuthority:
    """Adds an authority; returns the newest, which is another one where a replica made it at the same time."""
    columns = ", ".join(column.name for column in certificate_authority.columns)
    values = ", ".join(f":{column.name}" for column in certificate_authority.columns)
    statement = f"INSERT INTO certificate_authority ({columns}) VALUES ({values}) ON CONFLICT DO NOTHING"  # noqa: S608
    connection.execute(sa.text(statement), asdict(made))
    return newest_authority(connection) or made


def find_issued(connection: Connection, keys: Collection[RequestKey]) -> Mapping[RequestKey, Issued]:
    """The latest certificate for each request that has one."""
    rows = [dict(zip(("tenant_id", "station_id", "csr_digest"), key, strict=True)) for key in sorted(keys)]
    found = (Issued(**row) for row in _FIND.run(connection, rows).mappings())
    return {issued.request: issued for issued in found}


def add_issued(connection: Connection, made: Iterable[Issued]) -> Mapping[RequestKey, Issued]:
    """Adds certificates, with their events; returns the latest for each request.

    That is another one where a replica signed the same request at the same time.
    """
    new = sorted(made, key=lambda issued: issued.request)
    added = set(_ADD.run(connection, map(asdict, new)).scalars())
    outbox.append(connection, [_event(issued) for issued in new if issued.serial_number in added])
    return find_issued(connection, {issued.request for issued in new})


def find_by_fingerprint(connection: Connection, fingerprints: Collection[str]) -> Mapping[str, Issued]:
    """Certificates by their fingerprints, of any tenant."""
    query = sa.select(issued_certificate).where(issued_certificate.c.sha256_fingerprint.in_(sorted(fingerprints)))
    return {row["sha256_fingerprint"]: Issued(**row) for row in connection.execute(query).mappings()}


def count_issued(
    connection: Connection, stations: Collection[tuple[str, str]], since_us: int
) -> Mapping[tuple[str, str], int]:
    """How many certificates each station got since a moment, where it got any."""
    rows = [
        {"tenant_id": tenant_id, "station_id": station_id, "since_us": since_us}
        for tenant_id, station_id in sorted(stations)
    ]
    return {(row.tenant_id, row.station_id): row.issued for row in _COUNT.run(connection, rows)}


def list_issued(
    connection: Connection,
    tenant_id: str,
    *,
    after: tuple[int, str] | None,
    condition: ColumnElement[bool] | None,
    limit: int,
) -> list[Issued]:
    """Up to `limit` certificates, newest first; `after` is time and serial number of the last one of a page."""
    table = issued_certificate.c
    query = sa.select(issued_certificate).where(table.tenant_id == tenant_id)
    if condition is not None:
        query = query.where(condition)
    if after is not None:
        query = query.where(sa.tuple_(table.create_us, table.serial_number) < sa.tuple_(*after))
    query = query.order_by(table.create_us.desc(), table.serial_number.desc()).limit(limit)
    return [Issued(**row) for row in connection.execute(query).mappings()]


def issued_filters() -> Mapping[str, Field]:
    """The fields by which a list of certificates can be filtered."""
    table = issued_certificate.c
    return {
        "station_id": Field(table.station_id),
        "common_name": Field(table.common_name),
        "serial_number": Field(table.serial_number, str.upper),
        "revoked": Field(sa.case((table.revoke_us.is_not(None), sa.true()), else_=sa.false()), switch),
    }


def remove_ended(connection: Connection, *, before_us: int, limit: int) -> int:
    """Removes up to `limit` certificates that ended before a moment; returns how many."""
    table = issued_certificate.c
    key = sa.tuple_(table.tenant_id, table.serial_number)
    old = (
        sa.select(table.tenant_id, table.serial_number)
        .where(table.expire_us < before_us)
        .order_by(table.expire_us)
        .limit(limit)
    )
    return connection.execute(sa.delete(issued_certificate).where(key.in_(old))).rowcount


def _event(issued: Issued) -> outbox.OutboxEvent:
    return outbox.OutboxEvent(
        event_id=f"certificate.issued:{issued.serial_number}",
        tenant_id=issued.tenant_id,
        type="certificate.issued",
        station_id=issued.station_id,
        event_time_us=issued.create_us,
        data={
            "serialNumber": issued.serial_number,
            "commonName": issued.common_name,
            "sha256Fingerprint": issued.sha256_fingerprint,
            "expireTime": to_datetime(issued.expire_us).isoformat().replace("+00:00", "Z"),
        },
    )
