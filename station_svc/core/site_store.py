"""The SQL of sites that stations and sites are placed in: paths, and what holds for all that stands below."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from mesh.contract.texts import is_storable
from mesh.identity.callers import Scope
from mesh.placements.store import sites_of
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from station_svc.core.models import site, site_label

NO_TIME_ZONE = "UTC"
_CHUNK = 1000


@dataclass(frozen=True, kw_only=True)
class SitePlacement:
    """A site, as it counts for those who stand in it: labels are those of all sites above, too."""

    site_id: str
    path: str
    time_zone: str
    labels: frozenset[tuple[str, str]]


NOWHERE = SitePlacement(site_id="", path="", time_zone=NO_TIME_ZONE, labels=frozenset())


def site_not_found(site_id: str) -> MeshError:
    """NOT_FOUND, reason SITE_NOT_FOUND: also for a site of another tenant, or one that the caller may not see."""
    return MeshError(grpc.StatusCode.NOT_FOUND, Reason.SITE_NOT_FOUND, f"there is no site {site_id!r}")


def storable_site(site_id: str) -> str:
    """A site id to look up. Raises MeshError SITE_NOT_FOUND for one that no site can have."""
    if not is_storable(site_id):
        raise site_not_found(site_id)
    return site_id


def scope_too_narrow(what: str) -> MeshError:
    """PERMISSION_DENIED, reason SCOPE_TOO_NARROW."""
    return MeshError(
        grpc.StatusCode.PERMISSION_DENIED,
        Reason.SCOPE_TOO_NARROW,
        f"{what}: that needs a permission for the whole tenant; yours covers parts of it",
    )


def covers(scope: Scope, path: str) -> bool:
    """Whether a scope covers what stands at a path."""
    return scope.is_whole or not scope.site_ids.isdisjoint(sites_of(path))


def below(path: ColumnElement[str] | str) -> ColumnElement[bool]:
    """Of the sites in the subtree of a path: that site and all parts of it. A range, which an index serves."""
    if isinstance(path, str):
        return (site.c.path >= path) & (site.c.path < path[:-1] + _AFTER_SLASH)
    return (site.c.path >= path) & (site.c.path < sa.func.substr(path, 1, sa.func.length(path) - 1) + _AFTER_SLASH)


_AFTER_SLASH = chr(ord("/") + 1)


def in_scope(tenant_id: str, scope: Scope) -> ColumnElement[bool] | None:
    """Of the sites that a scope covers; None where it covers all."""
    return None if scope.is_whole else in_subtrees(tenant_id, scope.site_ids)


def in_subtrees(tenant_id: str, site_ids: Collection[str]) -> ColumnElement[bool]:
    """Of the sites in the subtree of one of these."""
    top = site.alias("top")
    found = sa.exists().where(top.c.tenant_id == tenant_id, top.c.site_id.in_(sorted(site_ids)), below(top.c.path))
    return found.correlate(site)


def find_sites(connection: Connection, tenant_id: str, site_ids: Collection[str]) -> dict[str, SitePlacement]:
    """The sites that exist, of those given, with what they have from the sites above them."""
    wanted = sorted(site_ids)
    rows = _rows(connection, tenant_id, wanted)
    above = {one for row in rows.values() for one in sites_of(row.path)} - rows.keys()
    rows |= _rows(connection, tenant_id, sorted(above))
    labels = _labels(connection, tenant_id, sorted(rows))
    return {one: _to_placement(rows, labels, one) for one in wanted if one in rows}


def _rows(connection: Connection, tenant_id: str, site_ids: Sequence[str]) -> dict[str, Any]:
    columns = (site.c.site_id, site.c.path, site.c.time_zone)
    found = {}
    for start in range(0, len(site_ids), _CHUNK):
        some = site.c.site_id.in_(site_ids[start : start + _CHUNK])
        for row in connection.execute(sa.select(*columns).where(site.c.tenant_id == tenant_id, some)):
            found[row.site_id] = row
    return found


def _labels(connection: Connection, tenant_id: str, site_ids: Sequence[str]) -> dict[str, set[tuple[str, str]]]:
    found: dict[str, set[tuple[str, str]]] = {}
    for start in range(0, len(site_ids), _CHUNK):
        some = site_label.c.site_id.in_(site_ids[start : start + _CHUNK])
        for row in connection.execute(sa.select(site_label).where(site_label.c.tenant_id == tenant_id, some)):
            found.setdefault(row.site_id, set()).add((row.label, row.value))
    return found


def _to_placement(rows: Mapping[str, Any], labels: Mapping[str, set[tuple[str, str]]], site_id: str) -> SitePlacement:
    path = rows[site_id].path
    chain = sites_of(path)
    zones = [rows[one].time_zone for one in reversed(chain) if rows[one].time_zone]
    return SitePlacement(
        site_id=site_id,
        path=path,
        time_zone=zones[0] if zones else NO_TIME_ZONE,
        labels=frozenset().union(*(labels.get(one, set()) for one in chain)),
    )
