"""The SQL of connectors' statuses: the work of one transaction.

A quiet fleet sends statuses one at a time, so the price of one is that of its transaction: two round trips, of
statements that are prepared.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection

from mesh.database.rowset import RowStatement, columns_of, run_later, run_prepared
from mesh.events import outbox
from mesh.runtime.errors import MeshError
from station_svc.core.lock_store import Json, StationKey, frame_row, known_stations, removed
from station_svc.core.reports import Status
from station_svc.feature import StatusHandler
from station_svc.features.availability.models import status_report
from station_svc.ingest import events

_STATUS_COLUMNS = columns_of(status_report)
# OFFSET keeps the planner from joining: a plan is kept, and made while there may be no stations yet.
_KNOWN = """EXISTS (SELECT 1 FROM station WHERE station.tenant_id = rows.tenant_id
                    AND station.station_id = rows.station_id LIMIT 1 OFFSET 0)"""
_REPORT = RowStatement(
    f"""
    INSERT INTO status_report (tenant_id, station_id, epoch, ordinal, evse_id, connector_id, status, reported_status,
                               error_code, info, vendor_id, vendor_error_code, status_us, receive_us)
    SELECT tenant_id, station_id, epoch, ordinal, evse_id, connector_id, status, reported_status,
           error_code, info, vendor_id, vendor_error_code, status_us, receive_us
    FROM {{rows}} WHERE {_KNOWN} ON CONFLICT (tenant_id, station_id, epoch, ordinal) DO NOTHING
    """,  # noqa: S608 - the project's own words
    **_STATUS_COLUMNS,
)
# One row per connector. `changed_*` are set to the frame's own where the status changed, which RETURNING shows.
_CURRENT = RowStatement(
    f"""
    INSERT INTO connector (tenant_id, station_id, evse_id, connector_id, status, reported_status, error_code,
                           status_us, receive_us, epoch, ordinal, changed_epoch, changed_ordinal)
    SELECT tenant_id, station_id, evse_id, connector_id, status, reported_status, error_code,
           COALESCE(status_us, receive_us), receive_us, epoch, ordinal, epoch, ordinal
    FROM {{rows}} WHERE {_KNOWN}
    ON CONFLICT (tenant_id, station_id, evse_id, connector_id) DO UPDATE SET
      status = excluded.status, reported_status = excluded.reported_status, error_code = excluded.error_code,
      status_us = excluded.status_us, receive_us = excluded.receive_us,
      epoch = excluded.epoch, ordinal = excluded.ordinal,
      changed_epoch = CASE WHEN (connector.status, connector.reported_status, connector.error_code)
                              = (excluded.status, excluded.reported_status, excluded.error_code)
                           THEN connector.changed_epoch ELSE excluded.epoch END,
      changed_ordinal = CASE WHEN (connector.status, connector.reported_status, connector.error_code)
                                = (excluded.status, excluded.reported_status, excluded.error_code)
                             THEN connector.changed_ordinal ELSE excluded.ordinal END
    WHERE (connector.epoch, connector.ordinal) < (excluded.epoch, excluded.ordinal)
    RETURNING tenant_id, station_id, evse_id, connector_id, epoch, ordinal, changed_epoch, changed_ordinal
    """,  # noqa: S608 - the project's own words
    **_STATUS_COLUMNS,
)


def record_statuses(
    connection: Connection, statuses: Sequence[Status], followers: Iterable[StatusHandler]
) -> list[MeshError | None]:
    """Adds statuses to the history, and to the connectors where they are newer than the stored ones.

    Where one batch has several statuses of one connector, there is one event, for the last. `followers` are called with
    the statuses that changed.
    """
    ordered = sorted(statuses, key=_connector_order)
    rows = [_status_row(status) for status in ordered]
    run_later(connection, (_REPORT, [row for status, row in zip(ordered, rows, strict=True) if not status.position]))
    latest = {_connector_key(status): (status, row) for status, row in zip(ordered, rows, strict=True)}
    current = run_prepared(connection, (_CURRENT, [row for _status, row in latest.values()]))
    changed = {
        tuple(key)
        for *key, epoch, ordinal, since_epoch, since_ordinal in current
        if (epoch, ordinal) == (since_epoch, since_ordinal)
    }
    news = [status for key, (status, _row) in latest.items() if key in changed]
    if news:
        outbox.append(connection, map(events.status_changed, news))
        for follow in followers:
            follow(connection, news)
    keys = _known(connection, {status.frame.station for status in statuses}, {row[:2] for row in current})
    return [None if status.frame.station in keys else removed(status.frame) for status in statuses]


def _known(connection: Connection, keys: set[StationKey], written: set[StationKey]) -> set[StationKey]:
    """The stations that exist, of those given; `written` are some that do."""
    unsure = keys - written  # a status that is not newer than the stored one writes nothing either
    return written | known_stations(connection, unsure) if unsure else written


def _connector_key(status: Status) -> tuple[str, str, int, int]:
    return status.frame.tenant_id, status.frame.station_id, status.evse_id, status.connector_id


def _connector_order(status: Status) -> tuple[Any, ...]:
    return _connector_key(status), status.frame.version, status.position


def _status_row(status: Status) -> Json:
    return {
        **frame_row(status.frame),
        "evse_id": status.evse_id,
        "connector_id": status.connector_id,
        "status": status.status,
        "reported_status": status.reported_status,
        "error_code": status.error_code,
        "info": status.info,
        "vendor_id": status.vendor_id,
        "vendor_error_code": status.vendor_error_code,
        "status_us": status.status_us,
    }
