"""The audited fields of all that station_svc audits, from its tables."""

from typing import Any

import sqlalchemy as sa

from mesh.audit.replay import Key
from mesh.database.engine import Database
from mesh.identity.callers import WHOLE_TENANT
from station_svc.core import audit_store, placement_store
from station_svc.core.models import site, station, station_placement
from station_svc.features.reservations.models import reservation
from station_svc.features.reservations.rules import AUDITED
from station_svc.features.sites import store as site_store
from station_svc.rollouts import store as rollout_store
from station_svc.rollouts.models import rollout

State = dict[Key, dict[str, Any]]


async def read_state(database: Database, tenant_id: str = "default") -> State:
    """Of stations, placements, sites, reservations and rollouts."""
    return await database.read(lambda connection: _read(connection, tenant_id))


def _read(connection: sa.Connection, tenant_id: str) -> State:
    def rows(table: sa.Table) -> Any:
        return connection.execute(sa.select(table).where(table.c.tenant_id == tenant_id)).all()

    state: State = {("station", row.station_id): audit_store.image(row) for row in rows(station)}
    for row in rows(station_placement):
        fields = {"site_id": row.site_id, "labels": placement_store.labels_of(row.labels)}
        if any(fields.values()):
            state["station_placement", row.station_id] = fields
    for row in rows(site):
        found = site_store.get(connection, tenant_id=tenant_id, site_id=row.site_id, scope=WHOLE_TENANT)
        state["site", row.site_id] = site_store.audited_fields(found)
    for row in rows(reservation):
        fields = {name: getattr(row, name) for name in AUDITED}
        state["reservation", f"{row.station_id}/{row.reservation_id}"] = fields
    for row in rows(rollout):
        made = rollout_store.get(connection, tenant_id, row.rollout_id)
        state["rollout", row.rollout_id] = rollout_store.audited_fields(made)
    return state
