"""Ends of jobs: done, failed, cancelled, too late, or with their station."""

import asyncio

import pytest
import sqlalchemy as sa
from csms.station.v1 import station_service_pb2
from google.rpc import status_pb2
from sqlalchemy import Connection

from mesh.runtime.errors import MeshError, from_status
from station_svc.commands.gateways import station_offline
from station_svc.jobs.rows import JobRow, JobState
from station_svc.jobs.runner import Again, Done, FinalError, JobKind
from tests.conftest import FakeClock
from tests.station_svc import tables as models
from tests.station_svc.conftest import StationSystem
from tests.station_svc.jobs.kit import TROUBLE, Held, Log, add, booted, cancel, make_jobs, read
from tests.waiting import until


async def test_a_failure_is_tried_again_up_to_a_bound(system: StationSystem, clock: FakeClock) -> None:
    """Each time later, under another request id; then it has failed, and the error is kept."""
    await booted(system)
    log = Log(TROUBLE, TROUBLE, TROUBLE)
    job_id = await add(system)
    runner = make_jobs(system, log.kind(most_attempts=3))
    for delay_s in (5, 10):
        await runner.run_due()
        clock.advance(delay_s - 1)
        await system.lease()
        assert await runner.run_due() == 0
        clock.advance(1)
    await runner.run_due()
    assert [job.request_id("a") for job in log.turns] == [f"job-{job_id}-{number}-a" for number in range(3)]
    assert log.ends == [(job_id, JobState.FAILED, "CALL_ERROR")]
    row = await read(system, job_id)
    assert from_status(status_pb2.Status.FromString(row.error or b"")).message == "it would not"


async def test_progress_gives_new_attempts(system: StationSystem, clock: FakeClock) -> None:
    """Failures before it count no more; the payload is that of the last turn."""
    await booted(system)
    log = Log(TROUBLE, Again(payload=b"half"), TROUBLE)
    await add(system, payload=b"all")
    runner = make_jobs(system, log.kind(most_attempts=2))
    for _ in range(4):
        await runner.run_due()
        clock.advance(5)
        await system.lease()
    assert [(job.payload, job.attempt, job.failures) for job in log.turns] == [
        (b"all", 0, 0),
        (b"all", 1, 1),
        (b"half", 2, 0),
        (b"half", 3, 1),
    ]
    assert log.ends[0][1] is JobState.DONE


async def test_a_station_that_went_away_is_no_failure(system: StationSystem, clock: FakeClock) -> None:
    """Nothing was sent: it is looked at again, and parked if the station is still not connected."""
    epoch = await booted(system)
    log = Log(*(station_offline("CP1", "gone") for _ in range(3)))
    job_id = await add(system)
    runner = make_jobs(system, log.kind(most_attempts=1))
    for _ in range(3):
        await runner.run_due()
        clock.advance(5)
        await system.lease()
    assert (await read(system, job_id)).failures == 0
    await system.close("CP1", epoch)
    await runner.run_due()
    assert (await read(system, job_id)).state is JobState.PARKED


@pytest.mark.parametrize(
    ("outcome", "reason"), [(FinalError(TROUBLE), "CALL_ERROR"), (ValueError("a mistake of ours"), "INTERNAL")]
)
async def test_what_cannot_be_mended_fails_at_once(system: StationSystem, outcome: Exception, reason: str) -> None:
    """A final error leaves no other attempt; a mistake of ours counts as an attempt that failed."""
    await booted(system)
    log = Log(outcome)
    job_id = await add(system)
    await make_jobs(system, log.kind(most_attempts=5 if reason == "CALL_ERROR" else 1)).run_due()
    assert log.ends == [(job_id, JobState.FAILED, reason)]


async def test_a_turn_that_takes_too_long(system: StationSystem) -> None:
    """It is stopped, and counts as a failure."""
    await booted(system)
    held = Held()
    job_id = await add(system)
    await make_jobs(system, {"work": JobKind(run=held.run, turn_s=0.05)}).run_due()
    row = await read(system, job_id)
    assert (row.state, row.failures) == (JobState.WAITING, 1)
    assert from_status(status_pb2.Status.FromString(row.error or b"")).reason == "JOB_TIMEOUT"


async def test_a_waiting_job_is_cancelled_at_once(system: StationSystem, clock: FakeClock) -> None:
    """Be it parked or not; one that is over stays as it is; its handler is notified."""
    await system.create("CP1")
    await booted(system, "CP2")
    log = Log()
    runner = make_jobs(system, log.kind())
    done, parked = await add(system, "CP2"), await add(system)
    await runner.run_due()
    waiting = await add(system, run_us=clock() + 1_000_000)
    assert await cancel(system, runner, done) is JobState.DONE
    assert await cancel(system, runner, parked) is JobState.CANCELLED
    assert await cancel(system, runner, waiting) is JobState.CANCELLED
    assert await cancel(system, runner, "nobody") is None
    assert log.ends[1:] == [(parked, JobState.CANCELLED, ""), (waiting, JobState.CANCELLED, "")]


@pytest.mark.parametrize(
    ("outcome", "state"), [(Again(), JobState.CANCELLED), (TROUBLE, JobState.CANCELLED), (Done(), JobState.DONE)]
)
async def test_a_running_job_is_cancelled_with_its_turn(
    system: StationSystem, outcome: Done | Again | Exception, state: JobState
) -> None:
    """A command that was sent cannot be taken back; a turn that ends the job ends it the usual way."""
    await booted(system)
    held, log = Held(), Log(outcome)

    async def work(job: JobRow) -> Done | Again:
        await held.run(job)
        return await log.run(job)

    runner = make_jobs(system, {"work": JobKind(run=work, ended=log.ended)})
    job_id = await add(system)
    turn = asyncio.create_task(runner.run_due())
    await until(lambda: held.turns)
    assert await cancel(system, runner, job_id) is JobState.RUNNING
    held.release.set()
    await turn
    assert [end[:2] for end in log.ends] == [(job_id, state)]


async def test_jobs_end_with_their_station(system: StationSystem, clock: FakeClock) -> None:
    """Also one that was parked; a new station of the same name does not inherit it."""
    await system.create("CP1", security_profile=0)
    log = Log()
    runner = make_jobs(system, log.kind())
    job_id = await add(system)
    await runner.run_due()
    await system.stations.DeleteStation(station_service_pb2.DeleteStationRequest(station_id="CP1"))
    clock.advance(1)
    await booted(system)
    await runner.run_due()
    assert (log.turns, log.ends) == ([], [(job_id, JobState.FAILED, "STATION_NOT_FOUND")])


async def test_a_job_does_not_wait_for_ever(system: StationSystem, clock: FakeClock) -> None:
    """The sweep finds a parked one whose time is over."""
    await system.create("CP1")
    log = Log()
    runner = make_jobs(system, log.kind())
    job_id = await add(system, expire_us=clock() + 3_600_000_000)
    await runner.run_due()
    clock.advance(3600)
    assert await runner.sweep() == 1
    await runner.run_due()
    assert log.ends == [(job_id, JobState.FAILED, "JOB_EXPIRED")]


async def test_an_end_that_cannot_be_told_is_an_end(system: StationSystem) -> None:
    """The code to be notified of it fails: the job is over all the same, and half-written changes are undone."""

    def ended(connection: Connection, _job: JobRow, _error: MeshError | None, _now_us: int) -> None:
        connection.execute(sa.insert(models.quirk).values(tenant_id="default", station_id="CP1", name="half", count=1))
        raise ValueError("a mistake of ours")

    job_id = await add(system, "")
    await make_jobs(system, {"work": JobKind(run=Log().run, ended=ended, needs_station=False)}).run_due()
    assert (await read(system, job_id)).state is JobState.DONE
    assert await system.count(models.quirk) == 0
