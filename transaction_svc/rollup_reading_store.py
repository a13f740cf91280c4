"""The SQL of lists of rollups. Functions run inside a transaction, as in `store.py`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from mesh.database.filters import Field
from mesh.database.rowset import RowStatement, columns_of
from mesh.identity.callers import Scope
from mesh.placements.conditions import StationConditions
from transaction_svc import models, rollup_store
from transaction_svc.models import PLACEMENTS
from transaction_svc.rollup_form import Cells, decode_cells


class Unit(NamedTuple):
    """A connector of a station, or a group of them; the values are in the order of lists."""

    station_id: str
    evse_id: int
    connector_id: int


UTC = "UTC"
FIRST = Unit("", 0, 0)
TOTAL = Unit(rollup_store.TOTAL, 0, 0)
"""The unit of a tenant's sums."""

_table = models.rollup_connector
_FILTERS: Mapping[str, Field] = {
    "station_id": Field(_table.c.station_id),
    "evse_id": Field(_table.c.evse_id, int),
    "connector_id": Field(_table.c.connector_id, int),
}


def conditions(tenant_id: str) -> StationConditions:
    """Conditions on connectors by where their stations stand."""
    return StationConditions(PLACEMENTS, tenant_id=tenant_id, station_id=_table.c.station_id)


def filters(tenant_id: str) -> Mapping[str, Field]:
    """Fields of filters of rollups."""
    return {**_FILTERS, **conditions(tenant_id).fields()}


_UNIT = (_table.c.station_id, _table.c.evse_id, _table.c.connector_id)
_CELLS = RowStatement(
    """
    SELECT r.station_id, r.evse_id, r.connector_id, r.day, r.cells
    FROM {rows} JOIN rollup r
      ON r.tenant_id = rows.tenant_id AND r.station_id = rows.station_id AND r.evse_id = rows.evse_id
     AND r.connector_id = rows.connector_id AND r.day >= rows.day AND r.day <= rows.last_day
    """,
    **columns_of(models.rollup, "tenant_id", "station_id", "evse_id", "connector_id", "day"),
    last_day="integer",
)


def list_connectors(
    connection: Connection,
    tenant_id: str,
    *,
    condition: ColumnElement[bool] | None,
    since: Unit,
    limit: int,
) -> Sequence[Unit]:
    """Up to `limit` connectors with rollups from `since` on, and further ones of the last station."""
    query = sa.select(*_UNIT).where(_table.c.tenant_id == tenant_id, _table.c.station_id != rollup_store.TOTAL)
    if condition is not None:
        query = query.where(condition)
    query = query.order_by(*_UNIT)
    found = [Unit(*row) for row in connection.execute(query.where(sa.tuple_(*_UNIT) >= since).limit(limit))]
    if len(found) == limit:
        rest = query.where(_table.c.station_id == found[-1].station_id, sa.tuple_(*_UNIT) > found[-1])
        found += [Unit(*row) for row in connection.execute(rest)]
    return found


def find_time_zones(connection: Connection, tenant_id: str, *, condition: ColumnElement[bool] | None) -> Sequence[str]:
    """The time zones of the sites that connectors with rollups stand in, two at most; UTC where they stand in none."""
    placement = models.station_placement
    stands = sa.and_(placement.c.tenant_id == _table.c.tenant_id, placement.c.station_id == _table.c.station_id)
    zone = sa.func.coalesce(placement.c.time_zone, UTC)
    query = sa.select(zone).select_from(_table.outerjoin(placement, stands)).distinct()
    query = query.where(_table.c.tenant_id == tenant_id, _table.c.station_id != rollup_store.TOTAL).limit(2)
    return list(connection.scalars(query if condition is None else query.where(condition)))


def count_pending(connection: Connection, tenant_id: str, *, scope: Scope, limit: int) -> int:
    """The number of transactions in a scope that are not counted yet, `limit` at most."""
    placed = StationConditions(PLACEMENTS, tenant_id=tenant_id, station_id=models.tx.c.station_id)
    due = sa.select(sa.literal(1)).where(rollup_store.IS_DUE, models.tx.c.tenant_id == tenant_id)
    if (in_scope := placed.in_scope(scope)) is not None:
        due = due.where(in_scope)
    count: int = connection.execute(sa.select(sa.func.count()).select_from(due.limit(limit).subquery())).scalar_one()
    return count


def read_cells(
    connection: Connection, tenant_id: str, units: Iterable[Unit], *, first_day: int, last_day: int
) -> Sequence[tuple[Unit, Cells]]:
    """The quarter hours of connectors, for each of their days from the first to the last."""
    rows = [{"tenant_id": tenant_id, **unit._asdict(), "day": first_day, "last_day": last_day} for unit in units]
    return [
        (Unit(station_id, evse_id, connector_id), decode_cells(cells, day))
        for station_id, evse_id, connector_id, day, cells in rollup_store.look_up(connection, _CELLS, rows)
    ]
