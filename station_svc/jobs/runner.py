"""Runs what is to be done with stations in the background: certificate pushes, local lists, rollouts.

A job is a row (store.py), of a kind whose handler does the work; the kinds are data. Several replicas work on one
queue: each takes what is due for a lease that it renews, and one that is killed loses its jobs to the others when the
lease ends. So a handler is run **at least once**, and must be safe to repeat: it sends commands with
`job.request_id(…)`, by which a repeat finds the first outcome instead of sending again, and writes what it did in
transactions that begin with `store.hold`.

A job of a kind that needs its station is run only while the station is connected and accepted. Until then it is parked,
at no cost: the station's connection wakes it (`store.wake`), and a slow sweep those that were overlooked.

A turn ends with Done, with Again (progress was made, or there is something to wait for), or with a MeshError: then
there is another attempt after a while, up to the kind's bound. FinalError leaves no other attempt.
"""

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import grpc
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from mesh.database.engine import Database, is_unavailable
from mesh.database.retention import in_chunks
from mesh.identity.acting import Acting, Actor, ActorKind, acting_as, begin_acting
from mesh.runtime.background import PeriodicTask, wait_until_beat
from mesh.runtime.backoff import Backoff, Uniform
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.logs import get_logger
from mesh.runtime.times import SECOND_US, Clock
from station_svc.jobs import store
from station_svc.jobs.rows import NOBODY, JobRow, JobState

log = get_logger(__name__)

MOST_RUNNING = 16
LEASE_S = 30.0
# Jobs that this process made ready wake it; those that others left undone come due with their lease.
POLL_S = 6.0
SWEEP_S = 60.0
JITTER = (0.75, 1.25)
BACKOFF = Backoff(first_s=5.0, most_s=300.0, jitter=JITTER)
# A station that was there when its job was taken, and gone when its command was sent, is looked at again after this.
OFFLINE_RETRY_S = 5.0
# Owners that a job may lose in one attempt: one that kills whoever runs it must come to an end.
MOST_LOST_OWNERS = 5
_SHORTEST_REST_S = 0.02


# See Again.
UNTIL_STATION = -1


@dataclass(frozen=True, kw_only=True)
class Done:
    """The job is done."""


@dataclass(frozen=True, kw_only=True)
class Again:
    """The job goes on, at `run_us` (0: at once), with a payload of its own where one is given: where it stands.

    `decide(connection, job, now_us)` runs in the transaction that puts the job back, and returns another run_us,
    UNTIL_STATION where only the station's next connection or boot, or the sweep, is to bring the job back, or None
    where the job is done after all. Rows that it reads under a lock do not change before the job has its time.
    """

    run_us: int = 0
    payload: bytes | None = None
    decide: Callable[[Connection, JobRow, int], int | None] | None = None


class FinalError(Exception):
    """The job has failed for good; `error` says why."""

    def __init__(self, error: MeshError) -> None:
        super().__init__(str(error))
        self.error = error


Handler = Callable[[JobRow], Awaitable[Done | Again]]
"""One turn of a job. Raises MeshError where another attempt may help, FinalError where none does."""

Ended = Callable[[Connection, JobRow, MeshError | None, int], None]
"""Runs in the transaction in which a job ends: (connection, job in its last state, error or None, now_us)."""


def _nothing(_db: Connection, _job: JobRow, _error: MeshError | None, _now_us: int) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class JobKind:
    """A kind of job. `turn_s` is how long one turn may take, in seconds; attempts that fail count anew after progress.

    `ended` is told how the job ended: state DONE, FAILED (with the error) or CANCELLED.
    """

    run: Handler
    ended: Ended = _nothing
    needs_station: bool = True
    most_attempts: int = 5
    turn_s: float = 180.0


class Jobs:
    """Runs jobs, at most `most_running` at a time. Run `run` beside the service."""

    def __init__(
        self,
        *,
        database: Database,
        kinds: Mapping[str, JobKind],
        clock: Clock,
        most_running: int = MOST_RUNNING,
        lease_s: float = LEASE_S,
        poll_s: float = POLL_S,
        uniform: Uniform = random.uniform,
    ) -> None:
        self._database = database
        self._kinds = kinds
        self._clock = clock
        self._most_running = most_running
        self._lease_s = lease_s
        self._poll_s = poll_s
        self._uniform = uniform
        self._backoff = replace(BACKOFF, uniform=uniform)
        self._owner = secrets.token_hex(8)
        self._running: dict[tuple[str, str], tuple[JobRow, asyncio.Task[None]]] = {}
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Works until it is cancelled, then gives back what it has not ended."""
        loop = asyncio.get_running_loop()

        def committed(notes: dict[Any, Any]) -> None:
            if store.take_added(notes) and not self._wake.is_set():
                loop.call_soon_threadsafe(self._wake.set)

        self._database.on_commit(committed)
        helpers = [asyncio.create_task(task.run()) for task in self._periodic_tasks()]
        try:
            while True:
                self._wake.clear()
                await self._rest(await self._attempt())
        finally:
            self._database.remove_listener(committed)
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            await self._give_back()

    async def run_due(self) -> int:
        """Runs what is due now, once each, and waits for the turns to end; returns how many were taken or ended."""
        taken = await self._take()
        await asyncio.gather(*(task for _row, task in self._running.values()))
        return taken

    def cancel(self, connection: Connection, *, tenant_id: str, job_id: str, now_us: int) -> JobState | None:
        """Cancels a job: at once where it waits, else once its turn ends, unless that ends it another way.

        Returns the state that it is in afterwards; None where there is no such job.
        """
        row = store.lock(connection, tenant_id, job_id)
        if row is None or row.state.is_over:
            return None if row is None else row.state
        if row.state is JobState.RUNNING:
            store.ask_to_cancel(connection, row)
            return row.state
        self._end(connection, row, JobState.CANCELLED, None, now_us)
        return JobState.CANCELLED

    # --- taking ------------------------------------------------------------------------------------------------

    async def _attempt(self) -> int | None:
        """Takes what is due; returns when the next is due, None where nothing is known to be."""
        try:
            due_us = await self._database.read(partial(store.next_due_us, kinds=list(self._kinds)))
            if due_us is None or due_us > self._clock() or len(self._running) >= self._most_running:
                return due_us
            await self._take()
        except MeshError as error:  # the database is away: `Database` has said so already
            log.debug("turn skipped", error=error.reason)
            return None
        return self._clock()

    async def _rest(self, due_us: int | None) -> None:
        """Until the next is due, something is made ready here, or it is time to look what others made ready."""
        delay_s = self._poll_s
        if due_us is not None and len(self._running) < self._most_running:
            delay_s = min(max((due_us - self._clock()) / SECOND_US, _SHORTEST_REST_S), self._poll_s)
        await wait_until_beat(self._wake, delay_s)

    async def _take(self) -> int:
        limit = self._most_running - len(self._running)
        mine, count = await self._database.write(partial(self._claim, limit=limit))
        for row in mine:
            task = asyncio.create_task(self._turn(row))
            self._running[row.key] = (row, task)
            task.add_done_callback(partial(self._forget, row))
        return count

    def _claim(self, connection: Connection, *, limit: int) -> tuple[Sequence[JobRow], int]:
        """Looks at what is due: what can be run is taken, what cannot is parked or ended."""
        now_us = self._clock()
        rows = store.lock_due(connection, list(self._kinds), now_us=now_us, limit=limit)
        stations = store.stations(connection, {row.station for row in rows}, now_us) if rows else {}
        mine: list[JobRow] = []
        parked: list[JobRow] = []
        for row in rows:
            station = stations.get(row.station)
            error = _dead_end(row, station, now_us)
            if row.cancelling or error is not None:
                self._end(connection, row, JobState.CANCELLED if row.cancelling else JobState.FAILED, error, now_us)
            elif self._kinds[row.kind].needs_station and not (station and station.ready):
                parked.append(row)
            else:
                lost = row.state is JobState.RUNNING
                mine.append(
                    replace(row, state=JobState.RUNNING, turn=row.turn + 1, takeovers=row.takeovers + int(lost))
                )
        store.park(connection, parked)
        store.claim(connection, mine, owner=self._owner, lease_end_us=now_us + int(self._lease_s * SECOND_US))
        return mine, len(rows)

    # --- running -----------------------------------------------------------------------------------------------

    async def _turn(self, row: JobRow) -> None:
        begin_acting(_acting(row))
        kind = self._kinds[row.kind]
        outcome: Done | Again | MeshError | FinalError
        try:
            async with asyncio.timeout(kind.turn_s):
                outcome = await kind.run(row)
        except TimeoutError:
            outcome = MeshError(
                grpc.StatusCode.DEADLINE_EXCEEDED, Reason.JOB_TIMEOUT, f"it took longer than {kind.turn_s:g} s"
            )
        except (MeshError, FinalError) as error:
            outcome = error
        except Exception:
            log.exception("job failed unforeseen", kind=row.kind, station_id=row.station_id, job_id=row.job_id)
            outcome = MeshError(grpc.StatusCode.INTERNAL, Reason.INTERNAL, "this should not have happened; see the log")
        try:
            await self._database.write(partial(self._record_outcome, row=row, outcome=outcome))
        except MeshError as error:
            # The lease runs out, and whoever takes the job over repeats the attempt and finds what was done.
            log.warning("outcome of a job not recorded", kind=row.kind, job_id=row.job_id, error=error.reason)

    def _record_outcome(
        self, connection: Connection, *, row: JobRow, outcome: Done | Again | MeshError | FinalError
    ) -> None:
        """Records how a turn ended, unless the job was taken over meanwhile."""
        now_us = self._clock()
        held = store.hold(connection, row)
        if held is None:
            log.warning("job was taken over; what this turn found does not count", kind=row.kind, job_id=row.job_id)
        elif isinstance(outcome, Done):
            self._end(connection, held, JobState.DONE, None, now_us)
        elif isinstance(outcome, FinalError):
            self._end(connection, held, JobState.FAILED, outcome.error, now_us)
        elif held.cancelling:  # an Again is not asked to decide
            error = outcome if isinstance(outcome, MeshError) else None
            self._end(connection, held, JobState.CANCELLED, error, now_us)
        elif isinstance(outcome, Again):
            self._put_back(connection, held, outcome, now_us)
        else:
            self._try_again(connection, held, outcome, now_us)

    def _put_back(self, connection: Connection, row: JobRow, outcome: Again, now_us: int) -> None:
        run_us = outcome.run_us if outcome.decide is None else outcome.decide(connection, row, now_us)
        if run_us is None:
            self._end(connection, row, JobState.DONE, None, now_us)
            return
        payload = row.payload if outcome.payload is None else outcome.payload
        store.put_back(connection, row, run_us=max(run_us, now_us), failures=0, payload=payload)
        if run_us == UNTIL_STATION:
            store.park(connection, [row])

    def _try_again(self, connection: Connection, row: JobRow, error: MeshError, now_us: int) -> None:
        if error.reason is Reason.STATION_OFFLINE:  # nothing was sent, so that nothing failed
            delay_s, failures = OFFLINE_RETRY_S, row.failures
        else:
            failures = row.failures + 1
            if failures >= self._kinds[row.kind].most_attempts or error.reason.is_final:
                self._end(connection, row, JobState.FAILED, error, now_us)
                return
            delay_s = self._backoff.after(failures)
        run_us = now_us + int(delay_s * SECOND_US)
        status = error.to_status().SerializeToString()
        store.put_back(connection, row, run_us=run_us, failures=failures, payload=row.payload, error=status)

    def _end(self, connection: Connection, row: JobRow, state: JobState, error: MeshError | None, now_us: int) -> None:
        status = None if error is None else error.to_status().SerializeToString()
        store.end(connection, row, state=state, error=status, now_us=now_us)
        if error is not None:
            names = {"kind": row.kind, "station_id": row.station_id, "job_id": row.job_id}
            log.warning("job failed", **names, error=error.reason)
        savepoint = connection.begin_nested()
        try:
            with acting_as(_acting(row)):
                self._kinds[row.kind].ended(connection, replace(row, state=state), error, now_us)
        except Exception as trouble:
            if isinstance(trouble, DBAPIError) and is_unavailable(trouble):
                raise
            # The job has ended all the same: repeating it for ever would not help whoever is to hear of it.
            savepoint.rollback()
            log.exception("end of a job not passed on", kind=row.kind, job_id=row.job_id)
        else:
            savepoint.commit()

    def _forget(self, row: JobRow, task: "asyncio.Task[None]") -> None:
        if row.key in self._running and self._running[row.key][1] is task:
            del self._running[row.key]
        self._wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a job's outcome could not be recorded", job_id=row.job_id, exc_info=error)

    async def _give_back(self) -> None:
        tasks = [task for _row, task in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            await self._database.write(partial(store.release, owner=self._owner, now_us=self._clock()))
        except MeshError as error:
            log.debug("jobs not given back; their leases run out", error=error.reason)

    # --- leases and sweeps -------------------------------------------------------------------------------------

    def _periodic_tasks(self) -> Sequence[PeriodicTask]:
        uniform = self._uniform
        return (
            PeriodicTask("leases of jobs", self.renew, every_s=self._lease_s / 3, at_once=False),
            PeriodicTask("sweep of jobs", self.sweep, every_s=SWEEP_S, jitter=JITTER, uniform=uniform),
        )

    async def renew(self) -> None:
        """Lets the leases of what runs here go on. What was taken over is stopped: its outcome would not count."""
        rows = [row for row, _task in self._running.values()]
        if not rows:
            return
        end_us = self._clock() + int(self._lease_s * SECOND_US)
        kept = await self._database.write(partial(store.renew, rows=rows, lease_end_us=end_us))
        for row in rows:
            running = self._running.get(row.key)
            if row.key not in kept and running is not None and running[0].turn == row.turn:
                running[1].cancel()

    async def sweep(self) -> int:
        """Wakes what was overlooked, and what has waited for too long; returns how many."""
        count = await in_chunks(self._database, partial(store.wake_overlooked, now_us=self._clock()))
        if count:
            self._wake.set()
        return count


def _acting(row: JobRow) -> Acting:
    """A job as the one who acts, on behalf of the user who queued it."""
    on_behalf_of = "" if row.username == NOBODY else row.username
    actor = Actor(kind=ActorKind.JOB, name=row.kind, credential_id=row.job_id, on_behalf_of=on_behalf_of)
    return Acting(action=row.kind, actor=actor)


def _dead_end(row: JobRow, station: store.StationReadiness | None, now_us: int) -> MeshError | None:
    """Why a job cannot be run any more, if so. A station that was removed and added again is another one."""
    if row.station_id and (station is None or station.create_us > row.create_us):
        return MeshError(grpc.StatusCode.NOT_FOUND, Reason.STATION_NOT_FOUND, "the station was removed")
    if row.expire_us <= now_us:
        return MeshError(grpc.StatusCode.DEADLINE_EXCEEDED, Reason.JOB_EXPIRED, "it could not be done in time")
    if row.state is JobState.RUNNING and row.takeovers >= MOST_LOST_OWNERS:
        return MeshError(
            grpc.StatusCode.ABORTED,
            Reason.JOB_ABANDONED,
            f"{MOST_LOST_OWNERS + 1} processes were lost while they ran it",
        )
    return None
