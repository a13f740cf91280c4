"""The SQL of the moment from which on certificates that were signed here prove a station: core/own_certificates.py."""

from collections.abc import Collection, Mapping

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from station_svc.core.lock_store import StationKey
from station_svc.core.models import station
from station_svc.core.profiles import NO_PROOF

CURRENT_COLUMNS = (station.c.security_profile, station.c.create_us, station.c.certificates_from_us)
"""The columns that `own_certificates.is_current` reads."""


def from_us_once_proven(now_us: int) -> ColumnElement[int]:
    """`certificates_from_us` of a station that gets a security profile: what was signed at profile 0 is outdated."""
    return sa.case((station.c.security_profile == NO_PROOF, now_us), else_=station.c.certificates_from_us)


def issue_from(connection: Connection, keys: Collection[StationKey]) -> Mapping[StationKey, int]:
    """The moment from which on certificates prove each of the stations that exist, in microseconds."""
    names = (station.c.tenant_id, station.c.station_id)
    query = sa.select(*names, *CURRENT_COLUMNS).where(sa.tuple_(*names).in_(sorted(keys)))
    return {
        (row.tenant_id, row.station_id): max(row.create_us, row.certificates_from_us)
        for row in connection.execute(query)
    }
