"""The SQL of stations' variables: what is read, reported or set is stored, with the changes of values.

Each function is part of a transaction.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from mesh.database.rowset import RowStatement, columns_of
from station_svc.core.models import station, variable
from station_svc.core.station_rows import VariableRow

StationKey = tuple[str, str]

# Most variables of one station, each attribute by itself. Further ones are not stored.
MOST_VARIABLES = 20_000

_NAMES = (
    "component",
    "variable",
    "component_instance",
    "evse_id",
    "connector_id",
    "variable_instance",
    "attribute_type",
)
_KEY = ", ".join(("tenant_id", "station_id", *_NAMES))
_KNOWN = """
    known.tenant_id = rows.tenant_id AND known.station_id = rows.station_id AND known.component = rows.component
    AND known.variable = rows.variable AND known.component_instance = rows.component_instance
    AND known.evse_id = rows.evse_id AND known.connector_id = rows.connector_id
    AND known.variable_instance = rows.variable_instance AND known.attribute_type = rows.attribute_type
    """
_COLUMNS = columns_of(variable)
_ROWS = ", ".join(f"rows.{name}" for name in _COLUMNS if name != "value")
_ORDER = ", ".join(f"rows.{name}" for name in ("tenant_id", "station_id", *_NAMES))

# A report states all characteristics or none, and a data type with them.
_OF_CHARACTERISTICS = ", ".join(
    f"{name} = CASE WHEN excluded.data_type = 0 THEN variable.{name} ELSE excluded.{name} END"
    for name in ("unit", "data_type", "min_limit", "max_limit", "values_list", "supports_monitoring")
)
_REMEMBER = RowStatement(
    f"""
    INSERT INTO variable ({", ".join(name for name in _COLUMNS if name != "value")}, value)
    SELECT {_ROWS}, COALESCE(rows.value, known.value, '')
    FROM {{rows}}
    JOIN station ON station.tenant_id = rows.tenant_id AND station.station_id = rows.station_id
    LEFT JOIN variable AS known ON {_KNOWN}
    WHERE true
    ORDER BY {_ORDER}
    ON CONFLICT ({_KEY})
    DO UPDATE SET value = excluded.value, readonly = COALESCE(excluded.readonly, variable.readonly),
                  update_us = excluded.update_us,
                  mutability = CASE WHEN excluded.mutability = 0 THEN variable.mutability ELSE excluded.mutability END,
                  persistent = COALESCE(excluded.persistent, variable.persistent),
                  constant = COALESCE(excluded.constant, variable.constant), {_OF_CHARACTERISTICS},
                  reboot_us = COALESCE(excluded.reboot_us, variable.reboot_us),
                  wished_value = COALESCE(excluded.wished_value, variable.wished_value)
    WHERE variable.update_us <= excluded.update_us
    """,  # noqa: S608 - the project's own column names
    **_COLUMNS,
)
_CHANGE = RowStatement(
    f"""
    INSERT INTO variable_change ({_KEY}, change_us, former_value, value)
    SELECT {", ".join(f"known.{name}" for name in ("tenant_id", "station_id", *_NAMES))}, rows.update_us, known.value,
           rows.value
    FROM {{rows}} JOIN variable AS known ON {_KNOWN}
    WHERE rows.value <> known.value AND known.update_us <= rows.update_us
    ORDER BY {_ORDER}
    ON CONFLICT DO NOTHING
    """,  # noqa: S608 - the project's own column names
    **_COLUMNS,
)
_EXISTING = RowStatement(
    f"""
    SELECT {_ORDER} FROM {{rows}} JOIN variable AS known ON {_KNOWN}
    """,  # noqa: S608 - the project's own column names
    **columns_of(variable, "tenant_id", "station_id", *_NAMES),
)


def remember(connection: Connection, variables: Sequence[tuple[StationKey, VariableRow]]) -> None:
    """Stores variables of stations, and the changes of their values; where one is named twice, the last one counts."""
    latest = {(station, row.key): _to_columns(station, row) for station, row in variables}
    if latest:
        _CHANGE.run(connection, latest.values())
        _REMEMBER.run(connection, latest.values())


def _to_columns(station: StationKey, row: VariableRow) -> dict[str, object]:
    columns: dict[str, object] = asdict(row)
    for name in ("reboot_required", "drifted"):
        del columns[name]
    return {"tenant_id": station[0], "station_id": station[1], **columns}


def with_room(
    connection: Connection, station: StationKey, variables: Sequence[VariableRow], *, most: int = MOST_VARIABLES
) -> Sequence[VariableRow]:
    """The variables for which the station has room: all that it has already, and new ones up to `most`."""
    query = sa.select(sa.func.count()).where(variable.c.tenant_id == station[0], variable.c.station_id == station[1])
    room = most - connection.execute(query).scalar_one()
    if len(variables) <= room:
        return variables
    rows = [{"tenant_id": station[0], "station_id": station[1], **_names(row)} for row in variables]
    existing = {tuple(found)[2:] for found in _EXISTING.run(connection, rows)}
    new = [row.key for row in variables if row.key not in existing]
    welcome = existing | set(dict.fromkeys(new[: max(room, 0)]))
    return [row for row in variables if row.key in welcome]


def _names(row: VariableRow) -> dict[str, str | int]:
    return {name: getattr(row, name) for name in _NAMES}


# A value that was set waits for a restart until the station's next boot.
REBOOT_REQUIRED = sa.and_(
    variable.c.reboot_us.is_not(None),
    sa.or_(station.c.boot_us.is_(None), station.c.boot_us < variable.c.reboot_us),
)
OF_STATION = (station.c.tenant_id == variable.c.tenant_id) & (station.c.station_id == variable.c.station_id)
# Of a query that has the station, too. Stations write "True" for "true".
DRIFTED = sa.and_(
    variable.c.wished_value.is_not(None),
    sa.func.lower(variable.c.wished_value) != sa.func.lower(variable.c.value),
    sa.not_(REBOOT_REQUIRED),
)


def has_drifted() -> ColumnElement[bool]:
    """Whether the station of a query has a variable that has drifted."""
    return sa.case((sa.exists().where(OF_STATION, DRIFTED).correlate(station), sa.true()), else_=sa.false())


class Limits(NamedTuple):
    """Most variables, and most bytes, of one CALL; 0 where the station did not report it."""

    items: int = 0
    size: int = 0


# The station's names for the most variables, or bytes, that it takes at once: in 1.6 (section 9.1.8), and in 2.0.1
# (part 2, 2.1.10), with the action as the instance.
_ITEMS = ("ChargingStation", "getconfigurationmaxkeys", "")
_OF_2 = "DeviceDataCtrlr"


def find_limits(connection: Connection, *, tenant_id: str, station_id: str, action: str) -> Limits:
    """The station's limits for one CALL of GetVariables or SetVariables, by its report."""
    named = {"items": [(_OF_2, "itemspermessage", action)], "size": [(_OF_2, "bytespermessage", action)]}
    if action == "GetVariables":
        named["items"].append(_ITEMS)
    query = sa.select(variable.c.component, variable.c.variable, variable.c.variable_instance, variable.c.value).where(
        variable.c.tenant_id == tenant_id,
        variable.c.station_id == station_id,
        variable.c.attribute_type == "Actual",
        sa.tuple_(variable.c.component, sa.func.lower(variable.c.variable), variable.c.variable_instance).in_(
            [one for names in named.values() for one in names]
        ),
    )
    found = {
        (row.component, row.variable.lower(), row.variable_instance): int(row.value)
        for row in connection.execute(query)
        if re.fullmatch("[0-9]{1,9}", row.value)
    }
    least = {kind: min((found[name] for name in names if found.get(name)), default=0) for kind, names in named.items()}
    return Limits(**least)
