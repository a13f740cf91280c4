"""The SQL of where stations stand. Each function is part of a transaction.

Changes of places and of the tree happen one after the other: each holds `place_version` first (`take_versions`). So a
site that was found stays where it is until the transaction ends, and the versions of places are committed in order.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from mesh.database.rowset import RowStatement, columns_of
from mesh.events import outbox
from mesh.identity.callers import Scope
from mesh.places.conditions import SITE, StationConditions
from station_svc.core import events
from station_svc.core.models import PLACES, place_version, station, station_group, station_place, station_placement
from station_svc.core.site_store import NOWHERE, SitePlace, covers, find_sites, ids_of, scope_too_narrow, site_not_found

_CHUNK = 1000


@dataclass(frozen=True, kw_only=True)
class PlaceChange:
    """The place that a station is given: a site (empty: none) and labels of its own. None: as it is."""

    station_id: str
    site_id: str | None = None
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class _Held:
    """The site and the own labels of a station."""

    site_id: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


def conditions(tenant_id: str) -> StationConditions:
    """Conditions on the stations of a query by where they stand."""
    return StationConditions(PLACES, tenant_id=tenant_id, station_id=station.c.station_id)


def take_versions(connection: Connection, count: int = 1) -> int:
    """The first of `count` versions for changes of places. Other changes wait until the transaction ends."""
    query = sa.update(place_version).values(version=place_version.c.version + count).returning(place_version.c.version)
    latest: int = connection.execute(query).scalar_one()
    return latest - count + 1


def check_site(site_id: str, found: Mapping[str, SitePlace], scope: Scope) -> None:
    """Raises MeshError for a site that stations cannot be placed in: SITE_NOT_FOUND, SCOPE_TOO_NARROW."""
    if not site_id and not scope.is_whole:
        raise scope_too_narrow("site_id: a station in no site is out of your sight")
    if site_id and (site_id not in found or not covers(scope, found[site_id].path)):
        raise site_not_found(site_id)


def place(
    connection: Connection,
    changes: Sequence[PlaceChange],
    *,
    tenant_id: str,
    scope: Scope,
    username: str,
    now_us: int,
) -> None:
    """Places stations, which exist. Raises MeshError SITE_NOT_FOUND, SCOPE_TOO_NARROW; then nothing has changed."""
    version = take_versions(connection, len(changes))
    sites = find_sites(connection, tenant_id, {change.site_id for change in changes if change.site_id})
    for change in changes:
        if change.site_id is not None:
            check_site(change.site_id, sites, scope)
    before = _held(connection, tenant_id, [change.station_id for change in changes])
    after = {
        change.station_id: _Held(
            site_id=held.site_id if change.site_id is None else change.site_id,
            labels=held.labels if change.labels is None else change.labels,
        )
        for change in changes
        for held in (before.get(change.station_id, _Held()),)
    }
    sites |= find_sites(connection, tenant_id, {held.site_id for held in after.values()} - sites.keys() - {""})
    _save(connection, tenant_id, after, sites, version)
    moved = [one for one, held in after.items() if held.site_id != before.get(one, _Held()).site_id]
    versions = {station_id: version + index for index, station_id in enumerate(after)}
    _record_moves(
        connection,
        [
            _Move(
                tenant_id=tenant_id,
                station_id=one,
                version=versions[one],
                site_id=after[one].site_id,
                former_site_id=before.get(one, _Held()).site_id,
                username=username,
                now_us=now_us,
            )
            for one in moved
        ],
    )


def refresh(connection: Connection, tenant_id: str, site_id: str) -> None:
    """Brings the places of all stations in a subtree in line with the tree, after a change of it."""
    query = (
        sa.select(station_group.c.station_id)
        .where(station_group.c.tenant_id == tenant_id, station_group.c.label == SITE, station_group.c.value == site_id)
        .order_by(station_group.c.station_id)
    )
    station_ids = list(connection.execute(query).scalars())
    if not station_ids:
        return
    version = take_versions(connection, len(station_ids))
    for start in range(0, len(station_ids), _CHUNK):
        held = _held(connection, tenant_id, station_ids[start : start + _CHUNK])
        sites = find_sites(connection, tenant_id, {one.site_id for one in held.values()} - {""})
        _save(connection, tenant_id, held, sites, version + start)


def forget(connection: Connection, tenant_id: str, station_id: str) -> None:
    """The place of a station that is removed. Its row stays, empty, so that copies of it are emptied too."""
    if _held(connection, tenant_id, [station_id]):
        version = take_versions(connection)
        _save(connection, tenant_id, {station_id: _Held()}, {}, version)


def is_occupied(connection: Connection, tenant_id: str, site_id: str) -> bool:
    """Whether stations stand in the subtree of a site."""
    columns = station_group.c
    query = sa.select(columns.station_id).where(
        columns.tenant_id == tenant_id, columns.label == SITE, columns.value == site_id
    )
    return connection.execute(query.limit(1)).first() is not None


def is_in_scope(connection: Connection, tenant_id: str, station_id: str, scope: Scope) -> bool:
    """Whether a scope covers a station."""
    query = sa.select(station_place.c.path).where(
        station_place.c.tenant_id == tenant_id, station_place.c.station_id == station_id
    )
    path = connection.execute(query).scalar()
    return path is not None and covers(scope, path)


def _held(connection: Connection, tenant_id: str, station_ids: Sequence[str]) -> dict[str, _Held]:
    columns = (station_place.c.station_id, station_place.c.site_id, station_place.c.labels)
    found = {}
    for start in range(0, len(station_ids), _CHUNK):
        some = station_place.c.station_id.in_(station_ids[start : start + _CHUNK])
        for row in connection.execute(sa.select(*columns).where(station_place.c.tenant_id == tenant_id, some)):
            found[row.station_id] = _Held(site_id=row.site_id, labels=labels_of(row.labels))
    return found


def labels_of(stored: str | None) -> dict[str, str]:
    """Labels of a station, as they are stored."""
    return msgspec.json.decode(stored, type=dict[str, str]) if stored else {}


_SAVE = RowStatement(
    """
    INSERT INTO station_place (tenant_id, station_id, site_id, path, time_zone, version, labels)
    SELECT tenant_id, station_id, site_id, path, time_zone, version, labels FROM {rows} WHERE true
    ON CONFLICT (tenant_id, station_id) DO UPDATE
    SET site_id = excluded.site_id, path = excluded.path, time_zone = excluded.time_zone, version = excluded.version,
        labels = excluded.labels
    """,
    **columns_of(station_place),
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
    **columns_of(station_group),
)


def _save(
    connection: Connection, tenant_id: str, held: Mapping[str, _Held], sites: Mapping[str, SitePlace], version: int
) -> None:
    """Writes the places of stations, with versions from `version` on."""
    rows, groups = [], []
    for index, (station_id, one) in enumerate(held.items()):
        found = sites[one.site_id] if one.site_id else NOWHERE
        key = {"tenant_id": tenant_id, "station_id": station_id}
        rows.append(
            {
                **key,
                "site_id": one.site_id,
                "path": found.path,
                "time_zone": found.time_zone,
                "version": version + index,
                "labels": msgspec.json.encode(one.labels).decode() if one.labels else "",
            }
        )
        groups += [{**key, "label": label, "value": value} for label, value in _groups(one, found)]
    _SAVE.run(connection, rows)
    _CLEAR_GROUPS.run(connection, rows)
    if groups:
        _ADD_GROUPS.run(connection, groups)


def _groups(held: _Held, found: SitePlace) -> Iterable[tuple[str, str]]:
    sites = {(SITE, site_id) for site_id in ids_of(found.path)}
    return sorted(sites | found.labels | set(held.labels.items()))


@dataclass(frozen=True, kw_only=True)
class _Move:
    """A station that stands in another site from now on."""

    tenant_id: str
    station_id: str
    version: int
    site_id: str
    former_site_id: str
    username: str
    now_us: int


_END = RowStatement(
    """
    UPDATE station_placement SET end_us = rows.now_us FROM {rows}
    WHERE station_placement.tenant_id = rows.tenant_id AND station_placement.station_id = rows.station_id
      AND station_placement.end_us IS NULL
    """,
    tenant_id="text",
    station_id="text",
    now_us="bigint",
)


def _record_moves(connection: Connection, moves: Collection[_Move]) -> None:
    if not moves:
        return
    keys = [{"tenant_id": one.tenant_id, "station_id": one.station_id, "now_us": one.now_us} for one in moves]
    _END.run(connection, keys)
    connection.execute(sa.insert(station_placement), [_placement(one) for one in moves])
    outbox.append(
        connection,
        [
            events.moved(
                tenant_id=one.tenant_id,
                station_id=one.station_id,
                site_id=one.site_id,
                former_site_id=one.former_site_id,
                version=one.version,
                now_us=one.now_us,
            )
            for one in moves
        ],
    )


def _placement(move: _Move) -> dict[str, Any]:
    return {
        "tenant_id": move.tenant_id,
        "station_id": move.station_id,
        "version": move.version,
        "site_id": move.site_id,
        "begin_us": move.now_us,
        "username": move.username,
    }
