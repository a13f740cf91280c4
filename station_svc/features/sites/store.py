"""The SQL of the tree of sites. Each function is the work of one transaction.

Each that changes the tree holds `placement_version` from its first statement on (core/placement_store.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import grpc
import sqlalchemy as sa
from sqlalchemy import Connection

from mesh.audit import entries as audit
from mesh.database.filters import Field
from mesh.database.pages import Page
from mesh.events import outbox
from mesh.identity.callers import Scope
from mesh.placements.conditions import both, is_label
from mesh.placements.store import sites_of
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from station_svc.core import placement_store
from station_svc.core.list_store import paged
from station_svc.core.models import placement_history, site, site_label
from station_svc.core.rows import to_row
from station_svc.core.site_store import (
    below,
    covers,
    find_sites,
    in_scope,
    in_subtrees,
    scope_too_narrow,
    site_not_found,
)
from station_svc.core.station_store import expect_station
from station_svc.features.sites import events
from station_svc.features.sites.rows import NewSite, PlacementRow, SiteRow

MOST_DEPTH = 32
_AT_THE_TOP = "parent_site_id: a site at the top is a part of none"


def create(connection: Connection, new: NewSite, *, tenant_id: str, scope: Scope, now_us: int) -> SiteRow:
    """Adds a site. Raises MeshError SITE_EXISTS, SITE_NOT_FOUND, SITE_TOO_DEEP, SCOPE_TOO_NARROW."""
    version = placement_store.take_versions(connection)
    above = _path_of_parent(connection, tenant_id, new.parent_site_id, scope)
    _check_depth(len(sites_of(above)) + 1)
    if _find(connection, tenant_id, new.site_id) is not None:
        raise MeshError(grpc.StatusCode.ALREADY_EXISTS, Reason.SITE_EXISTS, f"there is a site {new.site_id!r} already")
    row = SiteRow(
        **{name: getattr(new, name) for name in NewSite.__dataclass_fields__},
        path=f"{above or '/'}{new.site_id}/",
        create_us=now_us,
        update_us=now_us,
    )
    values = {column.name: getattr(row, column.name) for column in site.columns if column.name != "tenant_id"}
    connection.execute(sa.insert(site).values(tenant_id=tenant_id, **values))
    _set_labels(connection, tenant_id, new.site_id, new.labels)
    _publish(connection, "created", row, tenant_id=tenant_id, version=version, now_us=now_us)
    _audit(connection, tenant_id, None, row, now_us)
    return get(connection, tenant_id=tenant_id, site_id=new.site_id, scope=scope)


def get(connection: Connection, *, tenant_id: str, site_id: str, scope: Scope) -> SiteRow:
    """One site. Raises MeshError SITE_NOT_FOUND."""
    row = _find(connection, tenant_id, site_id)
    if row is None or not covers(scope, row.path):
        raise site_not_found(site_id)
    return _complete(connection, tenant_id, [row])[0]


def list_sites(connection: Connection, *, tenant_id: str, scope: Scope, page: Page) -> Sequence[SiteRow]:
    """Sites, each before its parts; `page.after` is the path of the last one."""
    page = replace(page, condition=both(page.condition, in_scope(tenant_id, scope)))
    query = paged(sa.select(site).where(site.c.tenant_id == tenant_id), page, site.c.path)
    return _complete(connection, tenant_id, [to_row(SiteRow, row, **_UNREAD) for row in connection.execute(query)])


def update(
    connection: Connection,
    site_id: str,
    *,
    values: Mapping[str, Any],
    labels: Mapping[str, str] | None,
    tenant_id: str,
    scope: Scope,
    now_us: int,
) -> SiteRow:
    """Changes columns of a site, and its labels where they are given. Raises MeshError SITE_NOT_FOUND."""
    version = placement_store.take_versions(connection)
    row = get(connection, tenant_id=tenant_id, site_id=site_id, scope=scope)
    connection.execute(sa.update(site).where(_is(tenant_id, site_id)).values(**values, update_us=now_us))
    if labels is not None:
        _set_labels(connection, tenant_id, site_id, labels)
    after = get(connection, tenant_id=tenant_id, site_id=site_id, scope=scope)
    if (after.labels, after.time_zone) != (row.labels, row.time_zone):
        placement_store.refresh(connection, tenant_id, site_id)
    _publish(connection, "updated", after, tenant_id=tenant_id, version=version, now_us=now_us)
    _audit(connection, tenant_id, row, after, now_us)
    return after


def move(
    connection: Connection, site_id: str, parent_site_id: str, *, tenant_id: str, scope: Scope, now_us: int
) -> SiteRow:
    """Makes a site, with its subtree, a part of another one. Raises MeshError as `create`, and SITE_CYCLE."""
    version = placement_store.take_versions(connection)
    row = get(connection, tenant_id=tenant_id, site_id=site_id, scope=scope)
    above = _path_of_parent(connection, tenant_id, parent_site_id, scope)
    if site_id in sites_of(above):
        raise MeshError(
            grpc.StatusCode.FAILED_PRECONDITION,
            Reason.SITE_CYCLE,
            f"parent_site_id: {parent_site_id!r} is {site_id!r} or a part of it",
        )
    path = f"{above or '/'}{site_id}/"
    subtree = (site.c.tenant_id == tenant_id) & below(row.path)
    deepest = max(len(sites_of(one)) for one in connection.execute(sa.select(site.c.path).where(subtree)).scalars())
    _check_depth(deepest + len(sites_of(path)) - len(sites_of(row.path)))
    moved = sa.literal(path) + sa.func.substr(site.c.path, len(row.path) + 1)
    connection.execute(sa.update(site).where(subtree).values(path=moved))
    connection.execute(
        sa.update(site).where(_is(tenant_id, site_id)).values(parent_site_id=parent_site_id, update_us=now_us)
    )
    placement_store.refresh(connection, tenant_id, site_id)
    after = get(connection, tenant_id=tenant_id, site_id=site_id, scope=scope)
    former = row.parent_site_id
    _audit(connection, tenant_id, row, after, now_us)
    _publish(connection, "moved", after, tenant_id=tenant_id, version=version, now_us=now_us, former_parent=former)
    return after


def delete(connection: Connection, site_id: str, *, tenant_id: str, scope: Scope, now_us: int) -> None:
    """Removes a site. Raises MeshError SITE_NOT_FOUND, SITE_NOT_EMPTY."""
    version = placement_store.take_versions(connection)
    row = get(connection, tenant_id=tenant_id, site_id=site_id, scope=scope)
    parts = sa.select(site.c.site_id).where(site.c.tenant_id == tenant_id, site.c.parent_site_id == site_id)
    part = connection.execute(parts.order_by(site.c.site_id).limit(1)).scalar()
    if part is not None or placement_store.is_occupied(connection, tenant_id, site_id):
        raise MeshError(
            grpc.StatusCode.FAILED_PRECONDITION,
            Reason.SITE_NOT_EMPTY,
            f"{site_id!r} has parts, such as {part!r}: move or remove them first"
            if part is not None
            else f"stations stand in {site_id!r}: move them to another site first",
        )
    connection.execute(sa.delete(site).where(_is(tenant_id, site_id)))
    _set_labels(connection, tenant_id, site_id, {})
    _publish(connection, "deleted", row, tenant_id=tenant_id, version=version, now_us=now_us)
    _audit(connection, tenant_id, row, None, now_us)


def list_placements(
    connection: Connection, *, tenant_id: str, station_id: str, scope: Scope, page: Page
) -> Sequence[PlacementRow]:
    """Sites that a station has stood in, newest first; `page.after` is a version. Raises STATION_NOT_FOUND."""
    expect_station(connection, tenant_id, station_id)
    columns = placement_history.c
    query = sa.select(placement_history).where(columns.tenant_id == tenant_id, columns.station_id == station_id)
    if (covered := in_scope(tenant_id, scope)) is not None:
        query = query.where(
            columns.site_id.in_(sa.select(site.c.site_id).where(site.c.tenant_id == tenant_id, covered))
        )
    rows = connection.execute(paged(query, page, columns.version, newest_first=True))
    return [to_row(PlacementRow, row) for row in rows]


def filters(tenant_id: str) -> Mapping[str, Field]:
    """The fields that sites may be filtered by."""
    return {
        "site_id": Field(site.c.site_id),
        "parent_site_id": Field(site.c.parent_site_id),
        "kind": Field(site.c.kind),
        "display_name": Field(site.c.display_name),
        "time_zone": Field(site.c.time_zone),
        "site": Field(site.c.site_id, has=lambda site_id: in_subtrees(tenant_id, [site_id])),
        "labels": Field(site.c.site_id, member=lambda key: _label_field(tenant_id, key)),
    }


def _label_field(tenant_id: str, key: str) -> Field:
    if not is_label(key):
        raise ValueError("a label is written labels.key:value")

    def has(value: str) -> sa.ColumnElement[bool]:
        top = site.alias("labelled")
        columns = site_label.c
        query = (
            sa.exists()
            .where(columns.tenant_id == tenant_id, columns.label == key, columns.value == value)
            .where(top.c.tenant_id == tenant_id, top.c.site_id == columns.site_id, below(top.c.path))
        )
        return query.correlate(site)

    return Field(site.c.site_id, has=has)


_UNREAD: Mapping[str, Any] = {"effective_time_zone": "", "labels": {}}


def _find(connection: Connection, tenant_id: str, site_id: str) -> SiteRow | None:
    row = connection.execute(sa.select(site).where(_is(tenant_id, site_id))).first()
    return None if row is None else to_row(SiteRow, row, **_UNREAD)


def _complete(connection: Connection, tenant_id: str, rows: Sequence[SiteRow]) -> Sequence[SiteRow]:
    """The rows, with their labels, and with what they have from the sites above them."""
    ids = [row.site_id for row in rows]
    found = find_sites(connection, tenant_id, ids)
    labels: dict[str, dict[str, str]] = {}
    query = sa.select(site_label).where(site_label.c.tenant_id == tenant_id, site_label.c.site_id.in_(ids))
    for one in connection.execute(query.order_by(site_label.c.site_id, site_label.c.label)):
        labels.setdefault(one.site_id, {})[one.label] = one.value
    return [
        replace(row, labels=labels.get(row.site_id, {}), effective_time_zone=found[row.site_id].time_zone)
        for row in rows
    ]


def _set_labels(connection: Connection, tenant_id: str, site_id: str, labels: Mapping[str, str]) -> None:
    mine = (site_label.c.tenant_id == tenant_id) & (site_label.c.site_id == site_id)
    connection.execute(sa.delete(site_label).where(mine))
    if labels:
        rows = [{"tenant_id": tenant_id, "site_id": site_id, "label": key, "value": labels[key]} for key in labels]
        connection.execute(sa.insert(site_label), rows)


def _path_of_parent(connection: Connection, tenant_id: str, parent_site_id: str, scope: Scope) -> str:
    if not parent_site_id:
        if not scope.is_whole:
            raise scope_too_narrow(_AT_THE_TOP)
        return ""
    return get(connection, tenant_id=tenant_id, site_id=parent_site_id, scope=scope).path


def _check_depth(depth: int) -> None:
    if depth > MOST_DEPTH:
        raise MeshError(
            grpc.StatusCode.FAILED_PRECONDITION,
            Reason.SITE_TOO_DEEP,
            f"parent_site_id: the tree would have {depth} levels; {MOST_DEPTH} are the most",
        )


def _is(tenant_id: str, site_id: str) -> sa.ColumnElement[bool]:
    return (site.c.tenant_id == tenant_id) & (site.c.site_id == site_id)


_NOT_AUDITED = frozenset({"path", "effective_time_zone", "create_us", "update_us"})


def audited_fields(row: SiteRow) -> dict[str, Any]:
    """The audited fields of a site, by the names of their columns."""
    return {name: value for name, value in asdict(row).items() if name not in _NOT_AUDITED and name != "site_id"}


def _audit(connection: Connection, tenant_id: str, before: SiteRow | None, after: SiteRow | None, now_us: int) -> None:
    row = after or before
    assert row is not None  # noqa: S101 - tells the type checker that one of them is there
    audit.changed(
        connection,
        tenant_id=tenant_id,
        resource_type="site",
        resource=row.site_id,
        before=None if before is None else audited_fields(before),
        after=None if after is None else audited_fields(after),
        time_us=now_us,
    )


def _publish(
    connection: Connection,
    kind: str,
    row: SiteRow,
    *,
    tenant_id: str,
    version: int,
    now_us: int,
    former_parent: str | None = None,
) -> None:
    event = events.changed(
        kind,
        tenant_id=tenant_id,
        site_id=row.site_id,
        parent_site_id=row.parent_site_id,
        former_parent=former_parent,
        version=version,
        now_us=now_us,
    )
    outbox.append(connection, [event])
