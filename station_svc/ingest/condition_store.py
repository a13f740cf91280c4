"""The SQL of what is wrong with stations, as gateways report it. Runs inside the transaction of the sightings."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from mesh.database.rowset import RowStatement, columns_of
from mesh.events import outbox
from station_svc.core.models import condition, station
from station_svc.core.rows import BOOT_REFUSED
from station_svc.ingest import events
from station_svc.ingest.rows import ConditionReport, Sighting

# Kinds whose reports are increases, since a connection does not have the count of the ones before it.
_ADDED_UP = frozenset({BOOT_REFUSED})

Key = tuple[str, str, int]
"""Tenant, station, kind."""

# Locked in the order of the keys, as all that changes stations does.
_LOCK = RowStatement(
    """
    SELECT station.tenant_id, station.station_id
    FROM {rows} JOIN station ON station.tenant_id = rows.tenant_id AND station.station_id = rows.station_id
    ORDER BY station.tenant_id, station.station_id FOR UPDATE OF station
    """,
    **columns_of(station, "tenant_id", "station_id"),
)
_FIND = RowStatement(
    """
    SELECT condition.tenant_id, condition.station_id, condition.kind, condition.size, condition.begin_us,
           condition.update_us, condition.reason
    FROM {rows} JOIN condition ON condition.tenant_id = rows.tenant_id AND condition.station_id = rows.station_id
    """,
    **columns_of(condition, "tenant_id", "station_id"),
)
_SET = RowStatement(
    """
    INSERT INTO condition (tenant_id, station_id, kind, size, begin_us, update_us, reason)
    SELECT tenant_id, station_id, kind, size, begin_us, update_us, reason FROM {rows} WHERE true
    ORDER BY tenant_id, station_id, kind
    ON CONFLICT (tenant_id, station_id, kind) DO UPDATE
    SET size = excluded.size, begin_us = excluded.begin_us, update_us = excluded.update_us, reason = excluded.reason
    """,
    **columns_of(condition),
)


def record_conditions(connection: Connection, sightings: Sequence[Sighting]) -> None:
    """Records changes of stations' conditions; publishes each beginning and end. Later reports take precedence."""
    telling = [one for one in sightings if one.conditions]
    if not telling:
        return
    keys = [{"tenant_id": key[0], "station_id": key[1]} for key in {(one.tenant_id, one.station_id) for one in telling}]
    present = {(row.tenant_id, row.station_id) for row in _LOCK.run(connection, keys)}
    known: dict[Key, Any] = {
        (row.tenant_id, row.station_id, row.kind): dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
        for row in _FIND.run(connection, keys)
    }
    published, changed = [], set()
    for key, report in _reports(one for one in telling if (one.tenant_id, one.station_id) in present):
        before = known.get(key)
        if before is None and not report.size:
            continue  # it never was
        if before is not None and _is_old(report, before):
            continue
        row = known[key] = _row(key, report, before)
        changed.add(key)
        if bool(report.size) != bool(before and before["size"]):
            published.append(
                events.condition_changed(report, tenant_id=key[0], station_id=key[1], begin_us=row["begin_us"])
            )
    _SET.run(connection, [known[key] for key in sorted(changed)])
    outbox.append(connection, published)


def _reports(sightings: Iterable[Sighting]) -> Iterator[tuple[Key, ConditionReport]]:
    for one in sightings:
        for report in one.conditions:
            yield (one.tenant_id, one.station_id, report.kind), report


def _is_old(report: ConditionReport, before: Mapping[str, Any]) -> bool:
    """Whether this was reported before, or something later was. What is added up must not be added twice."""
    us = before["update_us"]
    return bool(us > report.report_us or (us == report.report_us and report.kind in _ADDED_UP))


def _row(key: Key, report: ConditionReport, before: Mapping[str, Any] | None) -> dict[str, Any]:
    goes_on = before is not None and (before["size"] or not report.size)
    size = report.size
    if size and before is not None and report.kind in _ADDED_UP:
        size += before["size"]
    return {
        "tenant_id": key[0],
        "station_id": key[1],
        "kind": key[2],
        "size": size,
        "reason": report.reason,
        "begin_us": before["begin_us"] if before is not None and goes_on else report.report_us,
        "update_us": report.report_us,
    }
