"""The SQL of the charging of vehicles. Each function is part of one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from mesh.database.filters import Field
from mesh.database.pages import Page
from station_svc.core.list_store import paged
from station_svc.core.station_store import expect_station
from station_svc.features.smart_charging.ev_rows import EvRow
from station_svc.features.smart_charging.models import ev_charging

_TABLE = ev_charging
_COLUMNS = [_TABLE.c[one.name] for one in fields(EvRow)]
_KEY = (_TABLE.c.tenant_id, _TABLE.c.station_id, _TABLE.c.evse_id)


def find(connection: Connection, tenant_id: str, station_id: str, evse_id: int) -> EvRow | None:
    """The vehicle of an EVSE, locked; None where none is known."""
    values = (tenant_id, station_id, evse_id)
    query = sa.select(*_COLUMNS).where(*(column == value for column, value in zip(_KEY, values, strict=True)))
    row = connection.execute(query.with_for_update()).mappings().one_or_none()
    return None if row is None else EvRow(**row)


def count(connection: Connection, tenant_id: str, station_id: str) -> int:
    """The number of EVSEs of a station with a vehicle."""
    query = sa.select(sa.func.count()).where(_TABLE.c.tenant_id == tenant_id, _TABLE.c.station_id == station_id)
    return connection.execute(query).scalar_one()


def save(connection: Connection, row: EvRow) -> None:
    """Writes a vehicle, in the place of the one before at its EVSE."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    values = asdict(row)
    changed = {name: value for name, value in values.items() if name not in {column.name for column in _KEY}}
    connection.execute(insert(_TABLE).values(**values).on_conflict_do_update(index_elements=list(_KEY), set_=changed))


def filters(states: Callable[[str], int]) -> Mapping[str, Field]:
    """The fields that vehicles may be filtered by; `states` reads the words for one."""
    return {
        "state": Field(_TABLE.c.state, states),
        "evse_id": Field(_TABLE.c.evse_id, int),
        "transaction_id": Field(_TABLE.c.transaction_id),
    }


def list_vehicles(connection: Connection, *, tenant_id: str, station_id: str, page: Page) -> Sequence[EvRow]:
    """Vehicles of a station; `page.after` is the EVSE. Raises MeshError STATION_NOT_FOUND."""
    expect_station(connection, tenant_id, station_id)
    query = sa.select(*_COLUMNS).where(_TABLE.c.tenant_id == tenant_id, _TABLE.c.station_id == station_id)
    return [EvRow(**row) for row in connection.execute(paged(query, page, _TABLE.c.evse_id)).mappings()]


def remove_old(connection: Connection, *, before_us: int, limit: int) -> int:
    """Removes up to `limit` of the vehicles that last changed before a moment; returns their number."""
    old = sa.select(*_KEY).where(_TABLE.c.update_us < before_us).order_by(_TABLE.c.update_us).limit(limit)
    return connection.execute(sa.delete(_TABLE).where(sa.tuple_(*_KEY).in_(old))).rowcount
