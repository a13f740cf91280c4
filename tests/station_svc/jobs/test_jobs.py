"""The job queue: durable, at least once, patient with stations that are not connected."""

from csms.station.v1 import station_pb2, station_service_pb2

from station_svc.jobs import runner as jobs
from station_svc.jobs.rows import JobState
from station_svc.jobs.runner import Again
from tests.conftest import FakeClock
from tests.station_svc.conftest import StationSystem
from tests.station_svc.jobs.kit import Log, add, booted, make_jobs, read, run_together
from tests.waiting import until


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


async def test_what_is_queued_here_is_run_at_once(system: StationSystem) -> None:
    """Not only when the runner looks again for what others have queued: that is a minute away."""
    log = Log(Again())
    async with run_together(make_jobs(system, log.kind(needs_station=False), poll_s=60.0)):
        await add(system, "")
        await until(lambda: log.ends)
        await add(system, "")
        await until(lambda: len(log.ends) == 2)
    assert len(log.turns) == 3


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
