"""The SQL of vendors' own messages: the work of one transaction."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from mesh.database.pages import Page
from mesh.database.rowset import RowStatement, columns_of
from mesh.events import outbox
from mesh.runtime.errors import MeshError
from station_svc.core.history_store import history
from station_svc.core.lock_store import frame_row, known_stations, removed
from station_svc.core.rows import Frame, to_row
from station_svc.features.data_transfer import events
from station_svc.features.data_transfer.models import data_transfer
from station_svc.features.data_transfer.rows import Transfer

_TRANSFER = RowStatement(
    """
    INSERT INTO data_transfer (tenant_id, station_id, epoch, ordinal, vendor_id, message_id, data, status, receive_us)
    SELECT tenant_id, station_id, epoch, ordinal, vendor_id, message_id, data, status, receive_us
    FROM {rows} WHERE true ON CONFLICT (tenant_id, station_id, epoch, ordinal) DO NOTHING
    """,
    **columns_of(data_transfer),
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


def list_data_transfers(connection: Connection, *, tenant_id: str, station_id: str, page: Page) -> Sequence[Transfer]:
    """Vendors' own messages, newest first; `page.after` is (epoch, ordinal). Raises MeshError STATION_NOT_FOUND."""
    rows = history(connection, data_transfer, tenant_id, station_id, page)
    return [to_row(Transfer, row, frame=to_row(Frame, row)) for row in rows]


Position = tuple[int, int]
"""Epoch and ordinal of a frame."""

# The newest rows of one station, by the primary key, and no more than one above the limit. The size of a text
# is known without reading it where it is stored out of line (octet_length of PostgreSQL).
_FIND_EXCESS = """
    SELECT epoch, ordinal FROM (
      SELECT epoch, ordinal, row_number() OVER newest AS place, sum(size) OVER newest AS total FROM (
        SELECT epoch, ordinal, {size} AS size FROM data_transfer
        WHERE tenant_id = :tenant_id AND station_id = :station_id
        ORDER BY epoch DESC, ordinal DESC LIMIT :rows + 1
      ) AS latest
      WINDOW newest AS (ORDER BY epoch DESC, ordinal DESC)
    ) AS counted
    WHERE place > :rows OR total > :size ORDER BY epoch DESC, ordinal DESC LIMIT 1
    """
_TEXTS = ("vendor_id", "message_id", "data")


def find_excess(connection: Connection, *, tenant_id: str, station_id: str, rows: int, size: int) -> Position | None:
    """The newest message of a station that is too much, counted from the newest on: with more than `rows` or `size`."""
    measure = "octet_length({})" if connection.dialect.name == "postgresql" else "length(CAST({} AS BLOB))"
    statement = _FIND_EXCESS.replace("{size}", " + ".join(measure.format(name) for name in _TEXTS))
    parameters = {"tenant_id": tenant_id, "station_id": station_id, "rows": rows, "size": size}
    row = connection.execute(sa.text(statement), parameters).first()
    return None if row is None else (row.epoch, row.ordinal)


def remove_through(connection: Connection, *, tenant_id: str, station_id: str, through: Position, limit: int) -> int:
    """Removes up to `limit` messages of a station, the oldest ones, none newer than `through`; returns how many."""
    table = data_transfer
    position = sa.tuple_(table.c.epoch, table.c.ordinal)
    is_of_station = sa.and_(table.c.tenant_id == tenant_id, table.c.station_id == station_id)
    oldest = (
        sa.select(table.c.epoch, table.c.ordinal)
        .where(is_of_station, position <= sa.tuple_(*map(sa.literal, through)))
        .order_by(table.c.epoch, table.c.ordinal)
        .limit(limit)
    )
    return connection.execute(sa.delete(table).where(is_of_station, position.in_(oldest))).rowcount
