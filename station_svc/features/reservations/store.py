"""The SQL of reservations. Each function is part of, or the whole of, one transaction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, fields

import grpc
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from mesh.contract.id_tokens import match_key
from mesh.database.filters import Field
from mesh.database.pages import Page
from mesh.database.rowset import RowStatement, columns_of
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from station_svc.core.list_store import paged
from station_svc.core.station_store import expect_station
from station_svc.features.reservations.models import reservation
from station_svc.features.reservations.rows import EXPIRED, HELD, LIVE, UNKNOWN, ReservationRow

_COLUMNS = [reservation.c[one.name] for one in fields(ReservationRow)]
_KEY = (reservation.c.tenant_id, reservation.c.station_id, reservation.c.reservation_id)

Key = tuple[str, str, int]
"""Tenant, station, reservation."""


def not_found(station_id: str, reservation_id: int) -> MeshError:
    """NOT_FOUND, reason RESERVATION_NOT_FOUND."""
    return MeshError(
        grpc.StatusCode.NOT_FOUND,
        Reason.RESERVATION_NOT_FOUND,
        f"station {station_id!r} has no reservation {reservation_id}",
    )


def add(connection: Connection, row: ReservationRow) -> None:
    """Adds a reservation."""
    values = {**asdict(row), "due_us": row.due_us, "token_key": match_key(row.id_token)}
    connection.execute(sa.insert(reservation).values(values))


def remove(connection: Connection, row: ReservationRow) -> None:
    """Removes a reservation that was never sent."""
    connection.execute(sa.delete(reservation).where(_is(row.tenant_id, row.station_id, row.reservation_id)))


_SAVED = columns_of(
    reservation,
    "tenant_id",
    "station_id",
    "reservation_id",
    "state",
    "reserve_status",
    "reason_code",
    "doubt_us",
    "due_us",
    "use_us",
    "use_evse_id",
    "transaction_id",
    "update_us",
)
_SAVE = RowStatement(
    """
    UPDATE reservation
    SET state = rows.state, reserve_status = rows.reserve_status, reason_code = rows.reason_code,
        doubt_us = rows.doubt_us, due_us = rows.due_us, use_us = rows.use_us, use_evse_id = rows.use_evse_id,
        transaction_id = rows.transaction_id, update_us = rows.update_us
    FROM {rows}
    WHERE reservation.tenant_id = rows.tenant_id AND reservation.station_id = rows.station_id
      AND reservation.reservation_id = rows.reservation_id
    """,
    **_SAVED,
)


def save(connection: Connection, rows: Iterable[ReservationRow]) -> None:
    """Writes what may change of reservations that were read in the same transaction."""
    changed = [{name: getattr(row, name) for name in _SAVED} for row in rows]
    if changed:
        _SAVE.run(connection, changed)


def find(connection: Connection, keys: Iterable[Key]) -> Sequence[ReservationRow]:
    """Reservations, locked, by their keys."""
    return _locked(connection, sa.tuple_(*_KEY).in_(list(keys)))


def held_at(connection: Connection, evses: Iterable[tuple[str, str, int]]) -> Sequence[ReservationRow]:
    """The reservations that stations may keep at these EVSEs (tenant, station, EVSE; 0: the whole station), locked."""
    wanted = set(evses)
    place = sa.tuple_(*_KEY[:2], reservation.c.evse_id).in_(sorted(wanted))
    whole = sa.tuple_(*_KEY[:2]).in_(sorted(one[:2] for one in wanted if one[2] == 0))
    return _locked(connection, (place | whole) & reservation.c.state.in_(sorted(HELD)))


def due(connection: Connection, *, now_us: int, limit: int) -> Sequence[ReservationRow]:
    """Reservations whose state has changed by itself, locked."""
    return _locked(connection, reservation.c.due_us <= now_us, limit=limit)


def _locked(
    connection: Connection, condition: ColumnElement[bool], limit: int | None = None
) -> Sequence[ReservationRow]:
    query = sa.select(*_COLUMNS).where(condition).order_by(*_KEY).limit(limit).with_for_update()
    return [ReservationRow(**row) for row in connection.execute(query).mappings()]


def _is(tenant_id: str, station_id: str, reservation_id: int) -> ColumnElement[bool]:
    return sa.tuple_(*_KEY) == sa.tuple_(tenant_id, station_id, reservation_id)


STATION_ID = reservation.c.station_id
"""The column of the station of a reservation."""


def filters(now_us: int, states: Callable[[str], int]) -> Mapping[str, Field]:
    """The fields that reservations may be filtered by; `states` reads the words for a state."""
    return {
        "state": Field(_state(now_us), states),
        "evse_id": Field(reservation.c.evse_id, int),
        "reservation_id": Field(reservation.c.reservation_id, int),
        "id_token": Field(_token_key(), match_key),
    }


def _token_key() -> ColumnElement[str]:
    """The form in which tokens are compared; in rows of builds that did not write it, without blanks and case alone."""
    columns = reservation.c
    return sa.case((columns.token_key == "", sa.func.lower(sa.func.trim(columns.id_token))), else_=columns.token_key)


def _state(now_us: int) -> ColumnElement[int]:
    """ReservationRow.after, in SQL."""
    over = reservation.c.state.in_(sorted(HELD)) & (reservation.c.expire_us <= now_us)
    return sa.case((reservation.c.due_us <= now_us, sa.case((over, EXPIRED), else_=UNKNOWN)), else_=reservation.c.state)


def get(connection: Connection, *, tenant_id: str, station_id: str, reservation_id: int) -> ReservationRow:
    """One reservation. Raises MeshError STATION_NOT_FOUND, RESERVATION_NOT_FOUND."""
    expect_station(connection, tenant_id, station_id)
    query = sa.select(*_COLUMNS).where(_is(tenant_id, station_id, reservation_id))
    row = connection.execute(query).mappings().first()
    if row is None:
        raise not_found(station_id, reservation_id)
    return ReservationRow(**row)


def list_reservations(
    connection: Connection, *, tenant_id: str, station_id: str | None, page: Page
) -> Sequence[ReservationRow]:
    """Reservations of a station, or of all (None), newest first; `page.after` is ReservationRow.key.

    Raises MeshError STATION_NOT_FOUND.
    """
    query = sa.select(*_COLUMNS).where(reservation.c.tenant_id == tenant_id)
    if station_id is not None:
        expect_station(connection, tenant_id, station_id)
        query = query.where(reservation.c.station_id == station_id)
    key = (reservation.c.create_us, reservation.c.station_id, reservation.c.reservation_id)
    page_query = paged(query, page, *key, newest_first=True)
    return [ReservationRow(**row) for row in connection.execute(page_query).mappings()]


def remove_old(connection: Connection, *, before_us: int, limit: int) -> int:
    """Removes up to `limit` of the reservations that ended before a moment; returns how many."""
    old = (
        sa.select(*_KEY)
        .where(reservation.c.update_us < before_us, reservation.c.state.not_in(sorted(LIVE)))
        .order_by(reservation.c.update_us)
        .limit(limit)
    )
    return connection.execute(sa.delete(reservation).where(sa.tuple_(*_KEY).in_(old))).rowcount
