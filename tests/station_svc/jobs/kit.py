"""Handlers of jobs for tests, and a runner of them."""

import asyncio
from collections.abc import Mapping
from typing import Any

import grpc
from sqlalchemy import Connection

from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from station_svc.jobs import store as job_store
from station_svc.jobs.rows import JobRow, JobState, NewJob
from station_svc.jobs.runner import Again, Done, JobKind, Jobs
from tests.station_svc.conftest import StationSystem

TROUBLE = MeshError(grpc.StatusCode.ABORTED, Reason.CALL_ERROR, "it would not")


class Log:
    """A handler that writes down each turn, and returns the given outcomes in their order, then Done."""

    def __init__(self, *outcomes: Done | Again | Exception) -> None:
        self.turns: list[JobRow] = []
        self.ends: list[tuple[str, JobState, str]] = []
        self._outcomes = list(outcomes)

    async def run(self, job: JobRow) -> Done | Again:
        """One turn."""
        self.turns.append(job)
        outcome = self._outcomes.pop(0) if self._outcomes else Done()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def ended(self, _db: Connection, job: JobRow, error: MeshError | None, _now_us: int) -> None:
        """The end of a job."""
        self.ends.append((job.job_id, job.state, error.reason if error else ""))

    def kind(self, **more: Any) -> Mapping[str, JobKind]:
        """As the only kind of job that there is."""
        return {"work": JobKind(run=self.run, ended=self.ended, **more)}


class Held:
    """A handler that does not end before it is released."""

    def __init__(self) -> None:
        self.turns: list[JobRow] = []
        self.release = asyncio.Event()

    async def run(self, job: JobRow) -> Done:
        """One turn."""
        self.turns.append(job)
        await self.release.wait()
        return Done()


def make_jobs(system: StationSystem, kinds: Mapping[str, JobKind], **more: Any) -> Jobs:
    """A runner, which backs off without jitter."""
    return Jobs(database=system.database, kinds=kinds, clock=system.clock, uniform=lambda _low, _high: 1.0, **more)


async def add(system: StationSystem, station_id: str = "CP1", **more: Any) -> str:
    """Queues a job."""
    new = NewJob(tenant_id="default", kind="work", station_id=station_id, **more)
    return await system.database.write(lambda connection: job_store.add(connection, new, system.clock()))


async def read(system: StationSystem, job_id: str) -> JobRow:
    """A job as it stands."""
    row = await system.database.read(lambda connection: job_store.get(connection, "default", job_id))
    assert row is not None
    return row


async def booted(system: StationSystem, station_id: str = "CP1") -> int:
    """A station that is connected and was accepted at its boot; its epoch."""
    epoch = await system.open(station_id)
    await system.boot(system.boot_item(station_id, epoch))
    return epoch


async def cancel(system: StationSystem, runner: Jobs, job_id: str) -> JobState | None:
    return await system.database.write(
        lambda connection: runner.cancel(connection, tenant_id="default", job_id=job_id, now_us=system.clock())
    )


class Running:
    def __init__(self, *runners: Jobs) -> None:
        self._runners = runners
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> None:
        self._tasks = [asyncio.create_task(runner.run()) for runner in self._runners]

    async def __aexit__(self, *_error: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def run_together(*runners: Jobs) -> Running:
    """Runners at work, until the block ends."""
    return Running(*runners)
