"""Runs rollouts: one job for each rollout, and one job per station for the work there.

A station's job is parked while the station is not connected, and does not count for `max_parallel`. Once the station is
connected, the job counts where the limit allows it; otherwise it is held, and the next one that ends releases it. The
rollout's own job queues the stations' jobs, checks at intervals for unused capacity, and cancels the remaining jobs of
a rollout that was stopped. A job that has begun is never cancelled.
"""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import grpc
from sqlalchemy import Connection

from mesh.database.engine import Database
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.times import DAY_US, SECOND_US, Clock
from station_svc.jobs import store as job_store
from station_svc.jobs.rows import JobRow, JobState, NewJob
from station_svc.jobs.runner import Again, Done, JobKind
from station_svc.rollouts import store
from station_svc.rollouts.rows import STOPPED_BY_FAILURES, RolloutRow, RolloutState, TargetRow, TargetState

KIND = "rollout"
TARGET_KIND = "rollout_target"
TICK_US = 10 * SECOND_US
PAUSED_TICK_US = 3600 * SECOND_US
CHUNK = 1000
# Its targets expire first, and end it.
_OUTLASTS_US = 30 * DAY_US
# Why a station at which nothing had begun is skipped rather than failed.
_NEVER_BEGUN = frozenset({Reason.STATION_NOT_FOUND, Reason.JOB_EXPIRED})


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """The work at one station: a run of its job, once it counts for `max_parallel`."""

    job: JobRow
    rollout: RolloutRow
    target: TargetRow


class Work(Protocol):
    """The work of one kind of rollout at a station; safe to repeat, as every job's handler."""

    def __call__(self, assignment: Assignment) -> Awaitable[Done | Again]:
        """One run. Raises MeshError where another attempt may help, FinalError where none does."""

    def patience_us(self, work: bytes) -> int:
        """Most time for the work at one station, offline times included: a lost station must not block the rollout."""

    def left_at(self, connection: Connection, target: TargetRow) -> str:
        """The last step at a station that was not finished in time, for a message; empty where it is not known."""


class Rollouts:
    """The two kinds of job of rollouts. `works` are what they do at stations, by the kind of rollout."""

    def __init__(self, *, database: Database, clock: Clock, works: Mapping[str, Work]) -> None:
        self._database = database
        self._clock = clock
        self._works = works

    def kinds(self) -> Mapping[str, JobKind]:
        """For the job queue, by name."""
        return {
            KIND: JobKind(run=_keep_going, needs_station=False),
            TARGET_KIND: JobKind(run=self._run_target, ended=partial(_target_ended, self._works), turn_s=300.0),
        }

    async def _run_target(self, job: JobRow) -> Done | Again:
        admit = partial(_admit, job=job, works=self._works, now_us=self._clock())
        assignment = await self._database.write(admit)
        if assignment is None:
            return Again(decide=_hold)
        return await self._works[assignment.rollout.kind](assignment)


def own_job(row: RolloutRow) -> NewJob:
    """The job that keeps a rollout going."""
    return NewJob(
        tenant_id=row.tenant_id,
        kind=KIND,
        station_id="",
        slot=row.unique_key,
        payload=row.rollout_id.encode(),
        username=row.username,
        run_us=row.start_us,
        expire_us=row.expire_us + _OUTLASTS_US,
    )


def save_progress(connection: Connection, *, assignment: Assignment, **columns: Any) -> None:
    """Writes down how far the work at a station is: columns of its target, others than its state.

    Raises MeshError JOB_LOST where another process does it by now.
    """
    if job_store.hold(connection, assignment.job) is None:
        raise _lost()
    store.update_target(connection, assignment.rollout, assignment.target.station_id, **columns)


def _lost() -> MeshError:
    return MeshError(grpc.StatusCode.ABORTED, Reason.JOB_LOST, "another process does this job now")


# --- one station ---------------------------------------------------------------------------------------------------


def _admit(connection: Connection, *, job: JobRow, works: Mapping[str, Work], now_us: int) -> Assignment | None:
    """Takes a place for a station, or finds that it has one; None where it gets none now."""
    if job_store.hold(connection, job) is None:
        raise _lost()
    row = store.lock(connection, job.tenant_id, job.payload.decode())
    target = store.get_target(connection, row, job.station_id)
    if target.state is TargetState.PENDING and row.free:
        row = store.move(connection, row, [target], TargetState.RUNNING, now_us)
        job_store.set_expiry(connection, job, expire_us=now_us + works[row.kind].patience_us(row.work))
    elif target.state is not TargetState.RUNNING:
        return None
    return Assignment(job=job, rollout=row, target=store.get_target(connection, row, job.station_id))


def _hold(connection: Connection, job: JobRow, now_us: int) -> int | None:
    """The next time of a held job; None where the job is no longer needed."""
    row = store.lock(connection, job.tenant_id, job.payload.decode())
    target = store.get_target(connection, row, job.station_id)
    if target.state is not TargetState.PENDING:
        return None
    if row.state is RolloutState.STOPPED:
        store.move(connection, row, [target], TargetState.CANCELLED, now_us)
        return None
    if row.free:
        return now_us
    store.update_target(connection, row, job.station_id, held=True)
    return row.expire_us


def _target_ended(
    works: Mapping[str, Work], connection: Connection, job: JobRow, error: MeshError | None, now_us: int
) -> None:
    """The job of a station has ended: so has its target, and others may have its place."""
    row = store.lock(connection, job.tenant_id, job.payload.decode())
    target = store.get_target(connection, row, job.station_id)
    if target.state not in (TargetState.PENDING, TargetState.RUNNING):
        return
    begun = target.state is TargetState.RUNNING
    if job.state is JobState.DONE:
        state = TargetState.SUCCEEDED
    elif job.state is JobState.CANCELLED:
        state = TargetState.FAILED if begun else TargetState.CANCELLED
    else:
        state = TargetState.SKIPPED if not begun and error and error.reason in _NEVER_BEGUN else TargetState.FAILED
    if begun and error and error.reason is Reason.JOB_EXPIRED:
        error = _out_of_time(error, works[row.kind].left_at(connection, target))
    row = store.move(connection, row, [target], state, now_us, error=error)
    if row.state.is_open and 0 < row.stop_after_failures <= row.failed:
        # The rollout's own job cancels the remaining ones, in its next run.
        row = store.set_state(connection, row, RolloutState.STOPPED, now_us, stop_reason=STOPPED_BY_FAILURES)
    store.release(connection, row, now_us)


def _out_of_time(error: MeshError, left_at: str) -> MeshError:
    return MeshError(error.code, error.reason, f"{error.message}: {left_at}") if left_at else error


# --- the rollout ---------------------------------------------------------------------------------------------------


async def _keep_going(_job: JobRow) -> Again:
    return Again(decide=_tick)


def _tick(connection: Connection, job: JobRow, now_us: int) -> int | None:
    """Does what is due for a rollout; when to look again, None where it has ended."""
    rollout_id = job.payload.decode()
    row = store.get(connection, job.tenant_id, rollout_id)
    if row.state is RolloutState.STOPPED:
        return _cancel_some(connection, row, now_us)
    row = store.lock(connection, job.tenant_id, rollout_id)
    if row.state is RolloutState.SCHEDULED:
        if row.start_us > now_us:
            return row.start_us
        row = store.set_state(connection, row, RolloutState.RUNNING, now_us)
    if not row.state.is_open:
        return None if row.state is RolloutState.DONE else now_us
    if row.start_us <= now_us and _queue_some(connection, row, now_us):
        return now_us
    store.release(connection, row, now_us)
    return now_us + (PAUSED_TICK_US if row.state is RolloutState.PAUSED else TICK_US)


def _queue_some(connection: Connection, row: RolloutRow, now_us: int) -> bool:
    """Queues the jobs of some stations; whether there may be more."""
    some = store.take_unqueued(connection, row, now_us, CHUNK)
    news = [
        NewJob(
            tenant_id=row.tenant_id,
            kind=TARGET_KIND,
            station_id=one.station_id,
            slot=row.target_key(one.station_id),
            payload=row.rollout_id.encode(),
            username=row.username,
            run_us=row.expire_us if one.held else now_us,
            expire_us=row.expire_us,
        )
        for one in some
    ]
    waiting = [one.held or one.removed for one in some]  # all others are parked: their station is not connected
    job_store.add_many(connection, list(zip(news, waiting, strict=True)), now_us)
    return len(some) == CHUNK


def _cancel_some(connection: Connection, row: RolloutRow, now_us: int) -> int | None:
    """Cancels some stations of a rollout that was stopped. One whose job is being looked at is cancelled by that."""
    targets = store.pending(connection, row, CHUNK)
    by_key = {row.target_key(target.station_id): target for target in targets}
    idle = job_store.lock_idle(connection, row.tenant_id, list(by_key))
    row = store.lock(connection, row.tenant_id, row.rollout_id)
    for job in idle:
        job_store.end(connection, job, state=JobState.CANCELLED, error=None, now_us=now_us)
    ended = {job.station_id for job in idle}
    free = [target for target in targets if target.station_id in ended or not target.queued]
    store.move(connection, row, free, TargetState.CANCELLED, now_us)
    if len(targets) == CHUNK:
        return now_us
    return None if len(free) == len(targets) else now_us + SECOND_US
