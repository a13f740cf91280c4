"""A station that boots over another OCPP version: what features do once it keeps to it, and that a probe is none."""

import sqlalchemy as sa
from csms.station.v1 import local_list_service_pb2

from station_svc.features.local_lists.models import local_list
from station_svc.ingest.version_changes import DELAY_S
from station_svc.jobs.models import job
from station_svc.jobs.rows import JobState
from tests.station_svc.conftest import StartSystem, StationSystem

STATION = "CP1"
FOLLOWED = ["base_report", "local_list_sync"]


async def _boot(system: StationSystem, version: str) -> None:
    """The station connects with a version, and boots."""
    epoch = await system.open(STATION, version=version)
    await system.boot(system.boot_item(STATION, epoch))


async def _pass(system: StationSystem, seconds: float) -> None:
    """Lets time pass, and then what is due run once."""
    system.clock.advance(seconds)
    await system.lease()
    await system.jobs.run_due()


async def _synced(system: StationSystem) -> None:
    """The station has a list that was brought in line."""
    row = {"tenant_id": "default", "station_id": STATION, "version": 3, "entries_version": 3}
    state = local_list_service_pb2.LOCAL_LIST_SYNC_STATE_SYNCED
    await system.database.write(
        lambda connection: connection.execute(sa.insert(local_list).values(**row, sync_state=state)).rowcount
    )


async def _jobs(system: StationSystem) -> list[str]:
    """The kinds of jobs that wait, sorted."""
    query = sa.select(job.c.kind).where(job.c.state <= JobState.RUNNING)
    return sorted(await system.database.read(lambda connection: connection.execute(query).scalars().all()))


async def test_a_station_that_keeps_to_another_version_gets_its_list_and_is_asked_for_its_report(
    system: StationSystem,
) -> None:
    await _boot(system, "1.6")
    await _synced(system)
    await _boot(system, "2.0.1")
    await _pass(system, DELAY_S - 1)
    assert await _jobs(system) == ["version_change"]
    await _pass(system, 1)
    assert await _jobs(system) == FOLLOWED


async def test_a_version_that_a_station_only_probes_has_no_consequence(system: StationSystem) -> None:
    """Again and again, with either version as the one that it keeps to."""
    for kept, probed in (("2.0.1", "1.6"), ("1.6", "2.0.1")):
        await _boot(system, kept)
        await _pass(system, DELAY_S)  # what follows from the change to this one is not what is shown
        before = await _jobs(system)
        for _ in range(3):
            await _boot(system, probed)
            await _pass(system, DELAY_S - 1)
            await _boot(system, kept)
            await _pass(system, DELAY_S)
        assert await _jobs(system) == before


async def test_a_probe_that_takes_longer_is_looked_at_a_minute_after_its_latest_boot(system: StationSystem) -> None:
    await _boot(system, "2.0.1")
    await _synced(system)
    await _boot(system, "1.6")
    await _pass(system, DELAY_S - 10)
    await _boot(system, "1.6")
    await _pass(system, 10)
    assert await _jobs(system) == ["version_change"]
    await _pass(system, DELAY_S - 10)
    assert await _jobs(system) == ["local_list_sync"]  # 1.6 has no reports


async def test_a_station_that_is_gone_after_its_boot_is_looked_at_when_it_is_back(system: StationSystem) -> None:
    await _boot(system, "1.6")
    epoch = await system.open(STATION, version="2.0.1")
    await system.boot(system.boot_item(STATION, epoch))
    await system.close(STATION, epoch)
    await _pass(system, DELAY_S)
    await _boot(system, "1.6")
    await _pass(system, 10)
    assert await _jobs(system) == []


async def test_without_a_delay_each_change_has_its_consequences(start_system: StartSystem) -> None:
    system = await start_system(version_change_delay_s=0)
    await system.lease()
    await _boot(system, "1.6")
    await _boot(system, "2.0.1")
    await _pass(system, 0)
    assert await _jobs(system) == ["base_report"]
