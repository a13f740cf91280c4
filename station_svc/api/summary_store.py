"""The SQL of numbers of stations: two aggregates over the stations of a tenant, by its keys."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from station_svc.core.models import connector, node, station, station_connection
from station_svc.core.rows import PENDING
from station_svc.core.station_store import is_connected


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Numbers of stations; `connectors` by status: at stations that are connected, and at others."""

    stations: int
    connected: int
    never_connected: int
    pending: int
    connectors: Mapping[int, tuple[int, int]]


def sum_up(connection: Connection, tenant_id: str, *, now_us: int, condition: ColumnElement[bool] | None) -> Summary:
    """The numbers of the stations of a tenant that fit a condition."""
    joined = station.outerjoin(station_connection, station_connection.c.epoch == station.c.latest_epoch).outerjoin(
        node, node.c.node_id == station_connection.c.node_id
    )
    query = sa.select(
        station.c.station_id,
        is_connected(now_us).label("connected"),
        (station.c.latest_epoch == 0).label("never_connected"),
        (station.c.registration_status == PENDING).label("pending"),
    ).select_from(joined)
    query = query.where(station.c.tenant_id == tenant_id)
    chosen = (query if condition is None else query.where(condition)).subquery("chosen")
    counting = sa.select(
        sa.func.count(),
        *(sa.func.coalesce(sa.func.sum(_one_if(column)), 0) for column in list(chosen.c)[1:]),
    ).select_from(chosen)
    stations, connected, never_connected, pending = tuple(connection.execute(counting).one())
    return Summary(
        stations=stations,
        connected=connected,
        never_connected=never_connected,
        pending=pending,
        connectors=_count_connectors(connection, tenant_id, chosen),
    )


def _count_connectors(connection: Connection, tenant_id: str, chosen: sa.Subquery) -> Mapping[int, tuple[int, int]]:
    """By status; EVSE 0 has the status of a station as a whole."""
    query = (
        sa.select(connector.c.status, sa.func.count(), sa.func.sum(_one_if(chosen.c.connected)))
        .join(chosen, chosen.c.station_id == connector.c.station_id)
        .where(connector.c.tenant_id == tenant_id, connector.c.evse_id != 0)
        .group_by(connector.c.status)
    )
    return {status: (connected, count - connected) for status, count, connected in connection.execute(query)}


def _one_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return sa.case((condition, 1), else_=0)
