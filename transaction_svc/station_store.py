"""The SQL of stations and their latest boots. Functions run inside a transaction that Database opens."""

from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection

from mesh.database.rowset import RowStatement, columns_of
from transaction_svc import models
from transaction_svc.grace import MessageAttempts

_UPSERT_STATIONS = RowStatement(
    """
    INSERT INTO station (tenant_id, station_id, vendor_name, model, firmware_version, boot_us, epoch, ordinal,
                         create_us, update_us, message_attempts, message_attempt_interval_s)
    SELECT tenant_id, station_id, vendor_name, model, firmware_version, boot_us, epoch, ordinal, now_us, now_us,
           message_attempts, message_attempt_interval_s
    FROM {rows} WHERE true
    ON CONFLICT (tenant_id, station_id) DO UPDATE SET
        vendor_name = excluded.vendor_name, model = excluded.model, firmware_version = excluded.firmware_version,
        boot_us = excluded.boot_us, epoch = excluded.epoch, ordinal = excluded.ordinal, update_us = excluded.update_us,
        message_attempts = excluded.message_attempts, message_attempt_interval_s = excluded.message_attempt_interval_s
    WHERE (station.epoch, station.ordinal) < (excluded.epoch, excluded.ordinal)
    """,
    tenant_id="text",
    station_id="text",
    vendor_name="text",
    model="text",
    firmware_version="text",
    boot_us="bigint",
    epoch="bigint",
    ordinal="bigint",
    now_us="bigint",
    message_attempts="integer",
    message_attempt_interval_s="integer",
)
_FIND_ATTEMPTS = RowStatement(
    """
    SELECT s.tenant_id, s.station_id, s.message_attempts, s.message_attempt_interval_s
    FROM {rows} JOIN station s ON s.tenant_id = rows.tenant_id AND s.station_id = rows.station_id
     AND s.message_attempts IS NOT NULL AND s.message_attempt_interval_s IS NOT NULL
    """,
    **columns_of(models.station, "tenant_id", "station_id"),
)


def write_stations(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Writes the latest boot of stations, one row each; a boot that is older than the stored one changes nothing."""
    _UPSERT_STATIONS.run(connection, sorted(rows, key=itemgetter("tenant_id", "station_id")))


def find_attempts(
    connection: Connection, stations: Iterable[tuple[str, str]]
) -> Mapping[tuple[str, str], MessageAttempts]:
    """The message attempts of stations, each (tenant_id, station_id), where they are known from the latest boot."""
    wanted = [{"tenant_id": tenant_id, "station_id": station_id} for tenant_id, station_id in stations]
    return {
        (row.tenant_id, row.station_id): MessageAttempts(
            count=row.message_attempts, interval_s=row.message_attempt_interval_s
        )
        for row in _FIND_ATTEMPTS.run(connection, wanted)
    }
