"""The SQL of stations' serial numbers: confirmed at boots, and read for certificates. Each is part of a transaction."""

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from mesh.database.rowset import RowStatement
from station_svc.core.lock_store import StationKey
from station_svc.core.models import station
from station_svc.core.rows import ACCEPTED
from station_svc.core.serial_numbers import NamedStation, can_be_confirmed, names_of

# A 1.6 station may have reported its serial number as that of its charge box alone.
_REPORTED = sa.case((station.c.serial_number != "", station.c.serial_number), else_=station.c.charge_box_serial_number)
_COLUMNS = (
    station.c.tenant_id,
    station.c.station_id,
    station.c.expected_serial_number,
    station.c.confirmed_serial_number,
    _REPORTED.label("reported_serial_number"),
)
_CONFIRM = RowStatement(
    """
    UPDATE station SET confirmed_serial_number = rows.serial_number
    FROM {rows}
    WHERE station.tenant_id = rows.tenant_id AND station.station_id = rows.station_id
      AND station.confirmed_serial_number = ''
    """,
    tenant_id="text",
    station_id="text",
    serial_number="text",
)


def confirm(connection: Connection, locked: Mapping[StationKey, Any]) -> None:
    """Confirms the reported serial numbers of locked stations (`lock_stations`) that have none yet.

    Only of those whose last boot was accepted and whose connections prove them: whoever can connect as anybody reports
    nothing that counts.
    """
    unconfirmed = {key for key, row in locked.items() if row.security_profile and not row.confirmed_serial_number}
    if not unconfirmed:
        return
    query = sa.select(*_COLUMNS).where(_is_one_of(unconfirmed), station.c.boot_status == ACCEPTED, _REPORTED != "")
    candidates = [NamedStation(**row) for row in connection.execute(query).mappings()]
    if not candidates:
        return
    holders = _holders(connection, candidates, {one.reported_serial_number for one in candidates})
    rows = [
        {"tenant_id": one.tenant_id, "station_id": one.station_id, "serial_number": one.reported_serial_number}
        for one in candidates
        if can_be_confirmed(one, holders)
    ]
    if rows:
        _CONFIRM.run(connection, rows)


def certificate_names(connection: Connection, keys: Collection[StationKey]) -> Mapping[StationKey, Collection[str]]:
    """The names that each of the stations may have in its certificate; those that exist."""
    if not keys:
        return {}
    query = sa.select(*_COLUMNS).where(_is_one_of(keys))
    own = [NamedStation(**row) for row in connection.execute(query).mappings()]
    serials = {one.known_serial_number for one in own if one.known_serial_number}
    holders = _holders(connection, own, serials) if serials else []
    return {one.key: names_of(one, holders) for one in own}


def is_taken(connection: Connection, *, tenant_id: str, station_id: str, serial_number: str) -> bool:
    """Whether another station has a serial number by an operator's word, or as its identity."""
    query = sa.select(station.c.station_id).where(
        station.c.tenant_id == tenant_id,
        station.c.station_id != station_id,
        (station.c.station_id == serial_number) | (station.c.expected_serial_number == serial_number),
    )
    return connection.execute(query.limit(1)).first() is not None


def _holders(connection: Connection, stations: Collection[NamedStation], names: Collection[str]) -> list[NamedStation]:
    """The stations of the same tenants that have one of these names in any way."""
    held = (
        station.c.station_id,
        station.c.expected_serial_number,
        station.c.confirmed_serial_number,
        station.c.serial_number,
        station.c.charge_box_serial_number,
    )
    query = sa.select(*_COLUMNS).where(
        station.c.tenant_id.in_({one.tenant_id for one in stations}),
        sa.or_(*(column.in_(sorted(names)) for column in held)),
    )
    return [NamedStation(**row) for row in connection.execute(query).mappings()]


def _is_one_of(keys: Collection[StationKey]) -> ColumnElement[bool]:
    return sa.tuple_(station.c.tenant_id, station.c.station_id).in_(sorted(keys))
