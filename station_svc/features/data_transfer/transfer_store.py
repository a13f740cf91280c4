"""The SQL of vendors' own messages: the work of one transaction."""

from collections.abc import Sequence

from sqlalchemy import Connection

from mesh import outbox
from mesh.errors import MeshError
from mesh.rowset import RowStatement
from station_svc.core.history_store import history
from station_svc.core.lock_store import frame_row, known_stations, removed
from station_svc.core.rows import Frame, Page, to_row
from station_svc.features.data_transfer import events
from station_svc.features.data_transfer.models import data_transfer
from station_svc.features.data_transfer.rows import Transfer

_TRANSFER = RowStatement(
    """
    INSERT INTO data_transfer (tenant_id, station_id, epoch, ordinal, vendor_id, message_id, data, status, receive_us)
    SELECT tenant_id, station_id, epoch, ordinal, vendor_id, message_id, data, status, receive_us
    FROM {rows} WHERE true ON CONFLICT (tenant_id, station_id, epoch, ordinal) DO NOTHING
    """,
    tenant_id="text",
    station_id="text",
    epoch="bigint",
    ordinal="bigint",
    vendor_id="text",
    message_id="text",
    data="text",
    status="integer",
    receive_us="bigint",
)


def record_transfers(connection: Connection, transfers: Sequence[Transfer]) -> list[int | MeshError]:
    """Stores vendors' own messages; for each, what the station is answered."""
    keys = known_stations(connection, {transfer.frame.station for transfer in transfers})
    known = [transfer for transfer in transfers if transfer.frame.station in keys]
    known.sort(key=lambda transfer: (transfer.frame.station, transfer.frame.version))
    _TRANSFER.run(
        connection,
        (
            {
                **frame_row(transfer.frame),
                "vendor_id": transfer.vendor_id,
                "message_id": transfer.message_id,
                "data": transfer.data,
                "status": transfer.status,
            }
            for transfer in known
        ),
    )
    outbox.append(connection, map(events.data_transferred, known))
    return [transfer.status if transfer.frame.station in keys else removed(transfer.frame) for transfer in transfers]


def list_data_transfers(db: Connection, *, tenant_id: str, station_id: str, page: Page) -> Sequence[Transfer]:
    """Vendors' own messages, newest first; `page.after` is (epoch, ordinal). Raises MeshError STATION_NOT_FOUND."""
    rows = history(db, data_transfer, tenant_id, station_id, page)
    return [to_row(Transfer, row, frame=to_row(Frame, row)) for row in rows]
