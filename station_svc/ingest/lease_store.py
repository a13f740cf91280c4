"""The SQL of lost gateways: a bounded number of rows at a time, so that no transaction is long."""

import sqlalchemy as sa
from sqlalchemy import Connection

from station_svc.core.models import node, station_connection
from station_svc.ingest.connection_store import close_connections
from station_svc.ingest.rows import Closed

# WebSocket's code for a connection that ended without a close frame.
LOST_CLOSE_CODE = 1006


def earliest_lease_end(connection: Connection) -> int | None:
    """When the first lease runs out that is not renewed; None where there is no node."""
    earliest_us: int | None = connection.execute(sa.select(sa.func.min(node.c.lease_end_us))).scalar_one()
    return earliest_us


def close_lost(connection: Connection, *, before_us: int, limit: int) -> int:
    """Closes up to `limit` connections of nodes whose lease ran out before a moment; returns how many.

    They count as closed when the lease ran out. A node is forgotten once none is left.
    """
    query = (
        sa.select(
            station_connection.c.tenant_id,
            station_connection.c.station_id,
            station_connection.c.epoch,
            node.c.lease_end_us,
        )
        .join(node, node.c.node_id == station_connection.c.node_id)
        .where(node.c.lease_end_us < before_us, station_connection.c.disconnect_us.is_(None))
        .limit(limit)
    )
    lost = [
        Closed(
            tenant_id=row.tenant_id,
            station_id=row.station_id,
            epoch=row.epoch,
            disconnect_us=row.lease_end_us,
            close_code=LOST_CLOSE_CODE,
        )
        for row in connection.execute(query)
    ]
    if lost:
        close_connections(connection, lost)
    if len(lost) < limit:
        connection.execute(sa.delete(node).where(node.c.lease_end_us < before_us))
    return len(lost)
