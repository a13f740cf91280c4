"""The audit of stations: which of their fields are audited, and an entry for each change of them."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from mesh.audit import entries as audit
from mesh.identity.acting import Actor, ActorKind
from station_svc.core.models import station

FIELDS = (
    "registration_status",
    "display_name",
    "security_profile",
    "pinned_ocpp_version",
    "expected_serial_number",
)
"""Of a station, by the names of their columns. Its credential is none of them: entries tell that it changed."""
COLUMNS = tuple(station.c[name] for name in FIELDS)


def image(row: Any) -> dict[str, Any]:
    """The audited fields of a station, of a row that has them."""
    return {name: getattr(row, name) for name in FIELDS}


def hold(connection: Connection, tenant_id: str, station_id: str) -> dict[str, Any] | None:
    """The audited fields of a station, which stays locked for this transaction; None where there is none."""
    query = sa.select(*COLUMNS).where(station.c.tenant_id == tenant_id, station.c.station_id == station_id)
    row = connection.execute(query.with_for_update()).first()
    return None if row is None else image(row)


def changed(
    connection: Connection,
    tenant_id: str,
    station_id: str,
    *,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    now_us: int,
    actor: Actor | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Records a change of a station."""
    audit.changed(
        connection,
        tenant_id=tenant_id,
        resource_type="station",
        resource=station_id,
        station_id=station_id,
        before=before,
        after=after,
        actor=actor,
        details=details,
        time_us=now_us,
    )


def as_station(station_id: str) -> Actor:
    """A station as an actor, for what follows from its own reports."""
    return Actor(kind=ActorKind.STATION, name=station_id)
