"""The SQL of monitors. Each function is part of, or the whole of, one transaction."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, fields

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from mesh.database.filters import Field
from mesh.database.pages import Page
from mesh.database.rowset import RowStatement, columns_of
from station_svc.core.list_store import paged
from station_svc.core.models import variable
from station_svc.core.station_store import expect_station
from station_svc.features.monitoring.models import monitor
from station_svc.features.monitoring.rows import MonitorRow

MOST_MONITORS = 5000
"""Most monitors that are kept of one station; further ones are not kept."""

_COLUMNS = [monitor.c[one.name] for one in fields(MonitorRow)]
_NAMES = ", ".join(column.name for column in _COLUMNS)
_CHANGING = [column.name for column in _COLUMNS if not column.primary_key and column.name != "is_custom"]
_SAVE = RowStatement(
    f"""
    INSERT INTO monitor ({_NAMES}) SELECT {_NAMES} FROM {{rows}} WHERE true
    ON CONFLICT (tenant_id, station_id, monitor_id) DO UPDATE SET
      {", ".join(f"{name} = excluded.{name}" for name in _CHANGING)},
      is_custom = CASE WHEN excluded.is_custom = 1 THEN 1 ELSE monitor.is_custom END
    """,  # noqa: S608 - the project's own column names
    **columns_of(monitor, *(column.name for column in _COLUMNS)),
)


def _of_station(tenant_id: str, station_id: str) -> ColumnElement[bool]:
    return sa.and_(monitor.c.tenant_id == tenant_id, monitor.c.station_id == station_id)


def save(connection: Connection, rows: Sequence[MonitorRow]) -> None:
    """Adds monitors of one station, or writes those that are there; the last one of a number counts."""
    latest = {row.monitor_id: row for row in rows}
    if not latest:
        return
    here = _of_station(rows[0].tenant_id, rows[0].station_id)
    query = sa.select(monitor.c.monitor_id).where(here)
    known = set(connection.execute(query).scalars())
    room = MOST_MONITORS - len(known)
    new = [row for number, row in latest.items() if number not in known][: max(room, 0)]
    _SAVE.run(connection, map(asdict, [*new, *(row for number, row in latest.items() if number in known)]))


def severities(connection: Connection, keys: Collection[tuple[str, str, int]]) -> Mapping[tuple[str, str, int], int]:
    """The severity of each monitor that is known, by tenant, station and number."""
    if not keys:
        return {}
    named = sa.tuple_(monitor.c.tenant_id, monitor.c.station_id, monitor.c.monitor_id)
    query = sa.select(monitor.c.tenant_id, monitor.c.station_id, monitor.c.monitor_id, monitor.c.severity)
    rows = connection.execute(query.where(named.in_(list(keys))))
    return {(row.tenant_id, row.station_id, row.monitor_id): row.severity for row in rows}


def remove(connection: Connection, *, tenant_id: str, station_id: str, monitor_ids: Sequence[int]) -> None:
    """Removes monitors of a station."""
    if monitor_ids:
        connection.execute(
            sa.delete(monitor).where(_of_station(tenant_id, station_id), monitor.c.monitor_id.in_(monitor_ids))
        )


def remove_custom(connection: Connection, *, tenant_id: str, station_id: str) -> None:
    """Removes the monitors of a station that were set from here."""
    connection.execute(sa.delete(monitor).where(_of_station(tenant_id, station_id), monitor.c.is_custom == 1))


def remove_unreported(
    connection: Connection, *, tenant_id: str, station_id: str, report_id: int, before_us: int
) -> None:
    """Removes the monitors of a station that a report did not have, and that were not written since `before_us`."""
    connection.execute(
        sa.delete(monitor).where(
            _of_station(tenant_id, station_id),
            sa.func.coalesce(monitor.c.report_id, -1) != report_id,
            monitor.c.update_us <= before_us,
        )
    )


def find_limits(connection: Connection, *, tenant_id: str, station_id: str, action: str) -> Mapping[str, int]:
    """The limits of a station for the CALLs of an action: of items and bytes, by the variable's name in lower case.

    As the station reported them (MonitoringCtrlr); one that is not known is missing.
    """
    name = sa.func.lower(variable.c.variable)
    query = sa.select(name.label("name"), variable.c.value).where(
        variable.c.tenant_id == tenant_id,
        variable.c.station_id == station_id,
        variable.c.attribute_type == "Actual",
        variable.c.component == "MonitoringCtrlr",
        variable.c.variable_instance == action,
        name.in_(["itemspermessage", "bytespermessage"]),
    )
    rows = connection.execute(query)
    return {row.name: int(row.value) for row in rows if re.fullmatch("[0-9]{1,9}", row.value)}


def filters(types: Callable[[str], int]) -> Mapping[str, Field]:
    """The fields that monitors may be filtered by; `types` reads the words for a type."""
    return {
        "monitor_id": Field(monitor.c.monitor_id, int),
        "component": Field(monitor.c.component),
        "variable": Field(monitor.c.variable),
        "type": Field(monitor.c.type, types),
        "severity": Field(monitor.c.severity, int),
    }


def list_monitors(connection: Connection, *, tenant_id: str, station_id: str, page: Page) -> Sequence[MonitorRow]:
    """Monitors of a station, by number; `page.after` is the number. Raises MeshError STATION_NOT_FOUND."""
    expect_station(connection, tenant_id, station_id)
    query = sa.select(*_COLUMNS).where(_of_station(tenant_id, station_id))
    return [MonitorRow(**row) for row in connection.execute(paged(query, page, monitor.c.monitor_id)).mappings()]
