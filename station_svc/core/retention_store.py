"""The SQL of removing old rows, a bounded number at a time, so that no transaction is long."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from station_svc.core.models import removal, station, station_connection


def remove_old(
    connection: Connection,
    *,
    age: sa.Column[int],
    before_us: int,
    limit: int,
    condition: ColumnElement[bool] | None = None,
) -> int:
    """Removes up to `limit` of the rows whose `age` column is before a moment; returns how many."""
    key = sa.tuple_(*age.table.primary_key.columns)
    old = sa.select(*age.table.primary_key.columns).where(age < before_us).order_by(age).limit(limit)
    if condition is not None:
        old = old.where(condition)
    return connection.execute(sa.delete(age.table).where(key.in_(old))).rowcount


def remove_old_connections(connection: Connection, *, before_us: int, limit: int) -> int:
    """Removes up to `limit` connections that closed before a moment, not a station's latest; returns how many."""
    latest = sa.exists().where(
        station.c.tenant_id == station_connection.c.tenant_id,
        station.c.station_id == station_connection.c.station_id,
        station.c.latest_epoch == station_connection.c.epoch,
    )
    old = (
        sa.select(station_connection.c.epoch)
        .where(station_connection.c.disconnect_us < before_us, ~latest)
        .limit(limit)
    )
    return connection.execute(sa.delete(station_connection).where(station_connection.c.epoch.in_(old))).rowcount


def removed_stations(connection: Connection, *, limit: int) -> Sequence[tuple[str, str, int]]:
    """Stations that were removed and whose history is not yet: tenant, station, and the last epoch of that history."""
    query = sa.select(removal.c.tenant_id, removal.c.station_id, removal.c.through_epoch).limit(limit)
    return [(row.tenant_id, row.station_id, row.through_epoch) for row in connection.execute(query)]


def remove_history(
    connection: Connection,
    *,
    tables: Sequence[sa.Table],
    tenant_id: str,
    station_id: str,
    through_epoch: int,
    limit: int,
) -> int:
    """Removes up to `limit` rows of a removed station's history; returns how many. Below `limit`, it is done.

    `tables` have one row per frame.
    """
    count = 0
    for table in tables:
        key = sa.tuple_(*table.primary_key.columns)
        old = (
            sa.select(*table.primary_key.columns)
            .where(table.c.tenant_id == tenant_id, table.c.station_id == station_id, table.c.epoch <= through_epoch)
            .limit(limit - count)
        )
        count += connection.execute(sa.delete(table).where(key.in_(old))).rowcount
        if count >= limit:
            return count
    # A station of that name may have been added and removed again meanwhile: then there is more to do.
    connection.execute(
        sa.delete(removal).where(
            removal.c.tenant_id == tenant_id,
            removal.c.station_id == station_id,
            removal.c.through_epoch == through_epoch,
        )
    )
    return count
