"""The SQL of the job queue (runner.py). Each function is part of a transaction.

One index, on `run_us` of the jobs that wait or run, has the due ones: a job that runs is due when its owner's lease
ends. Jobs that wait for their station are not in it; the station's connection brings them back (`wake`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from mesh.database.rowset import RowStatement, columns_of
from mesh.identity.acting import current_actor
from mesh.runtime.times import DAY_US, SECOND_US
from station_svc.core.models import node, station, station_connection
from station_svc.core.rows import ACCEPTED
from station_svc.jobs.models import job
from station_svc.jobs.rows import NOBODY, JobRow, JobState, NewJob

EXPIRE_DAYS = 30
# A station that has just connected may be about to boot: its own message comes first.
BOOT_ALLOWANCE_US = 2 * SECOND_US

# A connection over which jobs were made ready to run carries this note until the runner has read it.
_ADDED = "csms_jobs_added"
_COLUMNS = [job.c[one.name] for one in fields(JobRow)]
# Written as the indexes have them: SQLite uses a partial index for no other wording.
_IS_TIMED = sa.text("job.state IN (1, 3)")
_IS_PARKED = sa.text("job.state = 2")

StationKey = tuple[str, str]


def add(connection: Connection, new: NewJob, now_us: int) -> str:
    """Queues a job and returns its id; where its slot is taken, the id of the job that has it, and queues nothing."""
    values = {
        "tenant_id": new.tenant_id,
        "job_id": new.job_id,
        "kind": new.kind,
        "station_id": new.station_id,
        "username": _user_of(new),
        "slot": new.slot,
        "payload": new.payload,
        "state": JobState.WAITING,
        "run_us": max(new.run_us, now_us),
        "create_us": now_us,
        "expire_us": new.expire_us or now_us + EXPIRE_DAYS * DAY_US,
    }
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    query = insert(job).values(values).on_conflict_do_nothing().returning(job.c.job_id)
    if connection.execute(query).first() is None:
        same = job.c.slot == new.slot if new.slot is not None else job.c.job_id == new.job_id
        return str(
            connection.execute(sa.select(job.c.job_id).where(job.c.tenant_id == new.tenant_id, same)).scalar_one()
        )
    connection.info[_ADDED] = True
    return new.job_id


def _user_of(new: NewJob) -> str:
    """The user on whose behalf a job will act: the one that it names, or else the one who acts now."""
    actor = current_actor()
    if new.username != NOBODY or actor is None:
        return new.username
    return actor.on_behalf_of or actor.name or NOBODY


def get(connection: Connection, tenant_id: str, job_id: str) -> JobRow | None:
    """One job."""
    query = sa.select(*_COLUMNS).where(job.c.tenant_id == tenant_id, job.c.job_id == job_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else _to_row(row)


def next_due_us(connection: Connection, kinds: Iterable[str]) -> int | None:
    """Time at which the next job of these kinds is due."""
    query = sa.select(sa.func.min(job.c.run_us)).where(_IS_TIMED, job.c.kind.in_(kinds))
    due: int | None = connection.execute(query).scalar()
    return due


def lock_due(connection: Connection, kinds: Iterable[str], *, now_us: int, limit: int) -> Sequence[JobRow]:
    """Jobs of these kinds that are due, oldest first, held for this transaction; none that another replica looks at."""
    query = (
        sa.select(*_COLUMNS)
        .where(_IS_TIMED, job.c.run_us <= now_us, job.c.kind.in_(kinds))
        .order_by(job.c.run_us)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [_to_row(row) for row in connection.execute(query).mappings()]


def lock(connection: Connection, tenant_id: str, job_id: str) -> JobRow | None:
    """One job, held for this transaction."""
    query = sa.select(*_COLUMNS).where(job.c.tenant_id == tenant_id, job.c.job_id == job_id).with_for_update()
    row = connection.execute(query).mappings().first()
    return None if row is None else _to_row(row)


def lock_unique_key(connection: Connection, tenant_id: str, unique_key: str) -> JobRow | None:
    """The job that has a unique key, held for this transaction: it does not end before that."""
    query = sa.select(*_COLUMNS).where(job.c.tenant_id == tenant_id, job.c.slot == unique_key).with_for_update()
    row = connection.execute(query).mappings().first()
    return None if row is None else _to_row(row)


@dataclass(frozen=True, kw_only=True)
class StationReadiness:
    """Whether a station can be sent commands: it is connected and accepted. `create_us`: since when there is such."""

    create_us: int
    ready: bool


_STATIONS = RowStatement(
    f"""
    SELECT station.tenant_id, station.station_id, station.create_us,
           CASE WHEN connection.disconnect_us IS NULL AND node.lease_end_us > :now_us
                 AND station.registration_status = {ACCEPTED} AND station.boot_status = {ACCEPTED}
                THEN 1 ELSE 0 END AS ready
    FROM {{rows}} JOIN station ON station.tenant_id = rows.tenant_id AND station.station_id = rows.station_id
    LEFT JOIN connection ON connection.epoch = station.latest_epoch
    LEFT JOIN node ON node.node_id = connection.node_id
    """,  # noqa: S608 - the project's own constants
    **columns_of(station, "tenant_id", "station_id"),
)


def stations(connection: Connection, keys: Iterable[StationKey], now_us: int) -> Mapping[StationKey, StationReadiness]:
    """The stations that there are, and whether each is ready."""
    rows = _STATIONS.run(connection, _station_rows(keys), now_us=now_us)
    return {
        (row.tenant_id, row.station_id): StationReadiness(create_us=row.create_us, ready=bool(row.ready))
        for row in rows
    }


_CLAIM = RowStatement(
    f"""
    UPDATE job SET state = {JobState.RUNNING}, owner = :owner, run_us = :lease_end_us, turn = rows.turn,
                   takeovers = rows.takeovers
    FROM {{rows}} WHERE job.tenant_id = rows.tenant_id AND job.job_id = rows.job_id
    """,  # noqa: S608 - the project's own constants
    **columns_of(job, "tenant_id", "job_id", "turn", "takeovers"),
)


def claim(connection: Connection, rows: Iterable[JobRow], *, owner: str, lease_end_us: int) -> None:
    """Gives jobs, which this transaction holds, to an owner, as the rows say."""
    values = [
        {"tenant_id": row.tenant_id, "job_id": row.job_id, "turn": row.turn, "takeovers": row.takeovers} for row in rows
    ]
    if values:
        _CLAIM.run(connection, values, owner=owner, lease_end_us=lease_end_us)


_PARK = RowStatement(
    f"""
    UPDATE job SET state = {JobState.PARKED}, owner = ''
    FROM {{rows}} WHERE job.tenant_id = rows.tenant_id AND job.job_id = rows.job_id
    """,  # noqa: S608 - the project's own constants
    **columns_of(job, "tenant_id", "job_id"),
)


def park(connection: Connection, rows: Iterable[JobRow]) -> None:
    """Lets jobs, which this transaction holds, wait for their stations."""
    values = [{"tenant_id": row.tenant_id, "job_id": row.job_id} for row in rows]
    if values:
        _PARK.run(connection, values)


_RENEW = RowStatement(
    f"""
    UPDATE job SET run_us = :lease_end_us
    FROM {{rows}} WHERE job.tenant_id = rows.tenant_id AND job.job_id = rows.job_id AND job.turn = rows.turn
      AND job.state = {JobState.RUNNING}
    RETURNING job.tenant_id, job.job_id
    """,  # noqa: S608 - the project's own constants
    **columns_of(job, "tenant_id", "job_id", "turn"),
)


def renew(connection: Connection, rows: Iterable[JobRow], *, lease_end_us: int) -> set[tuple[str, str]]:
    """Renews the leases on running jobs; returns the keys of those that still belong to the owner."""
    ordered = sorted(rows, key=lambda row: row.key)
    values = [{"tenant_id": row.tenant_id, "job_id": row.job_id, "turn": row.turn} for row in ordered]
    return {(row.tenant_id, row.job_id) for row in _RENEW.run(connection, values, lease_end_us=lease_end_us)}


def release(connection: Connection, *, owner: str, now_us: int) -> int:
    """Releases all jobs of an owner: another one continues the same attempts at once. Returns their number."""
    query = (
        sa.update(job)
        .where(job.c.owner == owner, job.c.state == JobState.RUNNING)
        .values(state=JobState.WAITING, owner="", run_us=now_us)
    )
    return connection.execute(query).rowcount


def hold(connection: Connection, row: JobRow) -> JobRow | None:
    """The job in its present state, locked for this transaction; None where `row` has not its latest fencing token.

    A handler calls it first in each transaction with writes that a lost owner must not make.
    """
    held = lock(connection, row.tenant_id, row.job_id)
    if held is None or held.turn != row.turn or held.state is not JobState.RUNNING:
        return None
    return held


def put_back(
    connection: Connection, row: JobRow, *, run_us: int, failures: int, payload: bytes, error: bytes | None = None
) -> None:
    """Lets a job, which this transaction holds, wait until `run_us` for its next attempt."""
    values = {
        "state": JobState.WAITING,
        "owner": "",
        "run_us": run_us,
        "attempt": row.attempt + 1,
        "failures": failures,
        "takeovers": 0,
        "payload": payload,
        "error": error,
    }
    connection.execute(sa.update(job).where(_is(row)).values(values))
    connection.info[_ADDED] = True


def end(connection: Connection, row: JobRow, *, state: JobState, error: bytes | None, now_us: int) -> None:
    """Ends a job, which this transaction holds. What was to be done is not kept: it may hold secrets."""
    values = {"state": state, "owner": "", "slot": None, "payload": b"", "error": error, "finish_us": now_us}
    connection.execute(sa.update(job).where(_is(row)).values(values))


def set_expiry(connection: Connection, row: JobRow, *, expire_us: int) -> None:
    """Changes the expiry of a job, which this transaction holds."""
    connection.execute(sa.update(job).where(_is(row)).values(expire_us=expire_us))


def ask_to_cancel(connection: Connection, row: JobRow) -> None:
    """Makes a running job end with its present run."""
    connection.execute(sa.update(job).where(_is(row)).values(cancelling=True))


_WAKE = RowStatement(
    f"""
    UPDATE job SET state = {JobState.WAITING}, run_us = :run_us
    FROM {{rows}} WHERE job.tenant_id = rows.tenant_id AND job.station_id = rows.station_id
      AND job.state = {JobState.PARKED}
    """,  # noqa: S608 - the project's own constants
    **columns_of(job, "tenant_id", "station_id"),
)


def wake(connection: Connection, keys: Iterable[StationKey], *, run_us: int) -> None:
    """Makes the jobs that wait for these stations due at `run_us`: the stations are connected, or removed for good."""
    values = _station_rows(keys)
    if values and _WAKE.run(connection, values, run_us=run_us).rowcount:
        connection.info[_ADDED] = True


_PULL = RowStatement(
    f"""
    UPDATE job SET run_us = :run_us
    FROM {{rows}} WHERE job.tenant_id = rows.tenant_id AND job.slot = rows.slot
      AND job.state = {JobState.WAITING} AND job.run_us > :run_us
    """,  # noqa: S608 - the project's own constants
    **columns_of(job, "tenant_id", "slot"),
)


def pull_forward(connection: Connection, tenant_id: str, unique_keys: Iterable[str], *, run_us: int) -> None:
    """Lets the jobs that have these unique keys, and wait for a later time, be run at `run_us`."""
    values = [{"tenant_id": tenant_id, "slot": key} for key in sorted(unique_keys)]
    if values and _PULL.run(connection, values, run_us=run_us).rowcount:
        connection.info[_ADDED] = True


_ADD_MANY = RowStatement(
    f"""
    INSERT INTO job (tenant_id, job_id, kind, station_id, username, slot, payload, state, run_us, create_us, expire_us)
    SELECT :tenant_id, rows.job_id, :kind, rows.station_id, :username, rows.slot, :payload,
           CASE WHEN rows.ready THEN {JobState.WAITING} ELSE {JobState.PARKED} END, rows.run_us, :now_us, :expire_us
    FROM {{rows}} WHERE true ON CONFLICT DO NOTHING
    """,  # noqa: S608 - the project's own constants
    job_id="text",
    station_id="text",
    slot="text",
    ready="boolean",
    run_us="bigint",
)


def add_many(connection: Connection, news: Sequence[tuple[NewJob, bool]], now_us: int) -> None:
    """Queues jobs that differ in station, slot and time alone, in one statement; not those whose slot is taken.

    The flag of each tells whether its station is ready: where it is not, the job is parked from the start.
    """
    if not news:
        return
    first = news[0][0]
    rows = [
        {
            "job_id": new.job_id,
            "station_id": new.station_id,
            "slot": new.slot,
            "ready": ready,
            "run_us": max(new.run_us, now_us),
        }
        for new, ready in news
    ]
    _ADD_MANY.run(
        connection,
        rows,
        tenant_id=first.tenant_id,
        kind=first.kind,
        username=first.username,
        payload=first.payload,
        now_us=now_us,
        expire_us=first.expire_us or now_us + EXPIRE_DAYS * DAY_US,
    )
    connection.info[_ADDED] = True


def lock_idle(connection: Connection, tenant_id: str, unique_keys: Sequence[str]) -> Sequence[JobRow]:
    """The jobs that have these unique keys and do not run, held for this transaction; none that others look at."""
    query = (
        sa.select(*_COLUMNS)
        .where(
            job.c.tenant_id == tenant_id,
            job.c.slot.in_(unique_keys),
            job.c.state.in_((JobState.WAITING, JobState.PARKED)),
        )
        .order_by(job.c.job_id)
        .with_for_update(skip_locked=True)
    )
    return [_to_row(row) for row in connection.execute(query).mappings()]


def wake_overlooked(connection: Connection, *, now_us: int, limit: int) -> int:
    """Wakes jobs whose station came back without waking them, and those that have waited for too long; how many."""
    there = (
        sa.select(station.c.station_id)
        .join(station_connection, station_connection.c.epoch == station.c.latest_epoch)
        .join(node, node.c.node_id == station_connection.c.node_id)
        .where(
            station.c.tenant_id == job.c.tenant_id,
            station.c.station_id == job.c.station_id,
            station.c.registration_status == ACCEPTED,
            station.c.boot_status == ACCEPTED,
            station_connection.c.disconnect_us.is_(None),
            node.c.lease_end_us > now_us,
        )
    )
    found = (
        sa.select(job.c.tenant_id, job.c.job_id)
        .where(_IS_PARKED, (job.c.expire_us <= now_us) | there.exists())
        .limit(limit)
        .with_for_update(of=job, skip_locked=True)
    )
    keys = [tuple(row) for row in connection.execute(found)]
    if not keys:
        return 0
    values = {"state": JobState.WAITING, "run_us": now_us}
    key = sa.tuple_(job.c.tenant_id, job.c.job_id)
    return connection.execute(sa.update(job).where(key.in_(keys)).values(values)).rowcount


def take_added(connection_info: dict[Any, Any]) -> bool:
    """Whether jobs were made ready over this connection since the last call."""
    return bool(connection_info.pop(_ADDED, False))


def _is(row: JobRow) -> sa.ColumnElement[bool]:
    return (job.c.tenant_id == row.tenant_id) & (job.c.job_id == row.job_id)


def _station_rows(keys: Iterable[StationKey]) -> list[dict[str, str]]:
    return [{"tenant_id": tenant_id, "station_id": station_id} for tenant_id, station_id in sorted(set(keys))]


def _to_row(row: Any) -> JobRow:
    return JobRow(**{**row, "state": JobState(row["state"]), "payload": bytes(row["payload"])})
