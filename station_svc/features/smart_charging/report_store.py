"""The SQL of reports of charging profiles that are not complete yet. Each function is part of one transaction."""

from collections.abc import Sequence
from dataclasses import asdict, fields

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from station_svc.features.smart_charging.models import charging_profile_report
from station_svc.features.smart_charging.rows import ReportRow

_TABLE = charging_profile_report
_COLUMNS = [_TABLE.c[one.name] for one in fields(ReportRow)]


def add(connection: Connection, row: ReportRow) -> None:
    """Adds a report, in the place of an earlier one of the same number."""
    remove(connection, row)
    connection.execute(sa.insert(_TABLE).values(**asdict(row)))


def find(connection: Connection, tenant_id: str, station_id: str, report_id: int) -> ReportRow | None:
    """The report with this number, locked; None where the station was not asked for it, or it is complete."""
    key = (_TABLE.c.tenant_id == tenant_id, _TABLE.c.station_id == station_id, _TABLE.c.report_id == report_id)
    row = connection.execute(sa.select(*_COLUMNS).where(*key).with_for_update()).mappings().one_or_none()
    return None if row is None else ReportRow(**row)


def count_part(connection: Connection, row: ReportRow, due_us: int) -> None:
    """Counts a part; the next one is due then."""
    connection.execute(sa.update(_TABLE).where(*_key(row)).values(part_count=_TABLE.c.part_count + 1, due_us=due_us))


def remove(connection: Connection, row: ReportRow) -> None:
    """Removes a report."""
    connection.execute(sa.delete(_TABLE).where(*_key(row)))


def due(connection: Connection, *, now_us: int, limit: int) -> Sequence[ReportRow]:
    """Reports of which a part has not come in time, locked."""
    query = sa.select(*_COLUMNS).where(_TABLE.c.due_us <= now_us).order_by(_TABLE.c.due_us).limit(limit)
    return [ReportRow(**row) for row in connection.execute(query.with_for_update()).mappings()]


def _key(row: ReportRow) -> Sequence[ColumnElement[bool]]:
    return (
        _TABLE.c.tenant_id == row.tenant_id,
        _TABLE.c.station_id == row.station_id,
        _TABLE.c.report_id == row.report_id,
    )
