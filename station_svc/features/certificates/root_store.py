"""The SQL of the server's roots, and of the stations that hold them. Each function is part of a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from csms.station.v1.certificate_pb2 import GET_CERTIFICATE_ID_USE_CSMS_ROOT_CERTIFICATE
from sqlalchemy import ColumnElement, Connection

from mesh.database.pages import Page
from mesh.identity.callers import Scope
from station_svc.core import placement_store
from station_svc.core.models import station, station_connection
from station_svc.core.profiles import BASIC_OVER_TLS
from station_svc.core.rows import ACCEPTED
from station_svc.core.station_rows import TlsEnd
from station_svc.features.certificates.models import installed_certificate
from station_svc.features.certificates.root_hashes import Root, RootHashes

MOST_MISSING = 10_000
_INSTALLED = installed_certificate.c
_SERIAL = sa.func.ltrim(sa.func.lower(_INSTALLED.serial_number), "0")
# Stations spell hexadecimal in either case, and serial numbers with leading zeros or without.
_NAMES = (
    _INSTALLED.hash_algorithm,
    sa.func.lower(_INSTALLED.issuer_name_hash),
    sa.func.lower(_INSTALLED.issuer_key_hash),
    _SERIAL,
)
_IS_ROOT = _INSTALLED.certificate_type == GET_CERTIFICATE_ID_USE_CSMS_ROOT_CERTIFICATE


@dataclass(frozen=True, kw_only=True)
class HeldRoot:
    """A root as stations name it, and how many hold it."""

    hashes: RootHashes
    station_count: int

    @property
    def key(self) -> tuple[int, str, str, str]:
        """Its place in lists."""
        named = self.hashes
        return named.hash_algorithm, named.issuer_name_hash, named.issuer_key_hash, named.serial_number


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """The stations that connect over TLS, or are to, and hold a root; `missing` are those that do not, by id."""

    stations: int
    holding: int
    unreported: int
    missing: Sequence[str]


def list_roots(connection: Connection, *, tenant_id: str, scope: Scope, page: Page) -> Sequence[HeldRoot]:
    """The roots that stations of a tenant hold, by their hashes; `page.after` is HeldRoot.key."""
    labels = ("algorithm", "name_hash", "key_hash", "serial")
    names = [name.label(label) for name, label in zip(_NAMES, labels, strict=True)]
    query = (
        sa.select(*names, sa.func.count(sa.distinct(_INSTALLED.station_id)).label("stations"))
        .where(_INSTALLED.tenant_id == tenant_id, _IS_ROOT)
        .group_by(*_NAMES)
        .order_by(*_NAMES)
        .limit(page.limit)
    )
    within = placement_store.conditions(tenant_id, _INSTALLED.station_id).in_scope(scope)
    if within is not None:
        query = query.where(within)
    if page.after is not None:
        query = query.where(sa.tuple_(*_NAMES) > sa.tuple_(*page.after))
    return [
        HeldRoot(
            hashes=RootHashes(
                hash_algorithm=row.algorithm,
                issuer_name_hash=row.name_hash,
                issuer_key_hash=row.key_hash,
                serial_number=row.serial,
            ),
            station_count=row.stations,
        )
        for row in connection.execute(query)
    ]


def find_coverage(connection: Connection, *, tenant_id: str, scope: Scope, root: Root) -> Coverage:
    """The stations of a tenant that hold a root, and those that are not known to."""
    named = [(one.hash_algorithm, one.issuer_name_hash, one.issuer_key_hash, one.serial_number) for one in root.hashes]
    of_station = (_INSTALLED.tenant_id == station.c.tenant_id) & (_INSTALLED.station_id == station.c.station_id)
    reported = sa.exists().where(of_station, _IS_ROOT)
    holds = sa.exists().where(of_station, _IS_ROOT, sa.or_(*map(_is_named, named)))
    concerned = (
        sa.select(station.c.station_id, holds.label("holds"), reported.label("reported"))
        .outerjoin(station_connection, station_connection.c.epoch == station.c.latest_epoch)
        .where(station.c.tenant_id == tenant_id, station.c.registration_status == ACCEPTED, _is_over_tls())
    )
    within = placement_store.conditions(tenant_id).in_scope(scope)
    found = (concerned if within is None else concerned.where(within)).subquery()
    counts = connection.execute(
        sa.select(
            sa.func.count().label("stations"),
            sa.func.coalesce(sa.func.sum(sa.case((found.c.holds, 1), else_=0)), 0).label("holding"),
            sa.func.coalesce(sa.func.sum(sa.case((found.c.reported, 0), else_=1)), 0).label("unreported"),
        ).select_from(found)
    ).one()
    missing = sa.select(found.c.station_id).where(sa.not_(found.c.holds)).order_by(found.c.station_id)
    return Coverage(
        stations=counts.stations,
        holding=int(counts.holding),
        unreported=int(counts.unreported),
        missing=list(connection.execute(missing.limit(MOST_MISSING)).scalars()),
    )


def _is_named(values: tuple[int, str, str, str]) -> ColumnElement[bool]:
    return sa.and_(*(name == value for name, value in zip(_NAMES, values, strict=True)))


def _is_over_tls() -> ColumnElement[bool]:
    """Whether a station trusts the server by a certificate, or is about to."""
    return sa.or_(
        station.c.security_profile >= BASIC_OVER_TLS,
        station.c.next_security_profile >= BASIC_OVER_TLS,
        sa.func.coalesce(station_connection.c.tls, TlsEnd.NONE.value) != TlsEnd.NONE.value,
    )
