"""The SQL of activities. Each function is part of, or the whole of, a transaction; what writes holds the station."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from mesh.database.filters import Field, moment, switch
from mesh.database.pages import Page
from mesh.database.rowset import RowStatement, columns_of
from station_svc.core.history_store import history
from station_svc.core.list_store import paged
from station_svc.core.models import station
from station_svc.core.rows import Frame, to_row
from station_svc.core.station_store import expect_station
from station_svc.follower.models import activity, activity_report
from station_svc.follower.rows import REQUESTED, UNKNOWN, ActivityReport, ActivityRow

# More than may be under way at one station: those before the latest are looked at only to find late reports a place.
LATEST = 3

_NAMES = [one.name for one in fields(ActivityRow)]
_KEY = ("tenant_id", "station_id", "kind", "task_id")

_SAVE = RowStatement(
    f"""
    INSERT INTO task ({", ".join(_NAMES)})
    SELECT {", ".join(_NAMES)} FROM {{rows}} WHERE true ORDER BY {", ".join(_KEY)}
    ON CONFLICT ({", ".join(_KEY)}) DO UPDATE
    SET {", ".join(f"{name} = excluded.{name}" for name in _NAMES if name not in _KEY)}
    """,  # noqa: S608 - the project's own column names
    **columns_of(activity, *_NAMES),
)
_COLUMNS = ", ".join(f"task.{name}" for name in _NAMES)
_LOAD = RowStatement(
    f"""
    SELECT * FROM (
      SELECT {_COLUMNS},
             ROW_NUMBER() OVER (PARTITION BY task.tenant_id, task.station_id
                                ORDER BY task.create_us DESC, task.task_id DESC) AS place,
             MIN(task.task_id) OVER (PARTITION BY task.tenant_id, task.station_id) AS least_id
      FROM {{rows}} JOIN task ON task.tenant_id = rows.tenant_id AND task.station_id = rows.station_id
                             AND task.kind = :kind
    ) AS ranked WHERE place <= :latest OR end_us IS NULL
    """,  # noqa: S608 - the project's own column names
    **columns_of(activity, "tenant_id", "station_id"),
)
_OPEN = RowStatement(
    f"""
    SELECT {_COLUMNS}
    FROM {{rows}} JOIN task ON task.tenant_id = rows.tenant_id AND task.station_id = rows.station_id
                           AND task.kind = :kind AND task.end_us IS NULL
    """,  # noqa: S608 - the project's own column names
    **columns_of(activity, "tenant_id", "station_id"),
)
_NAMED = RowStatement(
    f"""
    SELECT {_COLUMNS}
    FROM {{rows}} JOIN task ON task.tenant_id = rows.tenant_id AND task.station_id = rows.station_id
                           AND task.kind = :kind AND task.task_id = rows.task_id
    """,  # noqa: S608 - the project's own column names
    **columns_of(activity, "tenant_id", "station_id", "task_id"),
)
_REPORT = RowStatement(
    """
    INSERT INTO task_report (tenant_id, station_id, epoch, ordinal, kind, task_id, status, reported_status, named_id,
                             receive_us)
    SELECT tenant_id, station_id, epoch, ordinal, :kind, task_id, status, reported_status, named_id, receive_us
    FROM {rows} WHERE true ON CONFLICT (tenant_id, station_id, epoch, ordinal) DO NOTHING
    """,
    **columns_of(
        activity_report,
        "tenant_id",
        "station_id",
        "epoch",
        "ordinal",
        "task_id",
        "status",
        "reported_status",
        "named_id",
        "receive_us",
    ),
)

StationKey = tuple[str, str]


def save(connection: Connection, activities: Collection[ActivityRow]) -> None:
    """Stores activities as they are now."""
    if activities:
        _SAVE.run(connection, map(asdict, activities))


def load(
    connection: Connection, kind: str, stations: Collection[StationKey]
) -> dict[StationKey, tuple[list[ActivityRow], int]]:
    """The latest and the open activities of stations, and the least number of any; one that has none is not there."""
    rows = [{"tenant_id": tenant_id, "station_id": station_id} for tenant_id, station_id in stations]
    found: dict[StationKey, tuple[list[ActivityRow], int]] = {}
    for row in _LOAD.run(connection, rows, kind=kind, latest=LATEST):
        one = _to_activity(row)
        found.setdefault(one.station, ([], row.least_id))[0].append(one)
    return found


def published(
    connection: Connection, kind: str, state: int, *, tenant_id: str, station_id: str, checksum: str
) -> Sequence[ActivityRow]:
    """The activities of a station in a state, by the checksum of their file."""
    columns = activity.c
    query = sa.select(*(columns[name] for name in _NAMES)).where(
        (columns.tenant_id == tenant_id) & (columns.station_id == station_id),
        (columns.kind == kind) & (columns.state == state) & (columns.checksum == checksum),
    )
    return [ActivityRow(**row) for row in connection.execute(query).mappings()]


def open_activities(connection: Connection, kind: str, stations: Collection[StationKey]) -> Sequence[ActivityRow]:
    """The activities of stations that have not ended. Asked at every boot, and mostly there are none."""
    rows = [{"tenant_id": tenant_id, "station_id": station_id} for tenant_id, station_id in stations]
    return [_to_activity(row) for row in _OPEN.run(connection, rows, kind=kind)]


def named(connection: Connection, kind: str, keys: Collection[tuple[str, str, int]]) -> Sequence[ActivityRow]:
    """Activities by tenant, station and number; those that are not there are left out."""
    names = ("tenant_id", "station_id", "task_id")
    rows = [dict(zip(names, key, strict=True)) for key in keys]
    return [_to_activity(row) for row in _NAMED.run(connection, rows, kind=kind)] if rows else []


def add_reports(connection: Connection, kind: str, reports: Iterable[ActivityReport]) -> None:
    """Adds to the history of what was reported; what is there already stays as it is."""
    rows = [
        {
            **report.frame.columns,
            "task_id": report.task_id,
            "status": report.status,
            "reported_status": report.reported_status,
            "named_id": report.named_id,
        }
        for report in reports
    ]
    if rows:
        _REPORT.run(connection, rows, kind=kind)


def remove(connection: Connection, one: ActivityRow) -> None:
    """Removes an activity that never was."""
    connection.execute(
        sa.delete(activity).where(*_is(one.tenant_id, one.station_id, one.kind), activity.c.task_id == one.task_id)
    )


def firmware_version(connection: Connection, tenant_id: str, station_id: str) -> str:
    """The firmware version that a station reported at its latest boot; empty without one."""
    query = sa.select(station.c.firmware_version).where(
        station.c.tenant_id == tenant_id, station.c.station_id == station_id
    )
    return connection.execute(query).scalar() or ""


# --- reading -------------------------------------------------------------------------------------------------------


def find(
    connection: Connection, *, tenant_id: str, station_id: str, kind: str, task_id: int, now_us: int = 0
) -> ActivityRow | None:
    """One activity. One whose answer cannot come any more at `now_us` is in the state UNKNOWN."""
    query = _select(now_us).where(*_is(tenant_id, station_id, kind), activity.c.task_id == task_id)
    row = connection.execute(query).first()
    return None if row is None else _to_activity(row)


def list_activities(
    connection: Connection, *, tenant_id: str, station_id: str | None, kind: str, page: Page, now_us: int
) -> Sequence[ActivityRow]:
    """Activities of a station, or of all (None), newest first; `page.after` is (create_us, station_id, task_id).

    Raises MeshError STATION_NOT_FOUND.
    """
    query = _select(now_us).where(activity.c.tenant_id == tenant_id, activity.c.kind == kind)
    if station_id is not None:
        expect_station(connection, tenant_id, station_id)
        query = query.where(activity.c.station_id == station_id)
    query = paged(query, page, activity.c.create_us, activity.c.station_id, activity.c.task_id, newest_first=True)
    return [_to_activity(row) for row in connection.execute(query)]


def list_reports(connection: Connection, one: ActivityRow, *, limit: int) -> Sequence[ActivityReport]:
    """The latest `limit` reports about an activity, oldest first."""
    about = (activity_report.c.kind == one.kind) & (activity_report.c.task_id == one.task_id)
    rows = history(connection, activity_report, one.tenant_id, one.station_id, Page(limit=limit, condition=about))
    return [to_row(ActivityReport, row, frame=to_row(Frame, row), locations="") for row in reversed(rows)]


STATION_ID = activity.c.station_id
"""The column of the station of an activity."""


def filters(
    now_us: int, *, state: Callable[[str], int], log_type: Callable[[str], int] | None = None
) -> Mapping[str, Field]:
    """The fields that activities may be filtered by; the arguments read the words of an enumeration."""
    found = {
        "state": Field(_state(now_us), state),
        "request_id": Field(activity.c.request_id),
        "username": Field(activity.c.username),
        "station_made": Field(activity.c.station_made, switch),
        "create_time": Field(activity.c.create_us, moment),
        "update_time": Field(activity.c.update_us, moment),
    }
    return found if log_type is None else found | {"log_type": Field(activity.c.log_type, log_type)}


def _state(now_us: int) -> ColumnElement[int]:
    """The state; where the sender of the command has died, its outcome will never be recorded."""
    given_up = (activity.c.state == REQUESTED) & (activity.c.deadline_us < now_us)
    return sa.case((given_up, UNKNOWN), else_=activity.c.state)


def _select(now_us: int) -> sa.Select[tuple[object, ...]]:
    return sa.select(*(_state(now_us).label(name) if name == "state" else activity.c[name] for name in _NAMES))


def _is(tenant_id: str, station_id: str, kind: str) -> tuple[ColumnElement[bool], ...]:
    return activity.c.tenant_id == tenant_id, activity.c.station_id == station_id, activity.c.kind == kind


def _to_activity(row: sa.Row[tuple[object, ...]]) -> ActivityRow:
    # By position, which is a quarter of the price; SQLite has no booleans of its own.
    values: dict[str, Any] = dict(zip(_NAMES, row, strict=False))
    values["station_made"], values["is_signed"] = bool(values["station_made"]), bool(values["is_signed"])
    return ActivityRow(**values)
