"""The SQL of conditions: what needs a person at stations, one query for each kind (mesh/conditions/queries.py).

None has an index of its own: each reads the stations of a tenant, or their connectors or conditions, by the keys.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement

from mesh.conditions.queries import key_columns, time_columns
from mesh.runtime.times import DAY_US, SECOND_US
from station_svc.core.models import condition, connector, station, station_connection
from station_svc.core.rows import ACCEPTED, BOOT_REFUSED, CLOCK_SKEW, FAULTED, PENDING, REJECTED, UNRESPONSIVE
from station_svc.features.availability.models import status_report
from station_svc.features.monitoring.models import alarm

OFFLINE_S = 300
_LATEST = station_connection.c.epoch == station.c.latest_epoch
_RECENT_FAILURES_US = DAY_US
# Critical of OCPP (part 2, SetMonitoringDataType): 0 is danger, and what is above 3 can wait.
_LEAST_SEVERE = 3


def offline(tenant_id: str, now_us: int, *, after_s: int = OFFLINE_S) -> sa.Select[Any]:
    """Accepted stations whose latest connection was closed longer ago than `after_s`."""
    closed_us = station_connection.c.disconnect_us
    return (
        sa.select(
            *key_columns(station.c.station_id, station.c.station_id),
            *time_columns(closed_us, closed_us),
            station_connection.c.close_code,
            station_connection.c.remote_address,
            station_connection.c.ocpp_version,
            station_connection.c.connect_us,
            station.c.failed_credential_us,
            station.c.failed_credential_reason,
        )
        .join(station_connection, _LATEST)
        .where(
            station.c.tenant_id == tenant_id,
            station.c.registration_status == ACCEPTED,
            closed_us < now_us - after_s * SECOND_US,
        )
    )


def faulted(tenant_id: str, now_us: int) -> sa.Select[Any]:
    """Connectors whose status is Faulted, since the frame at which it last changed."""
    del now_us
    same_frame = sa.and_(
        status_report.c.tenant_id == connector.c.tenant_id,
        status_report.c.station_id == connector.c.station_id,
        status_report.c.epoch == connector.c.changed_epoch,
        status_report.c.ordinal == connector.c.changed_ordinal,
        status_report.c.evse_id == connector.c.evse_id,
        status_report.c.connector_id == connector.c.connector_id,
    )
    begin_us = sa.func.coalesce(status_report.c.receive_us, connector.c.receive_us)
    return (
        sa.select(
            *key_columns(
                connector.c.station_id,
                connector.c.station_id,
                third=connector.c.evse_id,
                fourth=connector.c.connector_id,
            ),
            *time_columns(begin_us, connector.c.receive_us),
            connector.c.reported_status,
            connector.c.error_code,
            status_report.c.info,
            status_report.c.vendor_id,
            status_report.c.vendor_error_code,
        )
        .outerjoin(status_report, same_frame)
        .where(connector.c.tenant_id == tenant_id, connector.c.status == FAULTED)
    )


def pending(tenant_id: str, now_us: int) -> sa.Select[Any]:
    """Stations that wait for an operator."""
    del now_us
    last_us = sa.func.coalesce(station.c.boot_us, station.c.create_us)
    return sa.select(
        *key_columns(station.c.station_id, station.c.station_id),
        *time_columns(station.c.create_us, last_us),
        station.c.vendor_name,
        station.c.model,
        station.c.serial_number,
    ).where(station.c.tenant_id == tenant_id, station.c.registration_status == PENDING)


def boot_refused(tenant_id: str, now_us: int) -> sa.Select[Any]:
    """Stations whose boots are refused."""
    del now_us
    query = _reported(tenant_id, BOOT_REFUSED)
    return query.add_columns((station.c.registration_status == REJECTED).label("is_rejected"))


def unresponsive(tenant_id: str, now_us: int) -> sa.Select[Any]:
    """Stations that are connected, and have not answered the latest CALLs."""
    del now_us
    return (
        _reported(tenant_id, UNRESPONSIVE)
        .join(station_connection, _LATEST)
        .where(station_connection.c.disconnect_us.is_(None))
    )


def clock_skewed(tenant_id: str, now_us: int) -> sa.Select[Any]:
    """Stations whose clock is wrong."""
    del now_us
    return _reported(tenant_id, CLOCK_SKEW, is_counted=False)


def credential_refused(tenant_id: str, now_us: int) -> sa.Select[Any]:
    """Stations in whose name connections were refused within the last day."""
    last_us = station.c.failed_credential_us
    return sa.select(
        *key_columns(station.c.station_id, station.c.station_id),
        *time_columns(
            sa.func.coalesce(station.c.failed_credential_begin_us, last_us),
            last_us,
            station.c.failed_credentials - station.c.failed_credentials_before,
        ),
        station.c.failed_credential_address,
        station.c.failed_credential_reason,
        station.c.security_profile,
    ).where(station.c.tenant_id == tenant_id, last_us > now_us - _RECENT_FAILURES_US)


def alarm_open(tenant_id: str, now_us: int) -> sa.Select[Any]:
    """Open alarms of the severities that need a person."""
    del now_us
    return sa.select(
        *key_columns(alarm.c.station_id, alarm.c.station_id, alarm.c.alarm_id),
        *time_columns(alarm.c.open_us, alarm.c.update_us, alarm.c["count"]),
        alarm.c.component,
        alarm.c.variable,
        alarm.c.value,
        alarm.c.severity,
        alarm.c.monitor_id,
        alarm.c.tech_code,
        alarm.c.tech_info,
        alarm.c.evse_id,
        alarm.c.connector_id,
    ).where(alarm.c.tenant_id == tenant_id, alarm.c.close_us.is_(None), alarm.c.severity <= _LEAST_SEVERE)


def _reported(tenant_id: str, kind: int, *, is_counted: bool = True) -> sa.Select[Any]:
    """Stations with a condition that gateways report; `size` is how often it was met, or how large it is."""
    same_station = sa.and_(station.c.tenant_id == condition.c.tenant_id, station.c.station_id == condition.c.station_id)
    times: ColumnElement[Any] = condition.c.size if is_counted else sa.literal_column("1", sa.Integer)
    return (
        sa.select(
            *key_columns(condition.c.station_id, condition.c.station_id),
            *time_columns(condition.c.begin_us, condition.c.update_us, times),
            condition.c.size,
            condition.c.reason.label("text"),
        )
        .select_from(condition)
        .join(station, same_station)
        .where(condition.c.tenant_id == tenant_id, condition.c.kind == kind, condition.c.size != 0)
    )
