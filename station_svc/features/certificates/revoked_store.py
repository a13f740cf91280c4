"""The SQL of sockets of stations whose certificates were revoked. Each function is part of a transaction."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection

from mesh.database.rowset import RowStatement
from station_svc.core.station_rows import Socket

_OPEN = RowStatement(
    """
    SELECT DISTINCT connection.tenant_id, connection.station_id, connection.epoch, node.address
    FROM {rows}
    JOIN station ON station.tenant_id = rows.tenant_id AND station.station_id = rows.station_id
    JOIN connection ON connection.epoch = station.latest_epoch
    JOIN node ON node.node_id = connection.node_id
    WHERE connection.disconnect_us IS NULL AND connection.connect_us < rows.revoke_us AND node.lease_end_us > :now_us
    """,
    tenant_id="text",
    station_id="text",
    revoke_us="bigint",
)


@dataclass(frozen=True, kw_only=True)
class Revocation:
    """A station's certificate was revoked."""

    tenant_id: str
    station_id: str
    revoke_us: int


def open_sockets_of(connection: Connection, revocations: Sequence[Revocation], now_us: int) -> Sequence[Socket]:
    """The sockets that these stations had opened before, and that are open still."""
    rows = _OPEN.run(connection, map(asdict, revocations), now_us=now_us)
    return [Socket(**row) for row in rows.mappings()]
