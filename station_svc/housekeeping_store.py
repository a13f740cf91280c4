"""The SQL of what is done in the background, a bounded part at a time, so that no turn holds the database for long."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from station_svc.ingest.connection_store import close_connections
from station_svc.ingest.rows import Closed
from station_svc.models import (
    certificate_request,
    command,
    connection,
    data_transfer,
    job,
    message,
    node,
    removal,
    rollout,
    rollout_target,
    security_event,
    station,
    status_report,
    task,
    task_report,
)

# WebSocket's code for a connection that ended without a close frame.
LOST_CLOSE_CODE = 1006

# What is kept for a time, and which column tells its age.
MESSAGES = message.c.message_us
STATUS_REPORTS = status_report.c.receive_us
DATA_TRANSFERS = data_transfer.c.receive_us
SECURITY_EVENTS = security_event.c.receive_us
TASKS = task.c.create_us
TASK_REPORTS = task_report.c.receive_us
CERTIFICATE_REQUESTS = certificate_request.c.receive_us
COMMANDS = command.c.create_us
JOBS = job.c.finish_us

_HISTORY = (message, status_report, data_transfer, security_event, task_report, certificate_request)


def close_lost(db: Connection, *, before_us: int, limit: int) -> int:
    """Closes up to `limit` connections of nodes whose lease ran out before a moment; returns how many.

    They count as closed when the lease ran out. A node is forgotten once none is left.
    """
    query = (
        sa.select(connection.c.tenant_id, connection.c.station_id, connection.c.epoch, node.c.lease_end_us)
        .join(node, node.c.node_id == connection.c.node_id)
        .where(node.c.lease_end_us < before_us, connection.c.disconnect_us.is_(None))
        .limit(limit)
    )
    lost = [
        Closed(
            tenant_id=row.tenant_id,
            station_id=row.station_id,
            epoch=row.epoch,
            disconnect_us=row.lease_end_us,
            close_code=LOST_CLOSE_CODE,
        )
        for row in db.execute(query)
    ]
    if lost:
        close_connections(db, lost)
    if len(lost) < limit:
        db.execute(sa.delete(node).where(node.c.lease_end_us < before_us))
    return len(lost)


def remove_old(db: Connection, *, age: sa.Column[int], before_us: int, limit: int) -> int:
    """Removes up to `limit` of the rows whose `age` column is before a moment; returns how many."""
    key = sa.tuple_(*age.table.primary_key.columns)
    old = sa.select(*age.table.primary_key.columns).where(age < before_us).order_by(age).limit(limit)
    return db.execute(sa.delete(age.table).where(key.in_(old))).rowcount


def remove_old_connections(db: Connection, *, before_us: int, limit: int) -> int:
    """Removes up to `limit` connections that closed before a moment, not a station's latest; returns how many."""
    latest = sa.exists().where(
        station.c.tenant_id == connection.c.tenant_id,
        station.c.station_id == connection.c.station_id,
        station.c.latest_epoch == connection.c.epoch,
    )
    old = sa.select(connection.c.epoch).where(connection.c.disconnect_us < before_us, ~latest).limit(limit)
    return db.execute(sa.delete(connection).where(connection.c.epoch.in_(old))).rowcount


def remove_old_rollouts(db: Connection, *, before_us: int, limit: int) -> int:
    """Removes up to `limit` stations of rollouts that ended before a moment, then the rollouts; returns how many."""
    old = (rollout.c.tenant_id == rollout_target.c.tenant_id) & (rollout.c.rollout_id == rollout_target.c.rollout_id)
    key = sa.tuple_(*rollout_target.primary_key.columns)
    targets = (
        sa.select(*rollout_target.primary_key.columns)
        .join(rollout, old)
        .where(rollout.c.end_us < before_us)
        .limit(limit)
    )
    count = db.execute(sa.delete(rollout_target).where(key.in_(targets))).rowcount
    if count < limit:
        count += db.execute(sa.delete(rollout).where(rollout.c.end_us < before_us)).rowcount
    return count


def removed_stations(db: Connection, *, limit: int) -> Sequence[tuple[str, str, int]]:
    """Stations that were removed and whose history is not yet: tenant, station, and the last epoch of that history."""
    query = sa.select(removal.c.tenant_id, removal.c.station_id, removal.c.through_epoch).limit(limit)
    return [(row.tenant_id, row.station_id, row.through_epoch) for row in db.execute(query)]


def remove_history(db: Connection, *, tenant_id: str, station_id: str, through_epoch: int, limit: int) -> int:
    """Removes up to `limit` rows of a removed station's history; returns how many. Below `limit`, it is done."""
    count = 0
    for table in _HISTORY:
        key = sa.tuple_(*table.primary_key.columns)
        old = (
            sa.select(*table.primary_key.columns)
            .where(table.c.tenant_id == tenant_id, table.c.station_id == station_id, table.c.epoch <= through_epoch)
            .limit(limit - count)
        )
        count += db.execute(sa.delete(table).where(key.in_(old))).rowcount
        if count >= limit:
            return count
    # A station of that name may have been added and removed again meanwhile: then there is more to do.
    db.execute(
        sa.delete(removal).where(
            removal.c.tenant_id == tenant_id,
            removal.c.station_id == station_id,
            removal.c.through_epoch == through_epoch,
        )
    )
    return count
