"""The job queue: durable, at least once, shared by replicas, patient with stations that are not connected."""

import asyncio
from collections.abc import Mapping
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.station.v1 import command_service_pb2 as pb
from csms.station.v1 import station_pb2, station_service_pb2
from google.rpc import status_pb2
from sqlalchemy import Connection

from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, from_status
from station_svc.commands.commands import Commands
from station_svc.commands.gateways import Gateways, station_offline
from station_svc.jobs import runner as jobs
from station_svc.jobs import store as job_store
from station_svc.jobs.rows import JobRow, JobState, NewJob
from station_svc.jobs.runner import Again, Done, FinalError, Handler, JobKind, Jobs
from station_svc.jobs.sender import JobSender
from tests.conftest import FakeClock
from tests.mesh_identities import identity_of
from tests.station_svc import tables as models
from tests.station_svc.conftest import StartSystem, StationSystem
from tests.waiting import eventually, until

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


async def test_a_job_is_done_once(system: StationSystem) -> None:
    """Its handler is notified of the end, the payload is forgotten, and nothing is left to do."""
    await booted(system)
    log = Log()
    job_id = await add(system, payload=b"what", username="ann")
    runner = make_jobs(system, log.kind())
    assert await runner.run_due() == 1
    assert [(job.job_id, job.payload, job.username) for job in log.turns] == [(job_id, b"what", "ann")]
    assert log.ends == [(job_id, JobState.DONE, "")]
    row = await read(system, job_id)
    assert (row.state, row.payload, row.error) == (JobState.DONE, b"", None)
    assert await runner.run_due() == 0


async def test_a_slot_has_one_job_at_a_time(system: StationSystem) -> None:
    """Another one is not queued until the first is over; slots are a tenant's own."""
    await booted(system)
    first = await add(system, slot="list:CP1")
    assert await add(system, slot="list:CP1") == first
    assert await add(system, slot="list:CP2") != first
    await make_jobs(system, Log().kind()).run_due()
    assert await add(system, slot="list:CP1") != first


async def test_a_job_waits_for_its_time(system: StationSystem, clock: FakeClock) -> None:
    await booted(system)
    log = Log()
    await add(system, run_us=clock() + 60_000_000)
    runner = make_jobs(system, log.kind())
    clock.advance(59)
    await system.lease()
    assert await runner.run_due() == 0
    clock.advance(1)
    await runner.run_due()
    assert len(log.turns) == 1


async def test_a_job_waits_for_its_station(system: StationSystem, clock: FakeClock) -> None:
    """Away, it is parked and nobody looks at it; its boot wakes it, and later its connection alone."""
    await system.create("CP1", security_profile=0)
    log = Log(Again())
    job_id = await add(system)
    runner = make_jobs(system, log.kind())
    assert await runner.run_due() == 1
    assert (await read(system, job_id)).state is JobState.PARKED
    assert await runner.run_due() == 0
    epoch = await system.open("CP1")
    assert (await read(system, job_id)).state is JobState.PARKED
    await system.boot(system.boot_item("CP1", epoch))
    assert await runner.run_due() == 0
    clock.advance(2)
    await runner.run_due()
    assert len(log.turns) == 1
    await system.close("CP1", epoch)
    await runner.run_due()
    assert (await read(system, job_id)).state is JobState.PARKED
    await system.open("CP1")
    clock.advance(2)
    await runner.run_due()
    assert log.ends == [(job_id, JobState.DONE, "")]


async def test_a_station_that_is_not_accepted_is_no_station_to_work_with(system: StationSystem) -> None:
    """It may not be sent what needs its registration."""
    await system.create("CP1", security_profile=0)
    pending = station_pb2.Station(station_id="CP1", registration_status=station_pb2.REGISTRATION_STATUS_PENDING)
    await system.stations.UpdateStation(station_service_pb2.UpdateStationRequest(station=pending))
    await booted(system)
    job_id = await add(system)
    await make_jobs(system, Log().kind()).run_due()
    assert (await read(system, job_id)).state is JobState.PARKED


async def test_a_job_without_a_station(system: StationSystem) -> None:
    """A kind that needs none runs whether or not there is one."""
    log = Log()
    await add(system, "")
    await make_jobs(system, log.kind(needs_station=False)).run_due()
    assert len(log.turns) == 1


async def test_the_sweep_wakes_what_was_overlooked(system: StationSystem, clock: FakeClock) -> None:
    """A gateway whose lease lapsed for a moment finds its stations as they were: no connection shows it."""
    await booted(system)
    log = Log()
    job_id = await add(system)
    runner = make_jobs(system, log.kind())
    clock.advance(11)
    await runner.run_due()
    assert (await read(system, job_id)).state is JobState.PARKED
    assert await runner.sweep() == 0
    await system.lease()
    assert await runner.sweep() == 1
    await runner.run_due()
    assert len(log.turns) == 1


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
    assert await _cancel(system, runner, done) is JobState.DONE
    assert await _cancel(system, runner, parked) is JobState.CANCELLED
    assert await _cancel(system, runner, waiting) is JobState.CANCELLED
    assert await _cancel(system, runner, "nobody") is None
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
    assert await _cancel(system, runner, job_id) is JobState.RUNNING
    held.release.set()
    await turn
    assert [end[:2] for end in log.ends] == [(job_id, state)]


async def _cancel(system: StationSystem, runner: Jobs, job_id: str) -> JobState | None:
    return await system.database.write(
        lambda connection: runner.cancel(connection, tenant_id="default", job_id=job_id, now_us=system.clock())
    )


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
    async with _running(*runners):
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
    async with _running(make_jobs(system, {"work": JobKind(run=held.run, needs_station=False)})):
        await until(lambda: held.turns)
    row = await read(system, job_id)
    assert (row.state, row.attempt, row.takeovers) == (JobState.WAITING, 0, 0)
    await make_jobs(system, log.kind(needs_station=False)).run_due()
    assert [job.request_id() for job in log.turns] == [f"job-{job_id}-0"]


async def test_what_is_queued_here_is_run_at_once(system: StationSystem) -> None:
    """Not only when the runner looks again for what others have queued: that is a minute away."""
    log = Log(Again())
    async with _running(make_jobs(system, log.kind(needs_station=False), poll_s=60.0)):
        await add(system, "")
        await until(lambda: log.ends)
        await add(system, "")
        await until(lambda: len(log.ends) == 2)
    assert len(log.turns) == 3


async def test_an_end_that_cannot_be_told_is_an_end(system: StationSystem) -> None:
    """The code to be notified of it fails: the job is over all the same, and half-written changes are undone."""

    def ended(connection: Connection, _job: JobRow, _error: MeshError | None, _now_us: int) -> None:
        connection.execute(sa.insert(models.quirk).values(tenant_id="default", station_id="CP1", name="half", count=1))
        raise ValueError("a mistake of ours")

    job_id = await add(system, "")
    await make_jobs(system, {"work": JobKind(run=Log().run, ended=ended, needs_station=False)}).run_due()
    assert (await read(system, job_id)).state is JobState.DONE
    assert await system.count(models.quirk) == 0


class _Running:
    def __init__(self, *runners: Jobs) -> None:
        self._runners = runners
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> None:
        self._tasks = [asyncio.create_task(runner.run()) for runner in self._runners]

    async def __aexit__(self, *_error: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _running(*runners: Jobs) -> _Running:
    """Runners at work, until the block ends."""
    return _Running(*runners)


async def test_a_job_may_wait_for_the_next_boot(system: StationSystem, clock: FakeClock) -> None:
    """Though its station is there: its next boot brings the job back, and not the time."""
    epoch = await booted(system)
    log = Log(Again(decide=lambda _db, _job, _now_us: jobs.UNTIL_STATION), Again(decide=lambda *_given: None))
    job_id = await add(system)
    runner = make_jobs(system, log.kind())
    await runner.run_due()
    clock.advance(3600)
    await system.lease()
    assert await runner.run_due() == 0
    await system.boot(system.boot_item("CP1", epoch))
    clock.advance(2)
    await runner.run_due()
    assert (len(log.turns), log.ends) == (2, [(job_id, JobState.DONE, "")])
