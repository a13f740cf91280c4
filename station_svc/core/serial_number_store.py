"""The SQL of stations' serial numbers: confirmed at boots, and read for certificates. Each is part of a transaction."""

from collections.abc import Collection, Mapping
from typing import Any

import grpc
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from mesh.database.rowset import RowStatement
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from station_svc.core import quota_store
from station_svc.core.lock_store import StationKey
from station_svc.core.models import station
from station_svc.core.rows import ACCEPTED
from station_svc.core.serial_numbers import Claim, NamedStation, can_be_confirmed, may_be_confirmed, names_of

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
    named = (NamedStation(**row) for row in connection.execute(query).mappings())
    candidates = [one for one in named if may_be_confirmed(one.reported_serial_number)]
    if not candidates:
        return
    for tenant_id in sorted({one.tenant_id for one in candidates}):
        quota_store.lock(connection, tenant_id)
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


def state(connection: Connection, *, tenant_id: str, station_id: str, serial_number: str) -> None:
    """Makes room for a serial number that an operator states for a station: one that has it by a report has it no more.

    Raises MeshError SERIAL_NUMBER_EXISTS where another one has it by an operator's word, or as its identity.
    """
    quota_store.lock(connection, tenant_id)
    if _is_taken(connection, tenant_id, station_id, serial_number):
        message = f"expected_serial_number: another station has {serial_number!r} already, or is called so"
        raise MeshError(grpc.StatusCode.ALREADY_EXISTS, Reason.SERIAL_NUMBER_EXISTS, message)
    weaker = sa.update(station).where(
        station.c.tenant_id == tenant_id,
        station.c.station_id != station_id,
        station.c.confirmed_serial_number == serial_number,
    )
    connection.execute(weaker.values(confirmed_serial_number=""))


def withdraw(connection: Connection, *, tenant_id: str, station_id: str) -> None:
    """Takes back what an operator stated: the confirmed serial number counts again, unless another one has it now."""
    quota_store.lock(connection, tenant_id)
    is_it = _is_one_of([(tenant_id, station_id)])
    named = NamedStation(**connection.execute(sa.select(*_COLUMNS).where(is_it)).mappings().one())
    name = named.confirmed_serial_number
    others = _holders(connection, [named], {name}) if name else []
    if any(one.key != named.key and one.claim(name) >= Claim.CONFIRMED for one in others):
        connection.execute(sa.update(station).where(is_it).values(confirmed_serial_number=""))


def names_another_board(connection: Connection, *, tenant_id: str, station_id: str, serial_number: str) -> bool:
    """Whether a serial number, which an operator is about to state for a station, is another than it has had so far.

    It has had the known one, else what it reported; before it has any, nothing is replaced.
    """
    query = sa.select(*_COLUMNS).where(_is_one_of([(tenant_id, station_id)]))
    row = connection.execute(query).mappings().first()
    if row is None or not serial_number:
        return False
    named = NamedStation(**row)
    return (named.known_serial_number or named.reported_serial_number or serial_number) != serial_number


def names_in_use(connection: Connection, tenant_id: str, station_ids: Collection[str]) -> set[str]:
    """The names, of these that new stations are to have, that are known serial numbers of the tenant's stations."""
    known = sa.case(
        (station.c.expected_serial_number != "", station.c.expected_serial_number),
        else_=station.c.confirmed_serial_number,
    )
    query = sa.select(station.c.station_id, known.label("serial_number")).where(
        station.c.tenant_id == tenant_id, known.in_(sorted(station_ids))
    )
    return {row.serial_number for row in connection.execute(query) if row.station_id != row.serial_number}


def name_in_use(station_id: str) -> MeshError:
    """ALREADY_EXISTS, reason SERIAL_NUMBER_EXISTS, of a station that is not added."""
    message = f"{station_id!r} is the serial number of another station, whose certificate would prove this one too"
    return MeshError(grpc.StatusCode.ALREADY_EXISTS, Reason.SERIAL_NUMBER_EXISTS, message)


def _is_taken(connection: Connection, tenant_id: str, station_id: str, serial_number: str) -> bool:
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
