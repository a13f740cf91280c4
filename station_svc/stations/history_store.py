"""The SQL of what stations sent and were sent, a row per frame. Each function is the work of one transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from mesh.filters import Field
from station_svc.ingest.models import data_transfer, message, status_report
from station_svc.ingest.rows import Status, Transfer
from station_svc.list_store import paged
from station_svc.rows import Frame, Page, to_row
from station_svc.stations.models import removal
from station_svc.stations.rows import MessageRow
from station_svc.stations.store import expect_station


def message_filters(directions: Mapping[str, int]) -> Mapping[str, Field]:
    """What messages may be filtered by; `directions` are the words for a direction."""

    def direction(text: str) -> int:
        if text.upper() not in directions:
            raise ValueError(f"one of {', '.join(directions)} is needed")
        return directions[text.upper()]

    return {
        "action": Field(message.c.action),
        "direction": Field(message.c.direction, direction),
        "message_id": Field(message.c.message_id),
        "message_type": Field(message.c.message_type, _message_type),
    }


def _message_type(text: str) -> int:
    if text not in set("023456"):
        raise ValueError("an OCPP-J message type, 2 to 6, or 0 for unreadable frames, is needed")
    return int(text)


def list_messages(db: Connection, *, tenant_id: str, station_id: str, page: Page) -> Sequence[MessageRow]:
    """Frames, newest first; `page.after` is (epoch, ordinal). Raises MeshError STATION_NOT_FOUND."""
    return [to_row(MessageRow, row) for row in history(db, message, tenant_id, station_id, page)]


def list_status_reports(db: Connection, *, tenant_id: str, station_id: str, page: Page) -> Sequence[Status]:
    """Statuses, newest first; `page.after` is (epoch, ordinal). Raises MeshError STATION_NOT_FOUND."""
    rows = history(db, status_report, tenant_id, station_id, page)
    return [to_row(Status, row, frame=to_row(Frame, row)) for row in rows]


def list_data_transfers(db: Connection, *, tenant_id: str, station_id: str, page: Page) -> Sequence[Transfer]:
    """Vendors' own messages, newest first; `page.after` is (epoch, ordinal). Raises MeshError STATION_NOT_FOUND."""
    rows = history(db, data_transfer, tenant_id, station_id, page)
    return [to_row(Transfer, row, frame=to_row(Frame, row)) for row in rows]


def history(db: Connection, table: sa.Table, tenant_id: str, station_id: str, page: Page) -> Sequence[Row[Any]]:
    """Rows of a station's history, newest first; `page.after` is (epoch, ordinal). Raises MeshError STATION_NOT_FOUND.

    `table` has one row per frame, by its epoch and ordinal, which housekeeping_store removes with the station.
    """
    expect_station(db, tenant_id, station_id)
    # What an earlier station of this name left, while it is still being removed.
    removed = sa.select(removal.c.through_epoch).where(
        removal.c.tenant_id == tenant_id, removal.c.station_id == station_id
    )
    query = sa.select(table).where(
        table.c.tenant_id == tenant_id,
        table.c.station_id == station_id,
        table.c.epoch > sa.func.coalesce(removed.scalar_subquery(), -1),
    )
    return db.execute(paged(query, page, table.c.epoch, table.c.ordinal, newest_first=True)).all()
