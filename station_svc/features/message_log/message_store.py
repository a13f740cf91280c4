"""The SQL of the message log, which sees every frame there is: what a row costs here, every message pays twice."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy import Connection

from mesh.database import partitions, rowset
from mesh.database.filters import Field
from mesh.database.pages import Page
from mesh.database.rowset import RowStatement
from station_svc.core import retention_store
from station_svc.core.history_store import history, of_station
from station_svc.core.lock_store import known_stations
from station_svc.core.rows import to_row
from station_svc.core.station_store import expect_station
from station_svc.features.message_log.models import message
from station_svc.features.message_log.rows import MessageRow

Row = tuple[str, str, int, int, int, int, str, str, str, int]
"""One frame, as COLUMNS has it."""

_TYPES = {
    "tenant_id": "text",
    "station_id": "text",
    "epoch": "bigint",
    "ordinal": "bigint",
    "direction": "integer",
    "message_type": "integer",
    "message_id": "text",
    "action": "text",
    "payload": "text",
    "message_us": "bigint",
}
COLUMNS = tuple(_TYPES)
KEY = (message.c.message_us, message.c.epoch, message.c.ordinal)
"""The order of lists."""

_INSERT = RowStatement(
    """
    INSERT INTO message (tenant_id, station_id, epoch, ordinal, direction, message_type, message_id, action, payload,
                         message_us)
    SELECT rows.tenant_id, rows.station_id, epoch, ordinal, direction, message_type, message_id, action, payload,
           message_us
    FROM {rows} JOIN station ON station.tenant_id = rows.tenant_id AND station.station_id = rows.station_id
    WHERE true ON CONFLICT DO NOTHING
    """,
    **_TYPES,
)


def append_messages(connection: Connection, rows: Sequence[Row]) -> None:
    """Appends frames that are not in the log yet, except those of removed stations.

    Where one is in the log already, the database may refuse all of them (IntegrityError): then call `add_messages`.
    """
    if connection.dialect.name != "postgresql":
        add_messages(connection, rows)
        return
    stations = {row[:2] for row in rows}
    known = known_stations(connection, stations)
    if len(known) < len(stations):
        rows = [row for row in rows if row[:2] in known]
    rowset.copy(connection, "message", COLUMNS, rows)


def add_messages(connection: Connection, rows: Sequence[Row]) -> list[None]:
    """Adds frames to the log; one that is there already, or of a station that was removed, is left out."""
    _INSERT.run(connection, (dict(zip(COLUMNS, row, strict=True)) for row in rows))
    return [None] * len(rows)


def message_filters(directions: Mapping[str, int]) -> Mapping[str, Field]:
    """The fields that messages may be filtered by; `directions` are the words for a direction."""

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


def list_messages(connection: Connection, *, tenant_id: str, station_id: str, page: Page) -> Sequence[MessageRow]:
    """Frames, newest first; `page.after` is (message_us, epoch, ordinal). Raises MeshError STATION_NOT_FOUND."""
    found = partitions.spans(connection, message.name)
    if not found:
        by_frame = replace(page, after=page.after and page.after[1:])
        return [to_row(MessageRow, row) for row in history(connection, message, tenant_id, station_id, by_frame)]
    expect_station(connection, tenant_id, station_id)
    query = of_station(message, tenant_id, station_id)
    if page.condition is not None:
        query = query.where(page.condition)
    rows = partitions.newest_rows(connection, found, query, KEY, after=page.after, limit=page.limit)
    return [to_row(MessageRow, row) for row in rows]


def remove_old(connection: Connection, *, before_us: int, limit: int) -> int:
    """Removes up to `limit` frames from before a moment, but those that go with their partition; returns how many."""
    age = message.c.message_us
    found = partitions.spans(connection, message.name)
    condition = partitions.is_undated(found, age) if found else sa.true()
    return retention_store.remove_old(connection, age=age, before_us=before_us, limit=limit, condition=condition)
