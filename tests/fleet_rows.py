"""Rows of stations for the lists of the whole fleet, written into the database of station_svc."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from csms.station.v1.charging_profile_pb2 import ChargingProfile
from sqlalchemy import Connection

from station_svc.core.models import variable
from station_svc.features.certificates.models import certificate_request, installed_certificate
from station_svc.features.local_lists.models import local_list
from station_svc.features.monitoring.models import alarm
from station_svc.features.reservations.models import reservation
from station_svc.features.smart_charging.models import charging_profile
from station_svc.follower.models import activity

FLEET_LISTS = {
    "ListReservations": "reservations",
    "ListChargingProfiles": "charging_profiles",
    "ListFirmwareUpdates": "firmware_updates",
    "ListLogUploads": "log_uploads",
    "ListInstalledCertificates": "installed_certificates",
    "ListCertificateRequests": "certificate_requests",
    "ListLocalLists": "local_lists",
}
"""The lists, and the field of the answer of each that has the rows."""


def add_fleet_rows(connection: Connection, station_id: str, *, now_us: int, number: int = 1) -> None:
    """A row of each list, an alarm and a drift, of a station of the tenant `default` that exists."""
    station = {"tenant_id": "default", "station_id": station_id}
    times = {"create_us": now_us, "update_us": now_us}
    for table, values in _rows(station_id, number, now_us):
        shared = {name: value for name, value in (station | times).items() if name in table.c}
        connection.execute(sa.insert(table).values(shared | values))


def _rows(station_id: str, number: int, now_us: int) -> Iterator[tuple[sa.Table, dict[str, Any]]]:
    """A row of each table, without its station and its times."""
    frame = {"epoch": 1, "ordinal": number}
    expire_us = now_us + 3_600_000_000
    token = {"id_token": "AB12", "id_token_type": "ISO14443", "token_key": "ab12"}
    yield reservation, token | {"reservation_id": number, "evse_id": 1, "expire_us": expire_us, "state": 2}
    profile = ChargingProfile(charging_profile_id=number, stack_level=1).SerializeToString()
    numbers = {"number": number, "evse_id": 1, "profile_id": number, "purpose": 1, "stack_level": 1, "state": 2}
    yield charging_profile, numbers | {"profile": profile}
    for kind in ("firmware_update", "log_upload"):
        yield activity, {"kind": kind, "task_id": number, "state": 2, "station_made": False, "is_signed": False}
    names = {"issuer_name_hash": station_id, "issuer_key_hash": "bb", "serial_number": str(number)}
    yield installed_certificate, names | {"certificate_type": 3, "hash_algorithm": 1}  # a root of the server
    request = {"certificate_type": 1, "state": 6, "serial_number": str(number)}
    yield certificate_request, request | frame | {"receive_us": now_us}
    names = {"alarm_id": f"1-{number}-0", "subject": str(number)}
    yield alarm, names | frame | {"state": 1, "open_us": now_us}
    key = {"component": "C", "component_instance": "", "variable": f"V{number}", "variable_instance": ""}
    key |= {"attribute_type": "Actual"}
    yield variable, key | {"evse_id": 0, "connector_id": 0, "value": "1", "wished_value": "2"}
    if number == 1:
        yield local_list, {"version": 3, "entries_version": 3, "entry_count": 7, "sync_state": 2}
