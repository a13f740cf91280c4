"""The SQL of network profiles. Each function is part of, or the whole of, one transaction."""

from collections.abc import Sequence
from dataclasses import asdict, fields

import sqlalchemy as sa
from sqlalchemy import Connection

from mesh.database.pages import Page
from mesh.database.rowset import RowStatement, columns_of
from station_svc.core.list_store import paged
from station_svc.core.station_store import expect_station
from station_svc.features.device_model.models import network_profile
from station_svc.features.device_model.rows import ProfileRow

_COLUMNS = [network_profile.c[one.name] for one in fields(ProfileRow)]
_SAVE = RowStatement(
    """
    INSERT INTO network_profile (tenant_id, station_id, configuration_slot, profile, status, username, update_us)
    SELECT rows.tenant_id, rows.station_id, rows.configuration_slot, rows.profile, rows.status, rows.username,
           rows.update_us
    FROM {rows} JOIN station ON station.tenant_id = rows.tenant_id AND station.station_id = rows.station_id
    WHERE true
    ON CONFLICT (tenant_id, station_id, configuration_slot)
    DO UPDATE SET profile = excluded.profile, status = excluded.status, username = excluded.username,
                  update_us = excluded.update_us
    """,
    **columns_of(network_profile),
)


def save(connection: Connection, row: ProfileRow) -> None:
    """Writes a profile in place of the one in its slot; nothing where the station was removed."""
    _SAVE.run(connection, [asdict(row)])


def list_profiles(connection: Connection, *, tenant_id: str, station_id: str, page: Page) -> Sequence[ProfileRow]:
    """Profiles of a station by their slots; `page.after` is the slot. Raises MeshError STATION_NOT_FOUND."""
    expect_station(connection, tenant_id, station_id)
    columns = network_profile.c
    query = sa.select(*_COLUMNS).where(columns.tenant_id == tenant_id, columns.station_id == station_id)
    return [ProfileRow(**row) for row in connection.execute(paged(query, page, columns.configuration_slot)).mappings()]
