"""The SQL of where stations stand: read by every service, written in those that have a copy.

Each function is part of a transaction. station_svc writes the original itself (station_svc/core/placement_store.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from mesh.database.rowset import RowStatement
from mesh.placements.conditions import SITE
from mesh.placements.tables import PlacementTables


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where a station stands. `labels` are those that hold for it; they are not read back."""

    tenant_id: str
    station_id: str
    site_id: str
    path: str
    time_zone: str
    version: int
    labels: Sequence[tuple[str, str]] = ()

    @property
    def sites(self) -> Sequence[str]:
        """Ids of the sites from the outermost one down to its own."""
        return sites_of(self.path)


def sites_of(path: str) -> Sequence[str]:
    """The ids of the sites of a path, from the outermost one."""
    return path.strip("/").split("/") if path else ()


def find_path(connection: Connection, tables: PlacementTables, tenant_id: str, station_id: str) -> str:
    """The path of the site that a station stands in; empty where it stands in none, or where that is not known."""
    columns = tables.placement.c
    query = sa.select(columns.path).where(columns.tenant_id == tenant_id, columns.station_id == station_id)
    return connection.execute(query).scalar() or ""


def find_placements(
    connection: Connection, tables: PlacementTables, tenant_id: str, station_ids: Sequence[str]
) -> dict[str, Placement]:
    """The placements of those of the stations that have one, by station."""
    columns = tables.placement.c
    names = ("tenant_id", "station_id", "site_id", "path", "time_zone", "version")
    query = sa.select(*(columns[name] for name in names)).where(
        columns.tenant_id == tenant_id, columns.station_id.in_(station_ids)
    )
    return {row["station_id"]: Placement(**row) for row in connection.execute(query).mappings()}


def latest_version(connection: Connection, tables: PlacementTables) -> int:
    """The latest version of a placement; 0 where there is none."""
    return connection.execute(sa.select(sa.func.max(tables.placement.c.version))).scalar() or 0


_LOCK = sa.text("SELECT pg_advisory_xact_lock(:number)")
# Any fixed number that no other lock of the schema has.
_LOCK_NUMBER = 0x706C6163

_SAVE = RowStatement(
    """
    INSERT INTO station_placement (tenant_id, station_id, site_id, path, time_zone, version)
    SELECT tenant_id, station_id, site_id, path, time_zone, version FROM {rows} WHERE true
    ON CONFLICT (tenant_id, station_id) DO UPDATE
    SET site_id = excluded.site_id, path = excluded.path, time_zone = excluded.time_zone, version = excluded.version
    """,
    tenant_id="text",
    station_id="text",
    site_id="text",
    path="text",
    time_zone="text",
    version="bigint",
)
_CLEAR_GROUPS = RowStatement(
    "DELETE FROM station_group WHERE (tenant_id, station_id) IN (SELECT tenant_id, station_id FROM {rows})",
    tenant_id="text",
    station_id="text",
)
_ADD_GROUPS = RowStatement(
    """
    INSERT INTO station_group (tenant_id, label, value, station_id)
    SELECT tenant_id, label, value, station_id FROM {rows} WHERE true ON CONFLICT DO NOTHING
    """,
    tenant_id="text",
    label="text",
    value="text",
    station_id="text",
)


def record(
    connection: Connection, tables: PlacementTables, placements: Sequence[Placement], *, after_version: int, reset: bool
) -> int:
    """Records changes that follow `after_version` in a copy; its latest version, from which on others are needed."""
    if connection.dialect.name == "postgresql":  # two replicas of station_svc may publish at once
        connection.execute(_LOCK, {"number": _LOCK_NUMBER})
    if reset:
        connection.execute(sa.delete(tables.group))
        connection.execute(sa.delete(tables.placement))
    elif (latest := latest_version(connection, tables)) != after_version:
        return latest
    if placements:
        keys = [{"tenant_id": one.tenant_id, "station_id": one.station_id} for one in placements]
        _SAVE.run(
            connection,
            [
                {**key, "site_id": one.site_id, "path": one.path, "time_zone": one.time_zone, "version": one.version}
                for key, one in zip(keys, placements, strict=True)
            ],
        )
        save_groups(connection, placements)
    return latest_version(connection, tables)


def save_groups(connection: Connection, placements: Iterable[Placement]) -> None:
    """Writes the groups of stations: the sites above each, and its labels."""
    keys, groups = [], []
    for one in placements:
        key = {"tenant_id": one.tenant_id, "station_id": one.station_id}
        keys.append(key)
        groups += [{**key, "label": SITE, "value": site_id} for site_id in one.sites]
        groups += [{**key, "label": label, "value": value} for label, value in one.labels]
    _CLEAR_GROUPS.run(connection, keys)
    if groups:
        _ADD_GROUPS.run(connection, groups)
