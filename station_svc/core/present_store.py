"""The SQL of the present state of stations, beside their own row: connectors, quirks, conditions."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from station_svc.core.models import condition, connector, quirk, station
from station_svc.core.rows import to_row
from station_svc.core.station_rows import ConditionRow, ConnectorRow


def has_condition(kind: int) -> ColumnElement[bool]:
    """Whether this is wrong with the station of a query now."""
    found = sa.exists().where(
        condition.c.tenant_id == station.c.tenant_id,
        condition.c.station_id == station.c.station_id,
        condition.c.kind == kind,
        condition.c.size != 0,
    )
    return sa.case((found, sa.true()), else_=sa.false())


def connectors(connection: Connection, tenant_id: str, ids: Sequence[str]) -> dict[str, list[ConnectorRow]]:
    """The connectors of each station, by number."""
    query = (
        sa.select(connector)
        .where(connector.c.tenant_id == tenant_id, connector.c.station_id.in_(ids))
        .order_by(connector.c.station_id, connector.c.evse_id, connector.c.connector_id)
    )
    found: dict[str, list[ConnectorRow]] = {}
    for row in connection.execute(query):
        found.setdefault(row.station_id, []).append(to_row(ConnectorRow, row))
    return found


def quirks(connection: Connection, tenant_id: str, ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """Number of times that each quirk of each station was met."""
    query = sa.select(quirk.c.station_id, quirk.c.name, quirk.c["count"]).where(
        quirk.c.tenant_id == tenant_id, quirk.c.station_id.in_(ids)
    )
    found: dict[str, dict[str, int]] = {}
    for station_id, name, count in connection.execute(query):
        found.setdefault(station_id, {})[name] = count
    return found


def conditions(connection: Connection, tenant_id: str, ids: Sequence[str]) -> dict[str, list[ConditionRow]]:
    """The conditions of each station that have not ended."""
    query = (
        sa.select(condition)
        .where(condition.c.tenant_id == tenant_id, condition.c.station_id.in_(ids), condition.c.size != 0)
        .order_by(condition.c.station_id, condition.c.kind)
    )
    found: dict[str, list[ConditionRow]] = {}
    for row in connection.execute(query):
        found.setdefault(row.station_id, []).append(to_row(ConditionRow, row))
    return found
