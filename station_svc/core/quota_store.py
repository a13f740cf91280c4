"""The SQL of quotas: how many stations a tenant may still add."""

from collections.abc import Collection

import grpc
import sqlalchemy as sa
from sqlalchemy import Connection, text

from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from station_svc.core.models import station

# Of two transactions that add stations of one tenant with a quota, the second counts those of the first.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('stations:' || :tenant_id, 0))")


def room(connection: Connection, *, tenant_id: str, most: int) -> int:
    """How many stations the tenant may add until this transaction ends, of at most `most` in all.

    Each call locks (`lock`); a transaction that asks for several tenants asks in the order of their ids.
    """
    lock(connection, tenant_id)
    query = sa.select(sa.func.count()).select_from(station).where(station.c.tenant_id == tenant_id)
    return max(0, most - connection.execute(query).scalar_one())


def lock(connection: Connection, tenant_id: str) -> None:
    """Holds the set of a tenant's stations and of their names until this transaction ends: one at a time changes it.

    Rows of stations are locked before, never after.
    """
    if connection.dialect.name == "postgresql":  # on SQLite a transaction that may write has the database to itself
        connection.execute(_LOCK, {"tenant_id": tenant_id})


def new_ones(connection: Connection, *, tenant_id: str, station_ids: Collection[str]) -> set[str]:
    """The given ids that the tenant does not have."""
    query = sa.select(station.c.station_id).where(
        station.c.tenant_id == tenant_id, station.c.station_id.in_(list(station_ids))
    )
    return set(station_ids) - set(connection.execute(query).scalars())


def quota_reached(most: int) -> MeshError:
    """RESOURCE_EXHAUSTED, reason TENANT_QUOTA_REACHED."""
    return MeshError(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        Reason.TENANT_QUOTA_REACHED,
        f"the tenant has as many stations as its quota allows, {most}: a platform administrator can raise it",
        {"quota": "max_stations", "limit": str(most)},
    )
