"""Replicas share the queue: leases are kept, renewed and taken over, and no work is lost or done twice."""

import asyncio
from collections.abc import Mapping

import sqlalchemy as sa
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.station.v1 import command_service_pb2 as pb

from station_svc.commands.commands import Commands
from station_svc.commands.gateways import Gateways
from station_svc.jobs import runner as jobs
from station_svc.jobs.rows import JobRow, JobState
from station_svc.jobs.runner import Done, Handler, JobKind
from station_svc.jobs.sender import JobSender
from tests.conftest import FakeClock
from tests.mesh_identities import identity_of
from tests.station_svc import tables as models
from tests.station_svc.conftest import StartSystem, StationSystem
from tests.station_svc.jobs.kit import Held, Log, add, booted, make_jobs, read, run_together
from tests.waiting import eventually, until


async def test_two_runners_share_the_work(start_system: StartSystem) -> None:
    """Each job is run once, by one of them, and each runs no more at a time than it may."""
    one = await start_system()
    two = await start_system()
    most = {"one": 0, "two": 0}
    running = {"one": 0, "two": 0}
    done: list[str] = []

    def work(name: str) -> Handler:
        async def run(job: JobRow) -> Done:
            running[name] += 1
            most[name] = max(most[name], running[name])
            await asyncio.sleep(0)
            done.append(job.job_id)
            running[name] -= 1
            return Done()

        return run

    runners = [
        make_jobs(system, {"work": JobKind(run=work(name), needs_station=False)}, most_running=4, poll_s=0.05)
        for name, system in (("one", one), ("two", two))
    ]
    added = [await add(one, "") for _ in range(60)]
    async with run_together(*runners):
        await until(lambda: len(done) == 60)
        await eventually(lambda: _all_over(one))
    assert sorted(done) == sorted(added)
    assert max(most.values()) <= 4


async def _all_over(system: StationSystem) -> bool:
    query = sa.select(sa.func.count()).select_from(models.job).where(models.job.c.state != JobState.DONE)
    return await system.database.read(lambda connection: connection.execute(query).scalar_one()) == 0


async def test_a_killed_one_s_job_goes_on_elsewhere(start_system: StartSystem, clock: FakeClock) -> None:
    """After its lease, by the same attempt: the command that was under way is found, not sent a second time.

    What the lost one finds later does not count.
    """
    one = await start_system()
    await one.lease()
    two = await start_system()
    await booted(one)
    answers: list[pb.ResetResponse] = []
    lost, gate = Held(), asyncio.Event()

    async def behave(_request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        await gate.wait()
        return gateway_pb2.CallResponse(reset=pb.ResetResponse(status=pb.RESET_STATUS_ACCEPTED))

    one.gateway.behave = behave
    first, second = make_jobs(one, _resetting(one, answers, lost)), make_jobs(two, _resetting(two, answers))
    job_id = await add(one)
    turn = asyncio.create_task(first.run_due())
    await until(lambda: one.gateway.calls)
    assert await second.run_due() == 0
    clock.advance(31)
    await one.lease()
    takeover = asyncio.create_task(second.run_due())
    await eventually(lambda: _taken_over(two, job_id))
    gate.set()
    assert await takeover == 1
    assert (await read(two, job_id)).state is JobState.DONE
    lost.release.set()
    await turn
    assert [call.reset.request_id for call in one.gateway.calls] == [f"job-{job_id}-0"]
    assert [answer.status for answer in answers] == [pb.RESET_STATUS_ACCEPTED] * 2
    row = await read(one, job_id)
    assert (row.state, row.turn, row.takeovers) == (JobState.DONE, 2, 1)


async def _taken_over(system: StationSystem, job_id: str) -> bool:
    return (await read(system, job_id)).turn == 2


def _resetting(
    system: StationSystem, answers: list[pb.ResetResponse], before_end: Held | None = None
) -> Mapping[str, JobKind]:
    """Jobs that reset their station, and may hang after that."""
    commands = Commands(
        database=system.database, gateways=Gateways(identity=identity_of("station")), clock=system.clock
    )
    sender = JobSender(commands=commands)

    async def run(job: JobRow) -> Done:
        request = pb.ResetRequest(station_id=job.station_id, request_id=job.request_id())
        answers.append(await sender.send(job, "reset", request, pb.ResetResponse))
        if before_end is not None:
            await before_end.run(job)
        return Done()

    return {"work": JobKind(run=run)}


async def test_a_lease_is_renewed(start_system: StartSystem, clock: FakeClock) -> None:
    """While its owner works, nobody else takes a job; one that was taken over is stopped by its own renewal."""
    one = await start_system()
    held, log = Held(), Log()
    owner = make_jobs(one, {"work": JobKind(run=held.run, needs_station=False)})
    other = make_jobs(one, log.kind(needs_station=False))
    job_id = await add(one, "")
    turn = asyncio.create_task(owner.run_due())
    await until(lambda: held.turns)
    for _ in range(3):
        clock.advance(29)
        await owner.renew()
        assert await other.run_due() == 0
    clock.advance(30)
    assert await other.run_due() == 1
    await owner.renew()
    await asyncio.wait([turn])
    assert turn.cancelled()
    assert log.ends == [(job_id, JobState.DONE, "")]


async def test_a_job_that_kills_whoever_runs_it_comes_to_an_end(system: StationSystem, clock: FakeClock) -> None:
    held, log = Held(), Log()
    kinds = {"work": JobKind(run=held.run, ended=log.ended, needs_station=False)}
    job_id = await add(system, "")
    turns = []
    for count in range(1, jobs.MOST_LOST_OWNERS + 2):
        turns.append(asyncio.create_task(make_jobs(system, kinds).run_due()))
        await until(lambda count=count: len(held.turns) == count)  # type: ignore[misc]
        clock.advance(30)
    assert await make_jobs(system, kinds).run_due() == 1
    assert log.ends == [(job_id, JobState.FAILED, "JOB_ABANDONED")]
    held.release.set()
    await asyncio.gather(*turns)


async def test_one_that_stops_gives_its_jobs_back(system: StationSystem) -> None:
    """At once, and without blame: the next goes on with the same attempt."""
    held, log = Held(), Log()
    job_id = await add(system, "")
    async with run_together(make_jobs(system, {"work": JobKind(run=held.run, needs_station=False)})):
        await until(lambda: held.turns)
    row = await read(system, job_id)
    assert (row.state, row.attempt, row.takeovers) == (JobState.WAITING, 0, 0)
    await make_jobs(system, log.kind(needs_station=False)).run_due()
    assert [job.request_id() for job in log.turns] == [f"job-{job_id}-0"]
