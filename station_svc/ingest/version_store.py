"""The SQL of stations that boot over another OCPP version than before."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from mesh.database.rowset import RowStatement
from station_svc.core.reports import Boot, VersionChange

_CHANGES = RowStatement(
    """
    SELECT DISTINCT station.tenant_id, station.station_id, rows.epoch, rows.receive_us,
           earlier.ocpp_version AS before, later.ocpp_version AS after
    FROM {rows}
    JOIN station ON station.tenant_id = rows.tenant_id AND station.station_id = rows.station_id
    JOIN connection AS earlier ON earlier.epoch = station.boot_epoch
    JOIN connection AS later ON later.epoch = rows.epoch
    WHERE station.boot_epoch < rows.epoch AND earlier.ocpp_version <> later.ocpp_version
    ORDER BY station.tenant_id, station.station_id, rows.epoch
    """,
    tenant_id="text",
    station_id="text",
    epoch="bigint",
    receive_us="bigint",
)

_PRESENT = text(
    """
    SELECT station.boot_epoch, station.boot_us, connection.ocpp_version
    FROM station JOIN connection ON connection.epoch = station.boot_epoch
    WHERE station.tenant_id = :tenant_id AND station.station_id = :station_id
    """
)


def find_changes(connection: Connection, boots: Sequence[Boot]) -> list[VersionChange]:
    """The changes that boots make, which are not recorded yet. A connection that is no longer kept makes none."""
    rows = [
        {
            "tenant_id": boot.frame.tenant_id,
            "station_id": boot.frame.station_id,
            "epoch": boot.frame.epoch,
            "receive_us": boot.frame.receive_us,
        }
        for boot in boots
    ]
    return [
        VersionChange(
            tenant_id=row.tenant_id,
            station_id=row.station_id,
            epoch=row.epoch,
            receive_us=row.receive_us,
            before=row.before,
            after=row.after,
        )
        for row in _CHANGES.run(connection, rows)
    ]


def find_present(connection: Connection, tenant_id: str, station_id: str, *, before: str) -> VersionChange | None:
    """The latest boot of a station as a change from the version `before`; None where its connection is not kept."""
    row = connection.execute(_PRESENT, {"tenant_id": tenant_id, "station_id": station_id}).first()
    if row is None:
        return None
    return VersionChange(
        tenant_id=tenant_id,
        station_id=station_id,
        epoch=row.boot_epoch,
        receive_us=row.boot_us,
        before=before,
        after=row.ocpp_version,
    )
