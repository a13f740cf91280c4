"""The SQL of messages on displays. Each function is part of, or the whole of, one transaction."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, fields

import sqlalchemy as sa
from sqlalchemy import Connection

from mesh.database.filters import Field
from mesh.database.pages import Page
from mesh.database.rowset import RowStatement, columns_of
from station_svc.core.list_store import paged
from station_svc.core.station_store import expect_station
from station_svc.features.display_messages.models import display_message
from station_svc.features.display_messages.rows import EXPIRED, LIVE, REQUESTED, UNKNOWN, MessageRow

_COLUMNS = [display_message.c[one.name] for one in fields(MessageRow)]
_NAMES = ", ".join(column.name for column in _COLUMNS)
_CHANGING = [column.name for column in _COLUMNS if not column.primary_key]
_SAVE = RowStatement(
    f"""
    INSERT INTO display_message ({_NAMES}) SELECT {_NAMES} FROM {{rows}} WHERE true
    ON CONFLICT (tenant_id, station_id, number) DO UPDATE SET
      {", ".join(f"{name} = excluded.{name}" for name in _CHANGING)}
    """,  # noqa: S608 - the project's own column names
    **columns_of(display_message, *(column.name for column in _COLUMNS)),
)


def save(connection: Connection, rows: Iterable[MessageRow]) -> None:
    """Adds messages, or writes those that are there."""
    made = [asdict(row) for row in rows]
    if made:
        _SAVE.run(connection, made)


def remove(connection: Connection, row: MessageRow) -> None:
    """Removes a message that was never sent."""
    columns = display_message.c
    connection.execute(
        sa.delete(display_message).where(
            columns.tenant_id == row.tenant_id, columns.station_id == row.station_id, columns.number == row.number
        )
    )


def live(connection: Connection, stations: Collection[tuple[str, str]]) -> Sequence[MessageRow]:
    """The messages that stations may hold, locked."""
    columns = display_message.c
    query = (
        sa.select(*_COLUMNS)
        .where(sa.tuple_(columns.tenant_id, columns.station_id).in_(list(stations)), columns.state.in_(sorted(LIVE)))
        .order_by(columns.tenant_id, columns.station_id, columns.number)
        .with_for_update()
    )
    return [MessageRow(**row) for row in connection.execute(query).mappings()]


def filters(now_us: int, states: Callable[[str], int], priorities: Callable[[str], int]) -> Mapping[str, Field]:
    """The fields that messages may be filtered by; the callables read the words of enumerations."""
    columns = display_message.c
    may_hold = columns.state.in_(sorted(LIVE))
    state = sa.case(
        (may_hold & (columns.state != REQUESTED) & (columns.end_us <= now_us), EXPIRED),
        (may_hold & (columns.doubt_us <= now_us), UNKNOWN),
        else_=columns.state,
    )
    return {
        "state": Field(state, states),
        "priority": Field(columns.priority, priorities),
        "transaction_id": Field(columns.transaction_id),
        "display_message_id": Field(columns.message_id, int),
    }


def list_messages(connection: Connection, *, tenant_id: str, station_id: str, page: Page) -> Sequence[MessageRow]:
    """Messages of a station, newest first; `page.after` is the number. Raises MeshError STATION_NOT_FOUND."""
    expect_station(connection, tenant_id, station_id)
    columns = display_message.c
    query = sa.select(*_COLUMNS).where(columns.tenant_id == tenant_id, columns.station_id == station_id)
    page_query = paged(query, page, columns.number, newest_first=True)
    return [MessageRow(**row) for row in connection.execute(page_query).mappings()]


def remove_old(connection: Connection, *, before_us: int, limit: int) -> int:
    """Removes up to `limit` of the messages that ended before a moment; returns how many."""
    columns = display_message.c
    key = sa.tuple_(columns.tenant_id, columns.station_id, columns.number)
    is_over = columns.state.not_in(sorted(LIVE)) | (columns.end_us < before_us)
    old = (
        sa.select(columns.tenant_id, columns.station_id, columns.number)
        .where(columns.update_us < before_us, is_over)
        .order_by(columns.update_us)
        .limit(limit)
    )
    return connection.execute(sa.delete(display_message).where(key.in_(old))).rowcount
