"""The SQL of charging profiles. Each function is part of one transaction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, fields

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from mesh.database.filters import Field
from mesh.database.pages import Page
from mesh.database.rowset import RowStatement, columns_of, run_prepared
from station_svc.core.list_store import paged
from station_svc.core.station_store import expect_station
from station_svc.features.smart_charging.models import charging_profile
from station_svc.features.smart_charging.rows import CSO, EXPIRED, HELD, LIVE, TX_PROFILE, UNKNOWN, ProfileRow

_COLUMNS = [charging_profile.c[one.name] for one in fields(ProfileRow)]
_KEY = (charging_profile.c.tenant_id, charging_profile.c.station_id, charging_profile.c.number)


def add(connection: Connection, row: ProfileRow) -> None:
    """Adds a profile."""
    connection.execute(sa.insert(charging_profile).values(**asdict(row), due_us=row.due_us))


def remove(connection: Connection, row: ProfileRow) -> None:
    """Removes a profile that was never sent."""
    key = (row.tenant_id, row.station_id, row.number)
    connection.execute(
        sa.delete(charging_profile).where(*(column == value for column, value in zip(_KEY, key, strict=True)))
    )


_SAVED = (
    *("tenant_id", "station_id", "number", "state", "reason_code", "doubt_us", "due_us", "update_us"),
    *("limit_source", "report_id", "report_us"),
)
_SAVE = RowStatement(
    """
    UPDATE charging_profile
    SET state = rows.state, reason_code = rows.reason_code, doubt_us = rows.doubt_us, due_us = rows.due_us,
        update_us = rows.update_us, limit_source = rows.limit_source, report_id = rows.report_id,
        report_us = rows.report_us
    FROM {rows}
    WHERE charging_profile.tenant_id = rows.tenant_id AND charging_profile.station_id = rows.station_id
      AND charging_profile.number = rows.number
    """,
    **columns_of(charging_profile, *_SAVED),
)


def save(connection: Connection, rows: Iterable[ProfileRow]) -> None:
    """Writes the states of profiles that were read in the same transaction."""
    changed = [{name: getattr(row, name) for name in _SAVED} for row in rows]
    if changed:
        _SAVE.run(connection, changed)


def live(connection: Connection, *, tenant_id: str, station_id: str) -> Sequence[ProfileRow]:
    """The profiles of a station whose state may still change, locked, oldest first."""
    return _locked(
        connection, charging_profile.c.tenant_id == tenant_id, charging_profile.c.station_id == station_id, _is_live()
    )


# OFFSET keeps the planner from joining: a plan is kept, and made while there may be no profiles yet.
_NAMED = RowStatement(
    """
    SELECT rows.tenant_id, rows.station_id, rows.transaction_id FROM {rows}
    WHERE EXISTS (SELECT 1 FROM charging_profile p
                  WHERE p.tenant_id = rows.tenant_id AND p.station_id = rows.station_id
                    AND p.transaction_id = rows.transaction_id LIMIT 1 OFFSET 0)
    """,
    **columns_of(charging_profile, "tenant_id", "station_id", "transaction_id"),
)


def of_transactions(connection: Connection, ended: Iterable[tuple[str, str, str]]) -> Sequence[ProfileRow]:
    """The TX profiles that stations hold for these transactions (tenant, station, transaction), locked."""
    # Every session ends, and hardly one has such a profile: what has none costs a look only.
    names = [{"tenant_id": one[0], "station_id": one[1], "transaction_id": one[2]} for one in ended if one[2]]
    named = run_prepared(connection, (_NAMED, names)) if names else []
    if not named:
        return []
    key = sa.tuple_(charging_profile.c.tenant_id, charging_profile.c.station_id, charging_profile.c.transaction_id)
    return _locked(connection, key.in_(named), _is_held_tx())


def at_evses(connection: Connection, evses: Iterable[tuple[str, str, int]]) -> Sequence[ProfileRow]:
    """The TX profiles that stations hold at these EVSEs (tenant, station, EVSE), locked."""
    key = sa.tuple_(charging_profile.c.tenant_id, charging_profile.c.station_id, charging_profile.c.evse_id)
    return _locked(connection, key.in_(list(evses)), _is_held_tx())


def due(connection: Connection, *, now_us: int, limit: int) -> Sequence[ProfileRow]:
    """Profiles whose state has changed by itself, locked."""
    return _locked(connection, charging_profile.c.due_us <= now_us, limit=limit)


def _locked(connection: Connection, *conditions: ColumnElement[bool], limit: int | None = None) -> Sequence[ProfileRow]:
    query = sa.select(*_COLUMNS).where(*conditions).order_by(*_KEY).limit(limit).with_for_update()
    return [ProfileRow(**row) for row in connection.execute(query).mappings()]


def _is_live() -> ColumnElement[bool]:
    return charging_profile.c.state.in_(sorted(LIVE))


def _is_held_tx() -> ColumnElement[bool]:
    return sa.and_(charging_profile.c.purpose == TX_PROFILE, charging_profile.c.state.in_(sorted(HELD)))


STATION_ID = charging_profile.c.station_id
"""The column of the station of a profile."""


def filters(
    now_us: int, states: Callable[[str], int], purposes: Callable[[str], int], sources: Callable[[str], int]
) -> Mapping[str, Field]:
    """The fields that profiles may be filtered by; `states`, `purposes` and `sources` read the words for them."""
    return {
        "limit_source": Field(_source(), sources),
        "state": Field(_state(now_us), states),
        "purpose": Field(charging_profile.c.purpose, purposes),
        "evse_id": Field(charging_profile.c.evse_id, int),
        "charging_profile_id": Field(charging_profile.c.profile_id, int),
        "stack_level": Field(charging_profile.c.stack_level, int),
        "transaction_id": Field(charging_profile.c.transaction_id),
    }


def _source() -> ColumnElement[int]:
    """The source of a profile: what was sent from here is this CSMS's."""
    return sa.case((charging_profile.c.limit_source == 0, CSO), else_=charging_profile.c.limit_source)


def _state(now_us: int) -> ColumnElement[int]:
    """ProfileRow.after, in SQL."""
    over = sa.case((charging_profile.c.valid_to_us <= now_us, EXPIRED), else_=UNKNOWN)
    return sa.case((charging_profile.c.due_us <= now_us, over), else_=charging_profile.c.state)


def list_profiles(
    connection: Connection, *, tenant_id: str, station_id: str | None, page: Page
) -> Sequence[ProfileRow]:
    """Profiles of a station, or of all (None), newest first; `page.after` is ProfileRow.key.

    Raises MeshError STATION_NOT_FOUND.
    """
    query = sa.select(*_COLUMNS).where(charging_profile.c.tenant_id == tenant_id)
    if station_id is not None:
        expect_station(connection, tenant_id, station_id)
        query = query.where(charging_profile.c.station_id == station_id)
    key = (charging_profile.c.create_us, charging_profile.c.station_id, charging_profile.c.number)
    page_query = paged(query, page, *key, newest_first=True)
    return [ProfileRow(**row) for row in connection.execute(page_query).mappings()]


def remove_old(connection: Connection, *, before_us: int, limit: int) -> int:
    """Removes up to `limit` of the profiles that ended, or last changed, before a moment; returns their number."""
    kept = LIVE - {UNKNOWN}
    old = (
        sa.select(*_KEY)
        .where(charging_profile.c.update_us < before_us, charging_profile.c.state.not_in(sorted(kept)))
        .order_by(charging_profile.c.update_us)
        .limit(limit)
    )
    return connection.execute(sa.delete(charging_profile).where(sa.tuple_(*_KEY).in_(old))).rowcount
