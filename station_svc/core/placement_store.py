"""The SQL of where stations stand. Each function is part of a transaction.

Changes of placements and of the tree happen one after the other: each holds `placement_version` first
(`take_versions`). So a site that was found stays where it is until the transaction ends, and the versions of placements
are committed in order.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from mesh.audit import entries as audit
from mesh.database.rowset import RowStatement, columns_of
from mesh.events import outbox
from mesh.identity.callers import Scope
from mesh.placements.conditions import SITE, StationConditions
from mesh.placements.store import Placement, save_groups
from station_svc.core import events
from station_svc.core.models import (
    PLACEMENTS,
    placement_history,
    placement_version,
    station,
    station_group,
    station_placement,
)
from station_svc.core.site_store import NOWHERE, SitePlacement, covers, find_sites, scope_too_narrow, site_not_found

_CHUNK = 1000
# A connection over which placements were changed carries this note until the publisher has read it.
_CHANGED = "csms_placements_changed"


@dataclass(frozen=True, kw_only=True)
class PlacementChange:
    """The placement that a station is given: a site (empty: none) and labels of its own. None: as it is."""

    station_id: str
    site_id: str | None = None
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class _Held:
    """The site and the own labels of a station."""

    site_id: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


def conditions(tenant_id: str, station_id: ColumnElement[str] = station.c.station_id) -> StationConditions:
    """Conditions on the stations of a query by where they stand; `station_id` is their column."""
    return StationConditions(PLACEMENTS, tenant_id=tenant_id, station_id=station_id)


def take_versions(connection: Connection, count: int = 1) -> int:
    """The first of `count` versions for changes of placements. Other changes wait until the transaction ends."""
    query = (
        sa.update(placement_version)
        .values(version=placement_version.c.version + count)
        .returning(placement_version.c.version)
    )
    latest: int = connection.execute(query).scalar_one()
    connection.info[_CHANGED] = True
    return latest - count + 1


def check_site(site_id: str, found: Mapping[str, SitePlacement], scope: Scope) -> None:
    """Raises MeshError for a site that stations cannot be placed in: SITE_NOT_FOUND, SCOPE_TOO_NARROW."""
    if not site_id and not scope.is_whole:
        raise scope_too_narrow("site_id: a station in no site is out of your sight")
    if site_id and (site_id not in found or not covers(scope, found[site_id].path)):
        raise site_not_found(site_id)


def place_stations(
    connection: Connection,
    changes: Sequence[PlacementChange],
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
    after = {change.station_id: _changed(before.get(change.station_id, _Held()), change) for change in changes}
    sites |= find_sites(connection, tenant_id, {held.site_id for held in after.values()} - sites.keys() - {""})
    _save(connection, tenant_id, after, sites, version)
    moves = [
        _Move(
            tenant_id=tenant_id,
            station_id=station_id,
            version=version + index,
            site_id=held.site_id,
            former_site_id=before.get(station_id, _Held()).site_id,
            username=username,
            now_us=now_us,
        )
        for index, (station_id, held) in enumerate(after.items())
    ]
    _record_moves(connection, [one for one in moves if one.site_id != one.former_site_id])
    for station_id, held in after.items():
        _audit(connection, (tenant_id, station_id), before.get(station_id, _Held()), held, now_us)


def _audit(connection: Connection, station_key: tuple[str, str], before: _Held, after: _Held, now_us: int) -> None:
    """Records where a station stands; one without site and labels has no placement."""
    if before == after:
        audit.unchanged()
        return
    tenant_id, station_id = station_key
    audit.changed(
        connection,
        tenant_id=tenant_id,
        resource_type="station_placement",
        resource=station_id,
        station_id=station_id,
        before=None if before == _Held() else _audited_fields(before),
        after=None if after == _Held() else _audited_fields(after),
        time_us=now_us,
    )


def _audited_fields(held: _Held) -> dict[str, Any]:
    return {"site_id": held.site_id, "labels": dict(held.labels)}


def _changed(held: _Held, change: PlacementChange) -> _Held:
    return _Held(
        site_id=held.site_id if change.site_id is None else change.site_id,
        labels=held.labels if change.labels is None else change.labels,
    )


def refresh(connection: Connection, tenant_id: str, site_id: str) -> None:
    """Brings the placements of all stations in a subtree in line with the tree, after a change of it."""
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
    """The placement of a station that is removed. Its row stays, empty, so that copies of it are emptied too."""
    if any(one != _Held() for one in _held(connection, tenant_id, [station_id]).values()):
        version = take_versions(connection)
        _save(connection, tenant_id, {station_id: _Held()}, {}, version)


def is_occupied(connection: Connection, tenant_id: str, site_id: str) -> bool:
    """Whether stations stand in the subtree of a site."""
    columns = station_group.c
    query = sa.select(columns.station_id).where(
        columns.tenant_id == tenant_id, columns.label == SITE, columns.value == site_id
    )
    return connection.execute(query.limit(1)).first() is not None


def changed_after(connection: Connection, version: int, limit: int) -> Sequence[Placement]:
    """Up to `limit` placements that changed after a version, by their versions."""
    columns = station_placement.c
    query = sa.select(station_placement).where(columns.version > version).order_by(columns.version).limit(limit)
    rows = connection.execute(query).all()
    labels: dict[tuple[str, str], list[tuple[str, str]]] = {}
    keys = [{"tenant_id": row.tenant_id, "station_id": row.station_id} for row in rows]
    for found in _LABELS.run(connection, keys):
        labels.setdefault((found.tenant_id, found.station_id), []).append((found.label, found.value))
    return [
        Placement(
            tenant_id=row.tenant_id,
            station_id=row.station_id,
            site_id=row.site_id,
            path=row.path,
            time_zone=row.time_zone,
            version=row.version,
            labels=labels.get((row.tenant_id, row.station_id), []),
        )
        for row in rows
    ]


_LABELS = RowStatement(
    """
    SELECT station_group.tenant_id, station_group.station_id, station_group.label, station_group.value
    FROM {rows} JOIN station_group
      ON station_group.tenant_id = rows.tenant_id AND station_group.station_id = rows.station_id
    WHERE station_group.label <> '' ORDER BY station_group.label, station_group.value
    """,
    tenant_id="text",
    station_id="text",
)


def take_changed(connection_info: dict[Any, Any]) -> bool:
    """Whether placements were changed over this connection since the last call: a key of its info says so."""
    return bool(connection_info.pop(_CHANGED, False))


def _held(connection: Connection, tenant_id: str, station_ids: Sequence[str]) -> dict[str, _Held]:
    columns = (station_placement.c.station_id, station_placement.c.site_id, station_placement.c.labels)
    found = {}
    for start in range(0, len(station_ids), _CHUNK):
        some = station_placement.c.station_id.in_(station_ids[start : start + _CHUNK])
        for row in connection.execute(sa.select(*columns).where(station_placement.c.tenant_id == tenant_id, some)):
            found[row.station_id] = _Held(site_id=row.site_id, labels=labels_of(row.labels))
    return found


def labels_of(stored: str | None) -> dict[str, str]:
    """Labels of a station, as they are stored."""
    return msgspec.json.decode(stored, type=dict[str, str]) if stored else {}


_SAVED = columns_of(station_placement)
_SAVE = RowStatement(
    """
    INSERT INTO station_placement (tenant_id, station_id, site_id, path, time_zone, version, labels)
    SELECT tenant_id, station_id, site_id, path, time_zone, version, labels FROM {rows} WHERE true
    ON CONFLICT (tenant_id, station_id) DO UPDATE
    SET site_id = excluded.site_id, path = excluded.path, time_zone = excluded.time_zone, version = excluded.version,
        labels = excluded.labels
    """,
    **_SAVED,
)


def _save(
    connection: Connection, tenant_id: str, held: Mapping[str, _Held], sites: Mapping[str, SitePlacement], version: int
) -> None:
    """Writes the placements of stations, with versions from `version` on."""
    placements, rows = [], []
    for index, (station_id, one) in enumerate(held.items()):
        found = sites[one.site_id] if one.site_id else NOWHERE
        placement = Placement(
            tenant_id=tenant_id,
            station_id=station_id,
            site_id=one.site_id,
            path=found.path,
            time_zone=found.time_zone,
            version=version + index,
            labels=sorted(found.labels | set(one.labels.items())),
        )
        placements.append(placement)
        own = msgspec.json.encode(one.labels).decode() if one.labels else ""
        rows.append({**{name: getattr(placement, name) for name in _SAVED if name != "labels"}, "labels": own})
    _SAVE.run(connection, rows)
    save_groups(connection, placements)


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
    UPDATE placement_history SET end_us = rows.now_us FROM {rows}
    WHERE placement_history.tenant_id = rows.tenant_id AND placement_history.station_id = rows.station_id
      AND placement_history.end_us IS NULL
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
    connection.execute(sa.insert(placement_history), [_placement(one) for one in moves])
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
