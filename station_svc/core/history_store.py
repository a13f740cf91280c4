"""The SQL of the histories of stations: tables of a row per frame, such as those of features."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from mesh.database.pages import Page
from station_svc.core.list_store import paged
from station_svc.core.models import removal
from station_svc.core.station_store import expect_station


def history(connection: Connection, table: sa.Table, tenant_id: str, station_id: str, page: Page) -> Sequence[Row[Any]]:
    """Rows of a station's history, newest first; `page.after` is (epoch, ordinal). Raises MeshError STATION_NOT_FOUND.

    `table` has one row per frame, by its epoch and ordinal, and is registered (storage.py): it goes with the station.
    """
    expect_station(connection, tenant_id, station_id)
    query = of_station(table, tenant_id, station_id)
    return connection.execute(paged(query, page, table.c.epoch, table.c.ordinal, newest_first=True)).all()


def of_station(table: sa.Table, tenant_id: str, station_id: str) -> sa.Select[Any]:
    """The rows of a station's history."""
    # Rows of an earlier station of this name, while they are still being removed.
    removed = sa.select(removal.c.through_epoch).where(
        removal.c.tenant_id == tenant_id, removal.c.station_id == station_id
    )
    return sa.select(table).where(
        table.c.tenant_id == tenant_id,
        table.c.station_id == station_id,
        table.c.epoch > sa.func.coalesce(removed.scalar_subquery(), -1),
    )


def of_stations(table: sa.Table, tenant_id: str) -> sa.Select[Any]:
    """The rows of the histories of all stations of a tenant."""
    removed = sa.select(removal.c.through_epoch).where(
        removal.c.tenant_id == tenant_id, removal.c.station_id == table.c.station_id
    )
    through = removed.correlate(table).scalar_subquery()
    return sa.select(table).where(table.c.tenant_id == tenant_id, table.c.epoch > sa.func.coalesce(through, -1))
