"""The SQL of stations' sockets: which gateway holds one. Each function is part of a transaction."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from station_svc.core.models import node, station, station_connection
from station_svc.core.station_rows import Socket
from station_svc.core.station_store import is_station, not_found


def find_socket(connection: Connection, *, tenant_id: str, station_id: str, now_us: int) -> Socket | None:
    """The socket of a station; None where no gateway holds it. Raises MeshError STATION_NOT_FOUND."""
    latest = connection.execute(sa.select(station.c.latest_epoch).where(is_station(tenant_id, station_id))).scalar()
    if latest is None:
        raise not_found(station_id)
    return next(iter(open_sockets(connection, latest, now_us)), None)


def open_sockets(
    connection: Connection, epoch: int, now_us: int, *, only_version: str | None = None
) -> Sequence[Socket]:
    """The socket of a connection: one, or none where it is closed or its gateway is lost.

    With `only_version` none where it is of another OCPP version.
    """
    query = (
        sa.select(station_connection.c.tenant_id, station_connection.c.station_id, node.c.address)
        .join(node, node.c.node_id == station_connection.c.node_id)
        .where(
            station_connection.c.epoch == epoch,
            station_connection.c.disconnect_us.is_(None),
            node.c.lease_end_us > now_us,
        )
    )
    if only_version is not None:
        query = query.where(station_connection.c.ocpp_version == only_version)
    return [
        Socket(tenant_id=row.tenant_id, station_id=row.station_id, epoch=epoch, address=row.address)
        for row in connection.execute(query)
    ]
