"""The SQL of boots: the work of one transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from mesh.contract.quirk_names import QuirkName
from mesh.database.rowset import RowStatement
from mesh.events import outbox
from mesh.runtime.errors import MeshError
from mesh.runtime.times import SECOND_US
from station_svc.core import serial_number_store
from station_svc.core.lock_store import Json, frame_row, lock_stations, removed
from station_svc.core.reports import Boot
from station_svc.core.rows import ACCEPTED, TRIGGERED
from station_svc.ingest import events
from station_svc.ingest.attempt_store import find_message_attempts
from station_svc.ingest.rows import Booted, MessageAttempts
from station_svc.jobs import store as job_store

IDENTITY = (
    "model",
    "vendor_name",
    "serial_number",
    "firmware_version",
    "iccid",
    "imsi",
    "meter_serial_number",
    "meter_type",
    "charge_box_serial_number",
)
_BOOT = RowStatement(
    f"""
    UPDATE station SET {", ".join(f"{name} = rows.{name}" for name in IDENTITY)},
      boot_epoch = rows.epoch, boot_ordinal = rows.ordinal, boot_reason = rows.reason, boot_us = rows.receive_us,
      boot_status = rows.status, update_us = :now_us
    FROM {{rows}}
    WHERE station.tenant_id = rows.tenant_id AND station.station_id = rows.station_id
      AND (station.boot_epoch, station.boot_ordinal) < (rows.epoch, rows.ordinal)
    """,  # noqa: S608 - the project's own column names
    tenant_id="text",
    station_id="text",
    epoch="bigint",
    ordinal="bigint",
    receive_us="bigint",
    reason="integer",
    status="integer",
    **dict.fromkeys(IDENTITY, "text"),
)


# A station that has work to do and boots again within this time after it booted (quirk 24).
_SOON_US = 600 * SECOND_US


def record_boots(connection: Connection, boots: Sequence[Boot], now_us: int) -> list[Booted | MeshError]:
    """Records boots; for each, what the station is answered, or that there is no such station."""
    stations = lock_stations(connection, {boot.frame.station for boot in boots})
    known = sorted((boot for boot in boots if boot.frame.station in stations), key=lambda boot: boot.frame.version)
    latest = {boot.frame.station: boot for boot in known}
    statuses = {key: station.registration_status for key, station in stations.items()}
    _BOOT.run(connection, (_boot_row(boot, statuses[boot.frame.station]) for boot in latest.values()), now_us=now_us)
    outbox.append(connection, [events.booted(boot, statuses[boot.frame.station]) for boot in known])
    accepted = {key for key in latest if statuses[key] == ACCEPTED}
    serial_number_store.confirm(connection, {key: stations[key] for key in accepted})
    job_store.wake(connection, accepted, run_us=now_us + job_store.BOOT_ALLOWANCE_US)
    attempts = find_message_attempts(connection, latest)
    return [
        _to_booted(boot, stations[boot.frame.station], attempts.get(boot.frame.station))
        if boot.frame.station in stations
        else removed(boot.frame)
        for boot in boots
    ]


def _to_booted(boot: Boot, station: Any, attempts: MessageAttempts | None) -> Booted:
    # A station that was not accepted has to boot again, and a triggered boot is no restart.
    soon = (
        station.boot_status == ACCEPTED
        and boot.reason != TRIGGERED
        and 0 <= boot.frame.receive_us - station.boot_us < _SOON_US
        and boot.frame.epoch >= station.boot_epoch
    )
    return Booted(
        registration_status=station.registration_status,
        quirks=(QuirkName.REBOOTED_SOON,) if soon else (),
        message_attempts=attempts,
    )


def _boot_row(boot: Boot, status: int) -> Json:
    return {**frame_row(boot.frame), **boot.identity, "reason": boot.reason, "status": status}
