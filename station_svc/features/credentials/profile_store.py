"""The SQL of stations' security profiles: the one that is required, and the one that a station was sent.

Each function is part of a transaction. A profile is sent before it is required, so that a station that could not change
over is not lost: docs/adr/0046.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from mesh.events import outbox
from station_svc.core import audit_store
from station_svc.core.certificate_age_store import from_us_once_proven
from station_svc.core.events import updated
from station_svc.core.lock_store import StationKey
from station_svc.core.models import station, station_connection, variable
from station_svc.core.station_store import is_station

_V16 = "1.6"
_COMPONENT, _DOWNGRADE = "SecurityCtrlr", "AllowSecurityProfileDowngrade"


@dataclass(frozen=True, kw_only=True)
class StationSecurity:
    """Facts that decide which profile a station may be sent; `allows_downgrade`: from 3 to 2, as it reported (2.x)."""

    profile: int
    next_profile: int
    has_credential: bool
    allows_downgrade: bool


def hold(connection: Connection, *, tenant_id: str, station_id: str) -> StationSecurity:
    """The security of a station, which stays locked for this transaction."""
    columns = (
        station.c.security_profile,
        station.c.next_security_profile,
        station.c.credential_digest,
        station.c.latest_epoch,
    )
    query = sa.select(*columns).where(is_station(tenant_id, station_id)).with_for_update()
    row = connection.execute(query).one()
    version = connection.execute(
        sa.select(station_connection.c.ocpp_version).where(station_connection.c.epoch == row.latest_epoch)
    ).scalar()
    is_v2 = version not in (None, "", _V16)
    allowed = sa.select(variable.c.value).where(
        variable.c.tenant_id == tenant_id,
        variable.c.station_id == station_id,
        variable.c.component == _COMPONENT,
        variable.c.variable == _DOWNGRADE,
        variable.c.attribute_type == "Actual",
    )
    return StationSecurity(
        profile=row.security_profile,
        next_profile=row.next_security_profile,
        has_credential=bool(row.credential_digest),
        allows_downgrade=is_v2 and "true" in map(str.lower, connection.execute(allowed).scalars()),
    )


def set_next(connection: Connection, *, tenant_id: str, station_id: str, profile: int, now_us: int) -> None:
    """Records the profile that a station is sent, from now on beside its own; 0: none."""
    query = (
        sa.update(station)
        .where(is_station(tenant_id, station_id), station.c.next_security_profile != profile)
        .values(next_security_profile=profile, update_us=now_us)
        .returning(station.c.registration_status)
    )
    status = connection.execute(query).scalar()
    if status is not None:
        event = updated(tenant_id=tenant_id, station_id=station_id, registration_status=status, now_us=now_us)
        outbox.append(connection, [event])


def withdraw_next(
    connection: Connection, *, tenant_id: str, station_id: str, profile: int, former: int, now_us: int
) -> None:
    """Puts the next profile back to what it was before, where it is still the one that the station refused."""
    query = sa.select(station.c.next_security_profile).where(is_station(tenant_id, station_id)).with_for_update()
    if connection.execute(query).scalar() == profile:
        set_next(connection, tenant_id=tenant_id, station_id=station_id, profile=former, now_us=now_us)


def confirm(connection: Connection, profiles: Mapping[StationKey, int], now_us: int) -> None:
    """Makes profiles required by which stations connected; the stations are locked by this transaction."""
    for (tenant_id, station_id), profile in sorted(profiles.items()):
        before = audit_store.hold(connection, tenant_id, station_id)
        if before is None:
            continue
        query = (
            sa.update(station)
            .where(is_station(tenant_id, station_id))
            .values(
                security_profile=profile,
                next_security_profile=0,
                certificates_from_us=from_us_once_proven(now_us),
                update_us=now_us,
            )
        )
        connection.execute(query)
        audit_store.changed(
            connection,
            tenant_id,
            station_id,
            before=before,
            after=before | {"security_profile": profile},
            details={"did": "connected by its new security profile"},
            actor=audit_store.as_station(station_id),
            now_us=now_us,
        )
        status = before["registration_status"]
        event = updated(tenant_id=tenant_id, station_id=station_id, registration_status=status, now_us=now_us)
        outbox.append(connection, [event])
