"""The SQL of the certificate by which a station proves itself. Each function is part of a transaction."""

import sqlalchemy as sa
from csms.common.v1 import certificate_pb2
from sqlalchemy import Connection

from station_svc.core.certificate_age_store import CURRENT_COLUMNS
from station_svc.core.models import station, station_connection
from station_svc.core.own_certificates import is_current, is_outdated
from station_svc.core.profiles import BY_CERTIFICATE, is_named_by
from station_svc.core.serial_numbers import known_serial_numbers
from station_svc.core.station_store import is_station
from station_svc.features.certificates.models import certificate_request
from station_svc.features.certificates.rows import RequestState

_TOWARDS_CSMS = (
    certificate_pb2.CERTIFICATE_SIGNING_USE_UNSPECIFIED,  # both uses, or the only one of 1.6
    certificate_pb2.CERTIFICATE_SIGNING_USE_CHARGING_STATION_CERTIFICATE,
)


def has_certificate(connection: Connection, *, tenant_id: str, station_id: str, now_us: int) -> bool:
    """Whether a station can connect by a certificate: it does so already, was given one, or has shown one."""
    row = connection.execute(sa.select(*CURRENT_COLUMNS).where(is_station(tenant_id, station_id))).first()
    if row is None:
        return False
    if row.security_profile == BY_CERTIFICATE or _has_shown_one(connection, tenant_id, station_id, now_us):
        return True
    table = certificate_request.c
    delivered = sa.select(table.receive_us).where(
        table.tenant_id == tenant_id,
        table.station_id == station_id,
        table.state == RequestState.DELIVERED.value,
        table.certificate_type.in_(_TOWARDS_CSMS),
        table.expire_us > now_us,
    )
    return any(is_current(receive_us, row) for receive_us in connection.execute(delivered).scalars())


def _has_shown_one(connection: Connection, tenant_id: str, station_id: str, now_us: int) -> bool:
    shown = station_connection.c
    query = (
        sa.select(
            *CURRENT_COLUMNS,
            station.c.expected_serial_number,
            station.c.confirmed_serial_number,
            shown.certificate_common_name,
            shown.certificate_issue_us,
        )
        .join(station_connection, shown.epoch == station.c.latest_epoch)
        .where(is_station(tenant_id, station_id), shown.certificate_expire_us > now_us)
    )
    row = connection.execute(query).first()
    if row is None or is_outdated(row.certificate_issue_us, row):
        return False
    return is_named_by(
        row.certificate_common_name,
        station_id=station_id,
        serial_numbers=known_serial_numbers(row),
        is_signed_here=is_current(row.certificate_issue_us, row),
    )
