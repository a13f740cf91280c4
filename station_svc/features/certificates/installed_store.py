"""The SQL of the certificates that stations reported. Each function is part of a transaction."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from mesh.database.filters import Field
from mesh.database.pages import Page
from mesh.database.rowset import RowStatement, columns_of
from station_svc.core.list_store import paged
from station_svc.core.rows import to_row
from station_svc.core.station_store import expect_station
from station_svc.features.certificates.models import installed_certificate
from station_svc.features.certificates.rows import InstalledCertificateRow

_KEY = (
    installed_certificate.c.certificate_type,
    installed_certificate.c.hash_algorithm,
    installed_certificate.c.issuer_name_hash,
    installed_certificate.c.issuer_key_hash,
    installed_certificate.c.serial_number,
)
_ADD = RowStatement(
    """
    INSERT INTO installed_certificate (tenant_id, station_id, certificate_type, hash_algorithm, issuer_name_hash,
                                       issuer_key_hash, serial_number, update_us, child_hash_data)
    SELECT station.tenant_id, station.station_id, rows.certificate_type, rows.hash_algorithm, rows.issuer_name_hash,
           rows.issuer_key_hash, rows.serial_number, rows.update_us, rows.child_hash_data
    FROM {rows} JOIN station ON station.tenant_id = :tenant_id AND station.station_id = :station_id
    WHERE true ON CONFLICT DO NOTHING
    """,
    **columns_of(
        installed_certificate,
        "certificate_type",
        "hash_algorithm",
        "issuer_name_hash",
        "issuer_key_hash",
        "serial_number",
        "update_us",
        "child_hash_data",
    ),
)


def remember(
    connection: Connection,
    *,
    tenant_id: str,
    station_id: str,
    kinds: Collection[int],
    certificates: Sequence[InstalledCertificateRow],
) -> None:
    """Stores a station's certificates of these kinds, all kinds where none is named, in place of the earlier ones."""
    old = sa.delete(installed_certificate).where(_of(tenant_id, station_id))
    if kinds:
        old = old.where(installed_certificate.c.certificate_type.in_(kinds))
    connection.execute(old)
    add(connection, tenant_id=tenant_id, station_id=station_id, certificates=certificates)


def add(
    connection: Connection, *, tenant_id: str, station_id: str, certificates: Sequence[InstalledCertificateRow]
) -> None:
    """Stores certificates of a station beside those that it has; one that is there stays as it is."""
    rows = {row.key: asdict(row) for row in certificates}
    if rows:
        _ADD.run(connection, [rows[key] for key in sorted(rows)], tenant_id=tenant_id, station_id=station_id)


def forget(connection: Connection, *, tenant_id: str, station_id: str, certificate: InstalledCertificateRow) -> None:
    """Removes a certificate of a station, of any kind. Hexadecimal is compared without regard to case."""
    table, lower = installed_certificate.c, sa.func.lower
    connection.execute(
        sa.delete(installed_certificate).where(
            _of(tenant_id, station_id),
            table.hash_algorithm == certificate.hash_algorithm,
            lower(table.issuer_name_hash) == certificate.issuer_name_hash.lower(),
            lower(table.issuer_key_hash) == certificate.issuer_key_hash.lower(),
            lower(table.serial_number) == certificate.serial_number.lower(),
        )
    )


STATION_ID = installed_certificate.c.station_id
"""The column of the station of a certificate."""


def filters(kinds: Callable[[str], int]) -> Mapping[str, Field]:
    """The fields that certificates may be filtered by; `kinds` reads the words for a kind."""
    return {
        "certificate_type": Field(installed_certificate.c.certificate_type, kinds),
        "serial_number": Field(installed_certificate.c.serial_number),
    }


def list_certificates(
    connection: Connection, *, tenant_id: str, station_id: str | None, page: Page
) -> Sequence[tuple[str, InstalledCertificateRow]]:
    """Certificates of a station, or of all (None), each with its station, by station and kind.

    `page.after` is the station and InstalledCertificateRow.key. Raises MeshError STATION_NOT_FOUND.
    """
    query = sa.select(installed_certificate).where(installed_certificate.c.tenant_id == tenant_id)
    if station_id is not None:
        expect_station(connection, tenant_id, station_id)
        query = query.where(installed_certificate.c.station_id == station_id)
    rows = connection.execute(paged(query, page, STATION_ID, *_KEY))
    return [(row.station_id, to_row(InstalledCertificateRow, row)) for row in rows]


def _of(tenant_id: str, station_id: str) -> ColumnElement[bool]:
    table = installed_certificate.c
    return (table.tenant_id == tenant_id) & (table.station_id == station_id)
