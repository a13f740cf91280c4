"""The SQL of reports about drivers. Each function is part of, or the whole of, one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from mesh.database.pages import Page
from mesh.database.rowset import RowStatement, columns_of
from station_svc.core.list_store import paged
from station_svc.core.station_store import expect_station
from station_svc.features.customer_information.models import customer_report, customer_report_part
from station_svc.features.customer_information.rows import CustomerReportRow, PartRow
from station_svc.partial_reports.models import partial_report

MOST_PARTS = 2048
"""Most parts of a report that are kept: 1 MiB, since OCPP allows 512 characters each. Further ones are dropped."""

Key = tuple[str, str, int]
"""Tenant, station, report."""

_COLUMNS = [customer_report.c[one.name] for one in fields(CustomerReportRow)]
_NAMES = ", ".join(column.name for column in _COLUMNS)
_CHANGING = [column.name for column in _COLUMNS if not column.primary_key]
_SAVE = RowStatement(
    f"""
    INSERT INTO customer_report ({_NAMES}) SELECT {_NAMES} FROM {{rows}} WHERE true
    ON CONFLICT (tenant_id, station_id, report_id) DO UPDATE SET
      {", ".join(f"{name} = excluded.{name}" for name in _CHANGING)}
    """,  # noqa: S608 - the project's own column names
    **columns_of(customer_report, *(column.name for column in _COLUMNS)),
)
_ADD_PARTS = RowStatement(
    """
    INSERT INTO customer_report_part (tenant_id, station_id, report_id, part, id_token, data, receive_us)
    SELECT tenant_id, station_id, report_id, part, id_token, data, receive_us
    FROM {rows} WHERE true ON CONFLICT (tenant_id, station_id, report_id, part) DO NOTHING
    """,
    **columns_of(customer_report_part),
)


def save(connection: Connection, rows: Iterable[CustomerReportRow]) -> None:
    """Adds reports, or writes those that are there."""
    made = [asdict(row) for row in rows]
    if made:
        _SAVE.run(connection, made)


def find(connection: Connection, keys: Iterable[Key]) -> Mapping[Key, CustomerReportRow]:
    """Reports by their keys."""
    columns = customer_report.c
    named = sa.tuple_(columns.tenant_id, columns.station_id, columns.report_id).in_(list(keys))
    rows = [CustomerReportRow(**row) for row in connection.execute(sa.select(*_COLUMNS).where(named)).mappings()]
    return {(row.tenant_id, row.station_id, row.report_id): row for row in rows}


def add_parts(connection: Connection, rows: Sequence[PartRow]) -> None:
    """Stores parts; one that is there already stays."""
    kept = [asdict(row) for row in rows if row.part < MOST_PARTS]
    if kept:
        _ADD_PARTS.run(connection, kept)


def remove_parts(connection: Connection, *, tenant_id: str, station_id: str, report_id: int) -> None:
    """Removes the parts of an earlier report of this number."""
    columns = customer_report_part.c
    connection.execute(
        sa.delete(customer_report_part).where(
            columns.tenant_id == tenant_id, columns.station_id == station_id, columns.report_id == report_id
        )
    )


def trim(connection: Connection, *, tenant_id: str, station_id: str, kind: str) -> None:
    """Removes the reports of a station that are not among its partial reports of this kind any more."""
    columns = partial_report.c
    kept = sa.select(columns.report_id).where(
        columns.tenant_id == tenant_id, columns.station_id == station_id, columns.kind == kind
    )
    for table in (customer_report, customer_report_part):
        connection.execute(
            sa.delete(table).where(
                table.c.tenant_id == tenant_id, table.c.station_id == station_id, table.c.report_id.not_in(kept)
            )
        )


def list_reports(
    connection: Connection, *, tenant_id: str, station_id: str, page: Page
) -> Sequence[tuple[CustomerReportRow, str]]:
    """Reports of a station with their data, the latest number first; `page.after` is the number.

    Raises MeshError STATION_NOT_FOUND.
    """
    expect_station(connection, tenant_id, station_id)
    query = sa.select(*_COLUMNS).where(_is_of(customer_report, tenant_id, station_id))
    page_query = paged(query, page, customer_report.c.report_id, newest_first=True)
    rows = [CustomerReportRow(**row) for row in connection.execute(page_query).mappings()]
    columns = customer_report_part.c
    parts = connection.execute(
        sa.select(columns.report_id, columns.data)
        .where(
            _is_of(customer_report_part, tenant_id, station_id),
            columns.report_id.in_([row.report_id for row in rows]),
        )
        .order_by(columns.report_id, columns.part)
    )
    data: dict[int, list[str]] = {}
    for part in parts:
        data.setdefault(part.report_id, []).append(part.data)
    return [(row, "".join(data.get(row.report_id, ()))) for row in rows]


def _is_of(table: sa.Table, tenant_id: str, station_id: str) -> ColumnElement[bool]:
    return sa.and_(table.c.tenant_id == tenant_id, table.c.station_id == station_id)
