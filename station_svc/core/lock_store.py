"""Locks of stations, for the SQL of gateways' reports.

Stations are locked in the order of their keys before anything of them is changed, so that concurrent batches cannot
deadlock. A frame of a station that was removed is not stored.
"""

from collections.abc import Collection
from typing import Any

import grpc
from sqlalchemy import Connection

from mesh.database.rowset import RowStatement, run_prepared
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from station_svc.core.rows import Frame

Json = dict[str, Any]
StationKey = tuple[str, str]

_LOCK_STATIONS = RowStatement(
    """
    SELECT station.tenant_id, station.station_id, station.latest_epoch, station.registration_status,
           station.boot_status, station.boot_epoch, station.boot_us,
           station.security_profile, station.confirmed_serial_number
    FROM {rows} JOIN station ON station.tenant_id = rows.tenant_id AND station.station_id = rows.station_id
    ORDER BY station.tenant_id, station.station_id FOR UPDATE OF station
    """,
    tenant_id="text",
    station_id="text",
)


def lock_stations(connection: Connection, keys: Collection[StationKey]) -> dict[StationKey, Any]:
    """Locks stations until the transaction ends; the rows of those that exist, by key."""
    rows = _LOCK_STATIONS.run(connection, [{"tenant_id": key[0], "station_id": key[1]} for key in keys])
    return {(row.tenant_id, row.station_id): row for row in rows}


# OFFSET keeps the planner from joining: a plan is kept, and made while there may be no stations yet.
_KNOWN_STATIONS = RowStatement(
    """
    SELECT rows.tenant_id, rows.station_id FROM {rows}
    WHERE EXISTS (SELECT 1 FROM station WHERE station.tenant_id = rows.tenant_id
                    AND station.station_id = rows.station_id LIMIT 1 OFFSET 0)
    """,
    tenant_id="text",
    station_id="text",
)


def known_stations(connection: Connection, keys: Collection[StationKey]) -> set[StationKey]:
    """The stations that exist, of those given."""
    asked = [{"tenant_id": key[0], "station_id": key[1]} for key in keys]
    return {(tenant_id, station_id) for tenant_id, station_id in run_prepared(connection, (_KNOWN_STATIONS, asked))}


def frame_row(frame: Frame) -> Json:
    """The columns of a frame."""
    return {
        "tenant_id": frame.tenant_id,
        "station_id": frame.station_id,
        "epoch": frame.epoch,
        "ordinal": frame.ordinal,
        "receive_us": frame.receive_us,
    }


def removed(frame: Frame) -> MeshError:
    """The error of a report whose station does not exist (any more)."""
    return MeshError(
        grpc.StatusCode.NOT_FOUND, Reason.STATION_UNKNOWN, f"no station {frame.station_id} is registered here"
    )
