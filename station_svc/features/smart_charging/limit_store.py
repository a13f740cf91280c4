"""The SQL of limits from elsewhere. Each function is part of one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields

import sqlalchemy as sa
from csms.station.v1.charging_limit_pb2 import ChargingLimit
from csms.station.v1.charging_profile_pb2 import ChargingSchedule
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from mesh.database.filters import Field
from mesh.database.pages import Page
from station_svc.core.list_store import paged
from station_svc.core.station_store import expect_station
from station_svc.features.smart_charging.models import charging_limit
from station_svc.features.smart_charging.rows import LimitRow

_TABLE = charging_limit
_COLUMNS = [_TABLE.c[one.name] for one in fields(LimitRow)]
_KEY = (_TABLE.c.tenant_id, _TABLE.c.station_id, _TABLE.c.evse_id, _TABLE.c.limit_source)


def of_station(connection: Connection, tenant_id: str, station_id: str) -> Sequence[LimitRow]:
    """The limits of a station, locked."""
    query = sa.select(*_COLUMNS).where(_TABLE.c.tenant_id == tenant_id, _TABLE.c.station_id == station_id)
    return [LimitRow(**row) for row in connection.execute(query.order_by(*_KEY).with_for_update()).mappings()]


def schedules_of(row: LimitRow) -> Sequence[ChargingSchedule]:
    """The schedules of a limit."""
    return ChargingLimit.FromString(row.limit_pb).schedules


def save(connection: Connection, row: LimitRow) -> None:
    """Writes a limit, in the place of the one of the same EVSE and source."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    values = asdict(row)
    changed = {name: value for name, value in values.items() if name not in {column.name for column in _KEY}}
    connection.execute(insert(_TABLE).values(**values).on_conflict_do_update(index_elements=list(_KEY), set_=changed))


def filters(states: Callable[[str], int], sources: Callable[[str], int]) -> Mapping[str, Field]:
    """The fields that limits may be filtered by; `states` and `sources` read the words for them."""
    return {
        "state": Field(_TABLE.c.state, states),
        "evse_id": Field(_TABLE.c.evse_id, int),
        "limit_source": Field(_TABLE.c.limit_source, sources),
    }


def list_limits(connection: Connection, *, tenant_id: str, station_id: str, page: Page) -> Sequence[LimitRow]:
    """Limits of a station; `page.after` is (EVSE, source). Raises MeshError STATION_NOT_FOUND."""
    expect_station(connection, tenant_id, station_id)
    query = sa.select(*_COLUMNS).where(_TABLE.c.tenant_id == tenant_id, _TABLE.c.station_id == station_id)
    found = connection.execute(paged(query, page, _TABLE.c.evse_id, _TABLE.c.limit_source))
    return [LimitRow(**row) for row in found.mappings()]


def remove_old(connection: Connection, *, before_us: int, limit: int) -> int:
    """Removes up to `limit` of the limits that were cleared before a moment; returns their number."""
    old = sa.select(*_KEY).where(_TABLE.c.clear_us < before_us).order_by(_TABLE.c.clear_us).limit(limit)
    return connection.execute(sa.delete(_TABLE).where(sa.tuple_(*_KEY).in_(old))).rowcount
