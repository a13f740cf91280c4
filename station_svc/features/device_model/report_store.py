"""The SQL of reports of variables and of their parts. Each function is part of, or the whole of, one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields

import grpc
import sqlalchemy as sa
from sqlalchemy import Connection

from mesh.database.filters import Field, choice
from mesh.database.pages import Page
from mesh.database.rowset import RowStatement, columns_of
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from station_svc.core.list_store import paged
from station_svc.core.station_store import expect_station
from station_svc.features.device_model.models import variable_report, variable_report_part
from station_svc.features.device_model.rows import PartRow, ReportRow, Tally

Key = tuple[str, str, int]
"""Tenant, station, report."""

# Most reports of a station that are kept: older ones are removed.
MOST_REPORTS = 100

_COLUMNS = [variable_report.c[one.name] for one in fields(ReportRow)]
_KEY = (variable_report.c.tenant_id, variable_report.c.station_id, variable_report.c.variable_report_id)
_PART_KEY = (
    variable_report_part.c.tenant_id,
    variable_report_part.c.station_id,
    variable_report_part.c.variable_report_id,
)

_ADD = RowStatement(
    """
    INSERT INTO variable_report (tenant_id, station_id, variable_report_id, report_base, state, due_us, create_us,
                                 update_us)
    SELECT tenant_id, station_id, variable_report_id, report_base, state, due_us, create_us, update_us
    FROM {rows} WHERE true ORDER BY tenant_id, station_id, variable_report_id
    ON CONFLICT (tenant_id, station_id, variable_report_id) DO NOTHING
    RETURNING tenant_id, station_id, variable_report_id
    """,
    **columns_of(
        variable_report,
        "tenant_id",
        "station_id",
        "variable_report_id",
        "report_base",
        "state",
        "due_us",
        "create_us",
        "update_us",
    ),
)
_SAVED = columns_of(variable_report)
_SAVE = RowStatement(
    f"""
    UPDATE variable_report
    SET {", ".join(f"{name} = rows.{name}" for name in _SAVED if name not in ("tenant_id", "station_id", "variable_report_id"))}
    FROM {{rows}}
    WHERE variable_report.tenant_id = rows.tenant_id AND variable_report.station_id = rows.station_id
      AND variable_report.variable_report_id = rows.variable_report_id
    """,  # noqa: E501, S608 - the project's own column names
    **_SAVED,
)
_ADD_PARTS = RowStatement(
    """
    INSERT INTO variable_report_part (tenant_id, station_id, variable_report_id, seq_no, epoch, ordinal, is_last,
                                      attribute_count, skipped_count, receive_us)
    SELECT tenant_id, station_id, variable_report_id, seq_no, epoch, ordinal, is_last, attribute_count, skipped_count,
           receive_us
    FROM {rows} WHERE true
    ON CONFLICT (tenant_id, station_id, variable_report_id, seq_no, epoch, ordinal) DO NOTHING
    """,
    **columns_of(variable_report_part),
)


def add(connection: Connection, rows: Iterable[ReportRow]) -> set[Key]:
    """Adds reports, and removes the oldest of a station that has too many; returns the keys that were not there yet."""
    found = _ADD.run(connection, map(asdict, rows))
    added = {(row.tenant_id, row.station_id, row.variable_report_id) for row in found}
    for station in sorted({key[:2] for key in added}):
        _trim(connection, *station)
    return added


def _trim(connection: Connection, tenant_id: str, station_id: str) -> None:
    columns = variable_report.c
    ours = sa.select(*_KEY).where(columns.tenant_id == tenant_id, columns.station_id == station_id)
    oldest = ours.order_by(columns.create_us.desc(), columns.variable_report_id.desc()).offset(MOST_REPORTS)
    keys = [tuple(row) for row in connection.execute(oldest)]
    if keys:
        connection.execute(sa.delete(variable_report_part).where(sa.tuple_(*_PART_KEY).in_(keys)))
        connection.execute(sa.delete(variable_report).where(sa.tuple_(*_KEY).in_(keys)))


def save(connection: Connection, rows: Iterable[ReportRow]) -> None:
    """Writes reports that were read in the same transaction."""
    changed = [asdict(row) for row in rows]
    if changed:
        _SAVE.run(connection, changed)


def remove(connection: Connection, row: ReportRow) -> None:
    """Removes a report that was never requested."""
    connection.execute(sa.delete(variable_report).where(sa.tuple_(*_KEY).in_([row.key])))


def find(connection: Connection, keys: Iterable[Key]) -> dict[Key, ReportRow]:
    """Reports, locked, by their keys."""
    query = sa.select(*_COLUMNS).where(sa.tuple_(*_KEY).in_(sorted(keys))).order_by(*_KEY).with_for_update()
    rows = [ReportRow(**row) for row in connection.execute(query).mappings()]
    return {row.key: row for row in rows}


def due(connection: Connection, *, now_us: int, limit: int) -> Sequence[ReportRow]:
    """Reports whose parts have not arrived in time, locked."""
    query = sa.select(*_COLUMNS).where(variable_report.c.due_us <= now_us).order_by(*_KEY).limit(limit)
    return [ReportRow(**row) for row in connection.execute(query.with_for_update()).mappings()]


def add_parts(connection: Connection, parts: Iterable[PartRow]) -> None:
    """Adds parts; one that is there already stays as it is."""
    _ADD_PARTS.run(
        connection,
        (
            {
                **part.frame.columns,
                "variable_report_id": part.variable_report_id,
                "seq_no": part.seq_no,
                "is_last": part.is_last,
                "attribute_count": part.attribute_count,
                "skipped_count": part.skipped_count,
            }
            for part in parts
        ),
    )


def tallies(connection: Connection, keys: Iterable[Key]) -> Mapping[Key, Tally]:
    """Tallies of the parts that have arrived, by the keys of their reports."""
    columns = variable_report_part.c
    query = (
        sa.select(
            *_PART_KEY,
            sa.func.count(columns.seq_no.distinct()).label("received"),
            sa.func.count().label("rows"),
            sa.func.max(sa.case((columns.is_last, columns.seq_no))).label("last_part"),
            sa.func.sum(columns.attribute_count).label("attribute_count"),
            sa.func.sum(columns.skipped_count).label("skipped_count"),
        )
        .where(sa.tuple_(*_PART_KEY).in_(sorted(keys)))
        .group_by(*_PART_KEY)
    )
    return {
        (row.tenant_id, row.station_id, row.variable_report_id): Tally(
            received=row.received,
            rows=row.rows,
            last_part=row.last_part,
            attribute_count=int(row.attribute_count),
            skipped_count=int(row.skipped_count),
        )
        for row in connection.execute(query)
    }


def part_counts(connection: Connection, key: Key) -> Sequence[tuple[int, int]]:
    """The numbers of a report's parts, in their order, each with how often it arrived."""
    columns = variable_report_part.c
    query = (
        sa.select(columns.seq_no, sa.func.count())
        .where(sa.tuple_(*_PART_KEY).in_([key]))
        .group_by(columns.seq_no)
        .order_by(columns.seq_no)
    )
    return [(row[0], row[1]) for row in connection.execute(query)]


def get(
    connection: Connection, *, tenant_id: str, station_id: str, variable_report_id: int
) -> tuple[ReportRow, Sequence[tuple[int, int]]]:
    """A report with its parts. Raises MeshError STATION_NOT_FOUND, VARIABLE_REPORT_NOT_FOUND."""
    expect_station(connection, tenant_id, station_id)
    key = tenant_id, station_id, variable_report_id
    row = connection.execute(sa.select(*_COLUMNS).where(sa.tuple_(*_KEY).in_([key]))).mappings().first()
    if row is None:
        raise MeshError(
            grpc.StatusCode.NOT_FOUND,
            Reason.VARIABLE_REPORT_NOT_FOUND,
            f"station {station_id!r} has no report {variable_report_id}",
        )
    return ReportRow(**row), part_counts(connection, key)


def filters(states: Mapping[str, int], bases: Mapping[str, int]) -> Mapping[str, Field]:
    """The fields that reports may be filtered by; `states` and `bases` are the contract's names."""
    return {
        "state": Field(variable_report.c.state, choice(dict(states), "VARIABLE_REPORT_STATE_")),
        "report_base": Field(variable_report.c.report_base, choice(dict(bases), "REPORT_BASE_")),
    }


def list_reports(connection: Connection, *, tenant_id: str, station_id: str, page: Page) -> Sequence[ReportRow]:
    """Reports of a station, newest first; `page.after` is (create_us, number). Raises MeshError STATION_NOT_FOUND."""
    expect_station(connection, tenant_id, station_id)
    columns = variable_report.c
    query = sa.select(*_COLUMNS).where(columns.tenant_id == tenant_id, columns.station_id == station_id)
    page_query = paged(query, page, columns.create_us, columns.variable_report_id, newest_first=True)
    return [ReportRow(**row) for row in connection.execute(page_query).mappings()]
