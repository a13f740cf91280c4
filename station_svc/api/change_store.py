"""The SQL of what operators change about stations. Each function is the work of one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from mesh.database.rowset import RowStatement
from mesh.events import outbox
from mesh.identity.callers import Caller, Scope
from mesh.runtime.errors import MeshError
from station_svc.api import newcomers, removals
from station_svc.commands.preconditions import V16
from station_svc.core import audit_store, events, placement_store, quota_store, serial_number_store
from station_svc.core.certificate_age_store import from_us_once_proven
from station_svc.core.digests import StoredCredential
from station_svc.core.models import node, removal, station, station_connection
from station_svc.core.placement_store import PlacementChange
from station_svc.core.rows import ACCEPTED, PENDING
from station_svc.core.socket_store import open_sockets
from station_svc.core.station_rows import Socket
from station_svc.core.station_store import is_station, not_found
from station_svc.jobs import store as job_store


@dataclass(frozen=True, kw_only=True)
class NewStation:
    """A station that is about to be added."""

    station_id: str
    display_name: str
    security_profile: int
    credential: StoredCredential
    site_id: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


_CREATE = RowStatement(
    """
    INSERT INTO station (tenant_id, station_id, registration_status, display_name, security_profile, credential_salt,
                         credential_digest, create_us, update_us)
    SELECT :tenant_id, rows.station_id, :status, rows.display_name, rows.security_profile, rows.salt, rows.digest,
           :now_us, :now_us
    FROM {rows} WHERE true ORDER BY rows.station_id
    ON CONFLICT DO NOTHING RETURNING station_id
    """,
    station_id="text",
    display_name="text",
    security_profile="integer",
    salt="text",
    digest="text",
)
_EXISTING = RowStatement(
    """
    SELECT station.station_id
    FROM {rows} JOIN station ON station.tenant_id = :tenant_id AND station.station_id = rows.station_id
    """,
    station_id="text",
)


def create_stations(
    connection: Connection,
    *,
    caller: Caller,
    scope: Scope,
    stations: Sequence[NewStation],
    max_stations: int,
    now_us: int,
) -> set[str]:
    """Adds stations, accepted; returns the ids of those that were added: `refusals` has the others.

    Raises MeshError SITE_NOT_FOUND, SCOPE_TOO_NARROW; TENANT_QUOTA_REACHED where the tenant would have more than
    `max_stations`, unless that is 0.
    """
    tenant_id = caller.tenant_id
    if max_stations:
        _check_quota(connection, tenant_id, [one.station_id for one in stations], max_stations)
    quota_store.lock(connection, tenant_id)
    in_use = serial_number_store.names_in_use(connection, tenant_id, [one.station_id for one in stations])
    rows = [_row(one) for one in stations if one.station_id not in in_use]
    added = set(_CREATE.run(connection, rows, tenant_id=tenant_id, status=ACCEPTED, now_us=now_us).scalars())
    created = partial(events.created, tenant_id=tenant_id, registration_status=ACCEPTED, onboarded=False, now_us=now_us)
    outbox.append(connection, [created(station_id=station_id) for station_id in sorted(added)])
    _audit_created(connection, tenant_id, [one for one in stations if one.station_id in added], now_us)
    placements = [
        PlacementChange(station_id=one.station_id, site_id=one.site_id, labels=one.labels)
        for one in stations
        if one.station_id in added and (one.site_id or one.labels or not scope.is_whole)
    ]
    if placements:
        placement_store.place_stations(
            connection, placements, tenant_id=tenant_id, scope=scope, username=caller.username, now_us=now_us
        )
    return added


def _row(new: NewStation) -> dict[str, str | int]:
    return {
        "station_id": new.station_id,
        "display_name": new.display_name,
        "security_profile": new.security_profile,
        "salt": new.credential.salt,
        "digest": new.credential.digest,
    }


def _audit_created(connection: Connection, tenant_id: str, stations: Sequence[NewStation], now_us: int) -> None:
    for one in stations:
        audit_store.changed(connection, tenant_id, one.station_id, before=None, after=_image(one), now_us=now_us)


def _image(new: NewStation) -> dict[str, str | int]:
    """The audited fields of a station as it is added."""
    return {
        "registration_status": ACCEPTED,
        "display_name": new.display_name,
        "security_profile": new.security_profile,
        "pinned_ocpp_version": "",
        "expected_serial_number": "",
    }


def _check_quota(connection: Connection, tenant_id: str, station_ids: Sequence[str], most: int) -> None:
    room = quota_store.room(connection, tenant_id=tenant_id, most=most)
    if len(quota_store.new_ones(connection, tenant_id=tenant_id, station_ids=station_ids)) > room:
        raise quota_store.quota_reached(most)


def refusals(connection: Connection, *, tenant_id: str, station_ids: Sequence[str]) -> Mapping[str, MeshError]:
    """The errors of the given ones that cannot be added: STATION_EXISTS, SERIAL_NUMBER_EXISTS."""
    if not station_ids:
        return {}
    rows = [{"station_id": station_id} for station_id in station_ids]
    there = _EXISTING.run(connection, rows, tenant_id=tenant_id).scalars()
    in_use = serial_number_store.names_in_use(connection, tenant_id, station_ids)
    named = {station_id: serial_number_store.name_in_use(station_id) for station_id in in_use}
    return named | {station_id: newcomers.exists(station_id) for station_id in there}


def update_station(
    connection: Connection, *, tenant_id: str, station_id: str, values: Mapping[str, str | int], now_us: int
) -> Sequence[Socket]:
    """Changes columns of a station. Raises MeshError STATION_NOT_FOUND or SERIAL_NUMBER_EXISTS.

    Returns the sockets that are to be closed, since they were opened by a station that was still accepted. One of 2.x
    that becomes pending keeps its own (B02.FR.06): its next boot is answered Pending. A security profile takes the
    place of one that the station was sent, too. Once another board is expected, certificates that were signed here for
    the former one prove the station no more.
    """
    before = audit_store.hold(connection, tenant_id, station_id)
    if before is None:
        raise not_found(station_id)
    serial_number = str(values.get("expected_serial_number", ""))
    names = {"tenant_id": tenant_id, "station_id": station_id}
    following: dict[str, Any] = {}
    if "security_profile" in values:
        following = {"next_security_profile": 0, "certificates_from_us": from_us_once_proven(now_us)}
    if serial_number:
        serial_number_store.state(connection, **names, serial_number=serial_number)
    elif "expected_serial_number" in values:
        serial_number_store.withdraw(connection, **names)
    if serial_number_store.names_another_board(connection, **names, serial_number=serial_number):
        following["certificates_from_us"] = now_us
    query = (
        sa.update(station)
        .where(is_station(tenant_id, station_id))
        .values(**values, **following, update_us=now_us)
        .returning(station.c.latest_epoch, *audit_store.COLUMNS)
    )
    row = connection.execute(query).one()
    status, status_before = row.registration_status, before["registration_status"]
    audit_store.changed(connection, tenant_id, station_id, before=before, after=audit_store.image(row), now_us=now_us)
    event = events.updated(tenant_id=tenant_id, station_id=station_id, registration_status=status, now_us=now_us)
    outbox.append(connection, [event])
    if status == ACCEPTED or status_before != ACCEPTED:
        return []
    only_version = V16 if status == PENDING else None
    return open_sockets(connection, row.latest_epoch, now_us, only_version=only_version)


def delete_station(
    connection: Connection,
    *,
    tenant_id: str,
    station_id: str,
    present: Iterable[sa.Table],
    notify_transactions: bool,
    now_us: int,
) -> Sequence[Socket]:
    """Removes a station, with its rows in `present`; its history goes in the background, but is not seen from now on.

    With `notify_transactions` a job is queued that has transaction_svc end what is open there. Returns the sockets that
    are to be closed. Raises MeshError STATION_NOT_FOUND.
    """
    query = sa.delete(station).where(is_station(tenant_id, station_id))
    removed = connection.execute(query.returning(station.c.latest_epoch, *audit_store.COLUMNS)).first()
    if removed is None:
        raise not_found(station_id)
    latest_epoch: int = removed.latest_epoch
    audit_store.changed(connection, tenant_id, station_id, before=audit_store.image(removed), after=None, now_us=now_us)
    for table in present:
        connection.execute(sa.delete(table).where(table.c.tenant_id == tenant_id, table.c.station_id == station_id))
    placement_store.forget(connection, tenant_id, station_id)
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    tombstone = insert(removal).values(tenant_id=tenant_id, station_id=station_id, through_epoch=latest_epoch)
    connection.execute(
        tombstone.on_conflict_do_update(
            index_elements=[removal.c.tenant_id, removal.c.station_id],
            set_={"through_epoch": tombstone.excluded.through_epoch},
        )
    )
    outbox.append(connection, [events.deleted(tenant_id=tenant_id, station_id=station_id, now_us=now_us)])
    job_store.wake(connection, [(tenant_id, station_id)], run_us=now_us)  # they end: there is no such station
    if notify_transactions:
        job = removals.new_job(tenant_id=tenant_id, station_id=station_id, through_epoch=latest_epoch, now_us=now_us)
        job_store.add(connection, job, now_us)
    return _close_latest(connection, latest_epoch, now_us)


def _close_latest(connection: Connection, epoch: int, now_us: int) -> Sequence[Socket]:
    closed = (
        sa.update(station_connection)
        .where(station_connection.c.epoch == epoch, station_connection.c.disconnect_us.is_(None))
        .values(disconnect_us=now_us)
        .returning(station_connection.c.tenant_id, station_connection.c.station_id, station_connection.c.node_id)
    )
    row = connection.execute(closed).first()
    if row is None:
        return []
    address = connection.execute(
        sa.select(node.c.address).where(node.c.node_id == row.node_id, node.c.lease_end_us > now_us)
    )
    return [
        Socket(tenant_id=row.tenant_id, station_id=row.station_id, epoch=epoch, address=found)
        for found in address.scalars()
    ]
