"""The SQL of last-seen times and quirks of stations: the work of one transaction."""

from collections.abc import Sequence

from sqlalchemy import Connection

from mesh.database.rowset import RowStatement, columns_of
from station_svc.core.lock_store import StationKey
from station_svc.core.models import quirk, sighting
from station_svc.ingest import condition_store
from station_svc.ingest.rows import Sighting

_SEE = RowStatement(
    """
    INSERT INTO sighting (tenant_id, station_id, seen_us)
    SELECT rows.tenant_id, rows.station_id, rows.seen_us
    FROM {rows} JOIN station ON station.tenant_id = rows.tenant_id AND station.station_id = rows.station_id
    WHERE true ORDER BY station.tenant_id, station.station_id
    ON CONFLICT (tenant_id, station_id) DO UPDATE SET seen_us = excluded.seen_us
    WHERE sighting.seen_us < excluded.seen_us
    """,
    **columns_of(sighting),
)
_COUNT_QUIRKS = RowStatement(
    """
    INSERT INTO quirk (tenant_id, station_id, name, count)
    SELECT rows.tenant_id, rows.station_id, rows.name, rows.count
    FROM {rows} JOIN station ON station.tenant_id = rows.tenant_id AND station.station_id = rows.station_id
    WHERE true ORDER BY station.tenant_id, station.station_id, rows.name
    ON CONFLICT (tenant_id, station_id, name) DO UPDATE SET count = quirk.count + excluded.count
    """,
    **columns_of(quirk),
)


def record_sightings(connection: Connection, sightings: Sequence[Sighting]) -> list[None]:
    """Notes when stations were last seen and what is wrong with them, and counts the faults that were mended."""
    condition_store.record_conditions(connection, sightings)  # first: it locks stations
    seen: dict[StationKey, int] = {}
    faults: dict[tuple[str, str, str], int] = {}
    for one in sightings:
        key = (one.tenant_id, one.station_id)
        seen[key] = max(one.seen_us, seen.get(key, 0))
        for name, count in one.quirks.items():
            faults[*key, name] = faults.get((*key, name), 0) + count
    _SEE.run(
        connection, ({"tenant_id": key[0], "station_id": key[1], "seen_us": seen_us} for key, seen_us in seen.items())
    )
    if faults:
        _COUNT_QUIRKS.run(
            connection,
            (
                {"tenant_id": tenant_id, "station_id": station_id, "name": name, "count": count}
                for (tenant_id, station_id, name), count in faults.items()
            ),
        )
    return [None] * len(sightings)
