"""The SQL of reports in parts. Each function is part of, or the whole of, one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from mesh.database.pages import Page
from mesh.database.rowset import RowStatement, columns_of
from station_svc.core.list_store import paged
from station_svc.core.station_store import expect_station
from station_svc.partial_reports.models import partial_report
from station_svc.partial_reports.rows import PartialReportRow

MOST_REPORTS = 50
"""Most reports of one kind that are kept of a station; beyond them the oldest are removed."""

Key = tuple[str, str, int]
"""Tenant, station, report."""

_COLUMNS = [partial_report.c[one.name] for one in fields(PartialReportRow)]
_NAMES = ", ".join(column.name for column in _COLUMNS)
_CHANGING = [column.name for column in _COLUMNS if not column.primary_key]
_SAVE = RowStatement(
    f"""
    INSERT INTO partial_report ({_NAMES}) SELECT {_NAMES} FROM {{rows}} WHERE true
    ON CONFLICT (tenant_id, station_id, kind, report_id) DO UPDATE SET
      {", ".join(f"{name} = excluded.{name}" for name in _CHANGING)}
    """,  # noqa: S608 - the project's own column names
    **columns_of(partial_report, *(column.name for column in _COLUMNS)),
)


def find(connection: Connection, kind: str, keys: Iterable[Key]) -> Mapping[Key, PartialReportRow]:
    """Reports of a kind, locked, by their keys."""
    return _by_key(connection, _named(kind, keys).with_for_update())


def read(connection: Connection, kind: str, keys: Iterable[Key]) -> Mapping[Key, PartialReportRow]:
    """The same, not locked."""
    return _by_key(connection, _named(kind, keys))


def _named(kind: str, keys: Iterable[Key]) -> sa.Select[Any]:
    columns = partial_report.c
    named = sa.tuple_(columns.tenant_id, columns.station_id, columns.report_id).in_(list(keys))
    return sa.select(*_COLUMNS).where(columns.kind == kind, named)


def _by_key(connection: Connection, query: sa.Select[Any]) -> Mapping[Key, PartialReportRow]:
    rows = [PartialReportRow(**row) for row in connection.execute(query).mappings()]
    return {(row.tenant_id, row.station_id, row.report_id): row for row in rows}


def save(connection: Connection, rows: Iterable[PartialReportRow]) -> None:
    """Adds reports, or writes those that are there."""
    made = [asdict(row) for row in rows]
    if made:
        _SAVE.run(connection, made)


def trim(connection: Connection, *, tenant_id: str, station_id: str, kind: str) -> None:
    """Removes the oldest reports of a kind of a station where there are too many."""
    columns = partial_report.c
    of_station = sa.and_(columns.tenant_id == tenant_id, columns.station_id == station_id, columns.kind == kind)
    newest = sa.select(columns.report_id).where(of_station).order_by(columns.create_us.desc(), columns.report_id.desc())
    kept = newest.limit(MOST_REPORTS).subquery()
    connection.execute(
        sa.delete(partial_report).where(of_station, columns.report_id.not_in(sa.select(kept.c.report_id)))
    )


def list_reports(
    connection: Connection, *, tenant_id: str, station_id: str, kind: str, page: Page
) -> Sequence[PartialReportRow]:
    """Reports of a station, the latest number first; `page.after` is the number. Raises MeshError STATION_NOT_FOUND."""
    expect_station(connection, tenant_id, station_id)
    columns = partial_report.c
    query = sa.select(*_COLUMNS).where(
        columns.tenant_id == tenant_id, columns.station_id == station_id, columns.kind == kind
    )
    page_query = paged(query, page, columns.report_id, newest_first=True)
    return [PartialReportRow(**row) for row in connection.execute(page_query).mappings()]


def latest(connection: Connection, *, tenant_id: str, station_id: str, kind: str) -> PartialReportRow | None:
    """The report of a station that was begun last; None where there is none."""
    columns = partial_report.c
    query = (
        sa.select(*_COLUMNS)
        .where(columns.tenant_id == tenant_id, columns.station_id == station_id, columns.kind == kind)
        .order_by(columns.create_us.desc(), columns.report_id.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else PartialReportRow(**row)
