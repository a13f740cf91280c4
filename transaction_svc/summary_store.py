"""The SQL of numbers of open transactions: one aggregate."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from mesh.database.filters import Field
from mesh.placements.conditions import StationConditions
from mesh.runtime.times import SECOND_US
from transaction_svc.models import PLACEMENTS, rollup_connector, tx

POWER_US = 30 * 60 * SECOND_US
"""Power counts for so long after the latest event: stations that measure by the clock often do so each quarter hour."""


# As the partial indexes have it: SQLite compares the words.
_IS_OPEN = sa.text("NOT ended")
# All of them: a condition on its column has SQLite read that index.
_ANY_HASH = -(2**63)


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Numbers of open transactions; `powered` of them are in the sum of the power."""

    active: int
    hanging: int
    power_w: int
    powered: int


def conditions(tenant_id: str) -> StationConditions:
    """Conditions on transactions by where their stations stand."""
    return StationConditions(PLACEMENTS, tenant_id=tenant_id, station_id=tx.c.station_id)


def filters(tenant_id: str) -> Mapping[str, Field]:
    """Fields of filters of transactions."""
    return {"station_id": Field(tx.c.station_id), **conditions(tenant_id).fields()}


def rollup_filters(tenant_id: str) -> Mapping[str, Field]:
    """The same fields for connectors with rollups."""
    station_id = rollup_connector.c.station_id
    placed = StationConditions(PLACEMENTS, tenant_id=tenant_id, station_id=station_id)
    return {"station_id": Field(station_id), **placed.fields()}


def sum_up(connection: Connection, tenant_id: str, *, now_us: int, condition: ColumnElement[bool] | None) -> Summary:
    """The numbers of a tenant. They read an index on open transactions, never one that begins with the tenant."""
    is_powered = sa.and_(tx.c.power_w.is_not(None), tx.c.update_us > now_us - POWER_US)
    query = sa.select(
        sa.func.count(),
        sa.func.coalesce(sa.func.sum(sa.case((tx.c.hanging_due_us.is_not(None), 1), else_=0)), 0),
        sa.func.coalesce(sa.func.sum(sa.case((is_powered, tx.c.power_w), else_=0)), 0),
        sa.func.coalesce(sa.func.sum(sa.case((is_powered, 1), else_=0)), 0),
    ).where(tx.c.tenant_id.concat("") == tenant_id, _IS_OPEN, tx.c.station_hash >= _ANY_HASH)
    active, hanging, power_w, powered = connection.execute(query if condition is None else query.where(condition)).one()
    return Summary(active=active, hanging=hanging, power_w=power_w, powered=powered)
