"""The SQL of sockets whose stations showed certificates that were revoked. Each function is part of a transaction."""

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
    WHERE connection.certificate_fingerprint = rows.fingerprint
      AND connection.disconnect_us IS NULL AND node.lease_end_us > :now_us
    """,
    tenant_id="text",
    station_id="text",
    fingerprint="text",
)


@dataclass(frozen=True, kw_only=True)
class Revocation:
    """A station's certificate was revoked."""

    tenant_id: str
    station_id: str
    fingerprint: str  # SHA-256 of the DER, hexadecimal


def open_sockets_of(connection: Connection, revocations: Sequence[Revocation], now_us: int) -> Sequence[Socket]:
    """The open sockets of these stations that were opened with these certificates."""
    rows = _OPEN.run(connection, map(asdict, revocations), now_us=now_us)
    return [Socket(**row) for row in rows.mappings()]
