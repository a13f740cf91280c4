"""The SQL of stations' variables, and of their changes, as operators read them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from mesh.database.filters import Field, moment, switch
from mesh.database.pages import Page
from mesh.placements.conditions import StationConditions
from station_svc.core.list_store import paged
from station_svc.core.models import PLACEMENTS, station, variable, variable_change
from station_svc.core.rows import to_row
from station_svc.core.station_rows import VariableRow
from station_svc.core.station_store import expect_station
from station_svc.core.variable_store import DRIFTED, OF_STATION, REBOOT_REQUIRED
from station_svc.features.device_model.rows import ChangeRow

# As the tables' keys have them, and the pages' tokens.
_NAMES = (
    "component",
    "variable",
    "component_instance",
    "evse_id",
    "connector_id",
    "variable_instance",
    "attribute_type",
)
_KEY = [variable.c[name] for name in _NAMES]
_CHANGE_KEY = [variable_change.c.change_us, *(variable_change.c[name] for name in _NAMES)]
_TEXTS = ("component", "variable", "component_instance", "variable_instance", "value")
_SHOWN = (REBOOT_REQUIRED.label("reboot_required"), sa.case((DRIFTED, sa.true()), else_=sa.false()).label("drifted"))


def list_variables(connection: Connection, *, tenant_id: str, station_id: str, page: Page) -> Sequence[VariableRow]:
    """Variables by name; `page.after` is VariableRow.key. Raises MeshError STATION_NOT_FOUND."""
    expect_station(connection, tenant_id, station_id)
    query = (
        sa.select(variable, *_SHOWN)
        .join(station, OF_STATION)
        .where(variable.c.tenant_id == tenant_id, variable.c.station_id == station_id)
    )
    return [to_row(VariableRow, row) for row in connection.execute(paged(query, page, *_KEY))]


def variable_filters(mutability: Callable[[str], int]) -> Mapping[str, Field]:
    """The fields that variables may be filtered by; `mutability` reads one."""
    return {
        **_name_fields(variable),
        "value": Field(variable.c.value),
        "mutability": Field(variable.c.mutability, mutability),
        "drifted": Field(sa.case((DRIFTED, sa.true()), else_=sa.false()), switch),
        "text": Field(variable.c.value, has=_mentions),
    }


def _mentions(text: str) -> ColumnElement[bool]:
    """Whether a name or the value has the text in it, without regard to case."""
    columns = [sa.func.lower(variable.c[name]) for name in _TEXTS]
    return sa.or_(*(column.contains(text.lower(), autoescape=True) for column in columns))


def conditions(tenant_id: str) -> StationConditions:
    """Conditions on the stations of variables."""
    return StationConditions(PLACEMENTS, tenant_id=tenant_id, station_id=variable.c.station_id)


def drift_filters(tenant_id: str) -> Mapping[str, Field]:
    """The fields that drifted variables may be filtered by."""
    return {
        "station_id": Field(variable.c.station_id),
        "component": Field(variable.c.component),
        "variable": Field(variable.c.variable),
        "evse_id": Field(variable.c.evse_id, int),
        **conditions(tenant_id).fields(),
    }


def list_drifts(connection: Connection, *, tenant_id: str, page: Page) -> Sequence[tuple[str, VariableRow]]:
    """Drifted variables of a tenant with their stations, by both; `page.after` is the station and VariableRow.key."""
    query = sa.select(variable, *_SHOWN).join(station, OF_STATION).where(variable.c.tenant_id == tenant_id, DRIFTED)
    rows = connection.execute(paged(query, page, variable.c.station_id, *_KEY))
    return [(row.station_id, to_row(VariableRow, row)) for row in rows]


def change_filters() -> Mapping[str, Field]:
    """The fields that changes of variables may be filtered by."""
    return {**_name_fields(variable_change), "change_time": Field(variable_change.c.change_us, moment)}


def _name_fields(table: sa.Table) -> Mapping[str, Field]:
    numbers = {"evse_id", "connector_id"}
    return {name: Field(table.c[name], int if name in numbers else str) for name in _NAMES}


def list_changes(connection: Connection, *, tenant_id: str, station_id: str, page: Page) -> Sequence[ChangeRow]:
    """Changes of variables, newest first; `page.after` is ChangeRow.key. Raises MeshError STATION_NOT_FOUND."""
    expect_station(connection, tenant_id, station_id)
    columns = [variable_change.c[one.name] for one in fields(ChangeRow)]
    query = sa.select(*columns).where(
        variable_change.c.tenant_id == tenant_id, variable_change.c.station_id == station_id
    )
    page_query = paged(query, page, *_CHANGE_KEY, newest_first=True)
    return [ChangeRow(**row) for row in connection.execute(page_query).mappings()]
