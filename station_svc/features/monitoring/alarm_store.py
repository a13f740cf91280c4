"""The SQL of alarms and event reports. Each function is part of, or the whole of, one transaction."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, fields

import sqlalchemy as sa
from sqlalchemy import Connection

from mesh.database.filters import Field, moment
from mesh.database.pages import Page
from mesh.database.rowset import RowStatement, columns_of
from mesh.placements.conditions import StationConditions
from station_svc.core.history_store import history
from station_svc.core.list_store import paged
from station_svc.core.models import PLACEMENTS
from station_svc.core.rows import Frame, to_row
from station_svc.features.monitoring.limits import Budget
from station_svc.features.monitoring.models import alarm, event_budget, event_report
from station_svc.features.monitoring.rows import CLOSED, OPEN, AlarmRow, EventReportRow

_COLUMNS = [alarm.c[one.name] for one in fields(AlarmRow)]
_NAMES = ", ".join(column.name for column in _COLUMNS)
_FIXED = frozenset(
    {"subject", "monitor_id", "notification_type", "transaction_id", "event_id", "cause_event_id", "open_us"}
    | {"component", "component_instance", "evse_id", "connector_id", "variable", "variable_instance"}
)
_CHANGING = [column.name for column in _COLUMNS if not column.primary_key and column.name not in _FIXED]
_SAVE = RowStatement(
    f"""
    INSERT INTO alarm ({_NAMES}) SELECT {_NAMES} FROM {{rows}} WHERE true
    ON CONFLICT (tenant_id, station_id, alarm_id) DO UPDATE SET
      {", ".join(f"{name} = excluded.{name}" for name in _CHANGING)}
    """,  # noqa: S608 - the project's own column names
    **columns_of(alarm, *(column.name for column in _COLUMNS)),
)
_ADD_REPORTS = RowStatement(
    """
    INSERT INTO event_report (tenant_id, station_id, epoch, ordinal, content, dropped, receive_us)
    SELECT tenant_id, station_id, epoch, ordinal, content, dropped, receive_us
    FROM {rows} WHERE true ON CONFLICT (tenant_id, station_id, epoch, ordinal) DO NOTHING
    """,
    **columns_of(event_report),
)
_SAVE_BUDGETS = RowStatement(
    """
    INSERT INTO event_budget (tenant_id, station_id, window_us, readings, alerts, dropped)
    SELECT tenant_id, station_id, window_us, readings, alerts, dropped FROM {rows} WHERE true
    ON CONFLICT (tenant_id, station_id) DO UPDATE SET window_us = excluded.window_us,
      readings = excluded.readings, alerts = excluded.alerts, dropped = excluded.dropped
    """,
    **columns_of(event_budget),
)

Subject = tuple[str, str, str]
"""Tenant, station, subject of an alarm."""


def known_frames(connection: Connection, frames: Sequence[Frame]) -> set[tuple[int, int]]:
    """The frames whose events are recorded already, as (epoch, ordinal)."""
    columns = event_report.c
    named = sa.tuple_(columns.tenant_id, columns.station_id, columns.epoch, columns.ordinal)
    wanted = [(*frame.station, *frame.version) for frame in frames]
    rows = connection.execute(sa.select(columns.epoch, columns.ordinal).where(named.in_(wanted)))
    return {(row.epoch, row.ordinal) for row in rows}


def add_reports(connection: Connection, rows: Iterable[EventReportRow]) -> None:
    """Stores event reports."""
    _ADD_REPORTS.run(
        connection, ({**row.frame.columns, "content": row.content, "dropped": row.dropped} for row in rows)
    )


def latest(connection: Connection, subjects: Collection[Subject]) -> dict[Subject, AlarmRow]:
    """The latest alarm of each subject that has one."""
    if not subjects:
        return {}
    columns = alarm.c
    named = sa.tuple_(columns.tenant_id, columns.station_id, columns.subject)
    place = sa.func.row_number().over(
        partition_by=[columns.tenant_id, columns.station_id, columns.subject],
        order_by=[columns.epoch.desc(), columns.ordinal.desc(), columns.open_us.desc(), columns.alarm_id.desc()],
    )
    found = sa.select(*_COLUMNS, place.label("place")).where(named.in_(list(subjects))).subquery()
    query = sa.select(*(found.c[column.name] for column in _COLUMNS)).where(found.c.place == 1)
    rows = [AlarmRow(**row) for row in connection.execute(query).mappings()]
    return {(row.tenant_id, row.station_id, row.subject): row for row in rows}


def save(connection: Connection, rows: Iterable[AlarmRow]) -> None:
    """Adds alarms, or writes what may change of those that are there."""
    made = [asdict(row) for row in rows]
    if made:
        _SAVE.run(connection, made)


def find_budgets(connection: Connection, stations: Collection[tuple[str, str]]) -> dict[tuple[str, str], Budget]:
    """The use that stations have made of their limits."""
    named = sa.tuple_(event_budget.c.tenant_id, event_budget.c.station_id)
    rows = connection.execute(sa.select(event_budget).where(named.in_(list(stations)))).mappings()
    return {(row["tenant_id"], row["station_id"]): Budget(**row) for row in rows}


def save_budgets(connection: Connection, budgets: Iterable[Budget]) -> None:
    """Writes the use that stations have made of their limits."""
    _SAVE_BUDGETS.run(connection, map(asdict, budgets))


def conditions(tenant_id: str) -> StationConditions:
    """Conditions on the stations of alarms."""
    return StationConditions(PLACEMENTS, tenant_id=tenant_id, station_id=alarm.c.station_id)


def filters(tenant_id: str, states: Callable[[str], int]) -> Mapping[str, Field]:
    """The fields that alarms may be filtered by; `states` reads the words for a state."""
    return {
        "station_id": Field(alarm.c.station_id),
        "state": Field(sa.case((alarm.c.close_us.is_(None), OPEN), else_=CLOSED), states),
        "severity": Field(alarm.c.severity, int),
        "component": Field(alarm.c.component),
        "variable": Field(alarm.c.variable),
        "open_time": Field(alarm.c.open_us, moment),
        **conditions(tenant_id).fields(),
    }


def list_alarms(connection: Connection, *, tenant_id: str, page: Page) -> Sequence[AlarmRow]:
    """Alarms of a tenant, newest first; `page.after` is (open_us, station, alarm)."""
    query = sa.select(*_COLUMNS).where(alarm.c.tenant_id == tenant_id)
    key = (alarm.c.open_us, alarm.c.station_id, alarm.c.alarm_id)
    return [AlarmRow(**row) for row in connection.execute(paged(query, page, *key, newest_first=True)).mappings()]


def report_filters() -> Mapping[str, Field]:
    """The fields that event reports may be filtered by."""
    return {"receive_time": Field(event_report.c.receive_us, moment)}


def list_reports(connection: Connection, *, tenant_id: str, station_id: str, page: Page) -> Sequence[EventReportRow]:
    """Event reports, newest first; `page.after` is (epoch, ordinal). Raises MeshError STATION_NOT_FOUND."""
    rows = history(connection, event_report, tenant_id, station_id, page)
    return [to_row(EventReportRow, row, frame=to_row(Frame, row)) for row in rows]


def remove_old(connection: Connection, *, before_us: int, limit: int) -> int:
    """Removes up to `limit` of the alarms that closed before a moment; returns how many."""
    key = sa.tuple_(alarm.c.tenant_id, alarm.c.station_id, alarm.c.alarm_id)
    old = (
        sa.select(alarm.c.tenant_id, alarm.c.station_id, alarm.c.alarm_id)
        .where(alarm.c.update_us < before_us, alarm.c.close_us.is_not(None))
        .order_by(alarm.c.update_us)
        .limit(limit)
    )
    return connection.execute(sa.delete(alarm).where(key.in_(old))).rowcount
