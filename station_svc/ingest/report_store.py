"""The SQL that all reports have in common."""

from collections.abc import Collection

from sqlalchemy import Connection

from mesh.rowset import RowStatement

_LOCK = RowStatement(
    """
    SELECT station.tenant_id, station.station_id
    FROM {rows} JOIN station ON station.tenant_id = rows.tenant_id AND station.station_id = rows.station_id
    ORDER BY station.tenant_id, station.station_id FOR UPDATE OF station
    """,
    tenant_id="text",
    station_id="text",
)


def lock_stations(db: Connection, keys: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Locks stations until the transaction ends, in the order of their keys; those that exist."""
    rows = _LOCK.run(db, [{"tenant_id": tenant_id, "station_id": station_id} for tenant_id, station_id in keys])
    return {(row.tenant_id, row.station_id) for row in rows}
