"""Rows that are removed in time, and rows that stay."""

from collections.abc import Awaitable, Callable

import pytest
import sqlalchemy as sa
from csms.station.v1 import command_service_pb2, firmware_pb2, security_event_pb2, station_pb2
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from sqlalchemy import Connection

from mesh.events import outbox
from mesh.runtime.times import to_timestamp
from station_svc.catalogue import STORAGE
from station_svc.housekeeping import GRACE_S, LOOK_AGAIN_S, SWEEP_AFTER_S, Housekeeper, retention_task
from station_svc.jobs import store as job_store
from station_svc.jobs.rows import JobRow, NewJob
from station_svc.jobs.runner import Done, JobKind, Jobs
from tests.conftest import FakeClock
from tests.station_svc import tables as models
from tests.station_svc.conftest import StationSystem, fails_with

DAY_S = 24 * 3600

Fill = Callable[[StationSystem, int, int], Awaitable[object]]


async def _message(system: StationSystem, epoch: int, ordinal: int) -> object:
    message = station_pb2.Message(
        station_id="CP1", epoch=epoch, ordinal=ordinal, message_time=to_timestamp(system.clock())
    )
    items = [ingest_pb2.MessageItem(tenant_id="default", message=message)]
    return await system.ingest.RecordMessages(ingest_pb2.RecordMessagesRequest(items=items))


async def _status(system: StationSystem, epoch: int, ordinal: int) -> object:
    return await system.report(system.status_item("CP1", epoch, ordinal))


async def _transfer(system: StationSystem, epoch: int, ordinal: int) -> object:
    item = ingest_pb2.TransferDataItem(origin=system.origin("CP1", epoch, ordinal), vendor_id="v")
    return await system.ingest.TransferData(ingest_pb2.TransferDataRequest(items=[item]))


async def _security_event(system: StationSystem, epoch: int, ordinal: int) -> object:
    event = security_event_pb2.SecurityEvent(type="ResetOrReboot")
    return await system.notify(ingest_pb2.ReportItem(origin=system.origin("CP1", epoch, ordinal), security_event=event))


async def _firmware_status(system: StationSystem, epoch: int, ordinal: int) -> object:
    report = firmware_pb2.FirmwareStatusReport(
        status=firmware_pb2.FIRMWARE_STATUS_DOWNLOADING, firmware_update_id=ordinal
    )
    return await system.notify(
        ingest_pb2.ReportItem(origin=system.origin("CP1", epoch, ordinal), firmware_status=report)
    )


async def _certificate_request(system: StationSystem, epoch: int, ordinal: int) -> object:
    item = ingest_pb2.RequestCertificateItem(origin=system.origin("CP1", epoch, ordinal), csr=f"csr {ordinal}")
    return await system.ingest.RequestCertificates(ingest_pb2.RequestCertificatesRequest(items=[item]))


async def _command(system: StationSystem, epoch: int, _ordinal: int) -> object:
    await system.close("CP1", epoch)
    with fails_with("STATION_OFFLINE"):
        await system.commands.ClearCache(command_service_pb2.ClearCacheRequest(station_id="CP1"))
    return None


async def _job(system: StationSystem, _epoch: int, _ordinal: int) -> object:
    jobs = Jobs(
        database=system.database, kinds={"nothing": JobKind(run=_done, needs_station=False)}, clock=system.clock
    )
    new = NewJob(tenant_id="default", kind="nothing", station_id="CP1")
    await system.database.write(lambda connection: job_store.add(connection, new, system.clock()))
    return await jobs.run_due()


async def _done(_job: JobRow) -> Done:
    return Done()


@pytest.mark.parametrize(
    ("table", "days", "fill"),
    [
        (models.message, 30, _message),
        (models.status_report, 90, _status),
        (models.data_transfer, 30, _transfer),
        (models.security_event, 365, _security_event),
        (models.certificate_request, 365, _certificate_request),
        (models.task, 365, _firmware_status),
        (models.task_report, 365, _firmware_status),
        (models.command, 30, _command),
        (models.job, 30, _job),
    ],
)
async def test_what_is_old_is_removed(
    system: StationSystem, clock: FakeClock, table: sa.Table, days: int, fill: Fill
) -> None:
    """Rows go once they are older than they are to be kept, in parts, and not a moment before."""
    epoch = await system.open("CP1")
    for ordinal in range(1, 8):
        await fill(system, epoch, ordinal)
    clock.advance(DAY_S)
    await fill(system, epoch, 8)
    clock.advance((days - 1) * DAY_S)
    await system.retention.remove_old()
    assert await system.count(table) == 8
    clock.advance(1)
    await system.retention.remove_old()
    assert await system.count(table) == 1
    clock.advance(DAY_S)
    await system.retention.remove_old()
    assert await system.count(table) == 0


async def test_the_current_status_outlives_its_history(system: StationSystem, clock: FakeClock) -> None:
    """A connector whose last report is old still has the status that it told of."""
    await _status(system, await system.open("CP1"), 1)
    clock.advance(100 * DAY_S)
    await system.retention.remove_old()
    assert await system.count(models.status_report) == 0
    [evse] = (await system.station("CP1")).evses
    assert evse.connectors[0].reported_status == "Available"


async def test_old_connections_are_removed_but_for_the_latest(system: StationSystem, clock: FakeClock) -> None:
    """The latest shows when a station was last connected; an open one stays however old it is."""
    epochs = [await system.open("CP1") for _ in range(6)]
    for epoch in epochs:
        await system.close("CP1", epoch)
    open_ = await system.open("CP2")
    clock.advance(30 * DAY_S + 1)
    await system.lease()
    assert await system.housekeeper.close_lost() == 0
    await system.retention.remove_old()
    left = await system.database.read(
        lambda connection: connection.scalars(sa.select(models.station_connection.c.epoch)).all()
    )
    assert sorted(left) == [epochs[-1], open_]
    assert (await system.station("CP1")).connection.epoch == epochs[-1]
    assert (await system.station("CP2")).connected


async def test_events_are_kept_until_they_are_published(system: StationSystem, clock: FakeClock) -> None:
    """Published ones go after some days, others wait for the relay much longer, but not for ever."""
    for number in range(5):
        await system.open(f"CP{number}")
    ids = await system.database.read(lambda connection: connection.scalars(sa.select(models.outbox.c.outbox_id)).all())
    published = sorted(ids)[:8]
    await system.database.write(lambda connection: outbox.mark_published(connection, published, now_us=clock()))
    clock.advance(DAY_S)
    await system.retention.remove_old()
    assert await system.count(models.outbox) == 10
    clock.advance(1)
    await system.retention.remove_old()
    assert await system.count(models.outbox) == 2
    clock.advance(29 * DAY_S - 1)
    await system.retention.remove_old()
    assert await system.count(models.outbox) == 2
    clock.advance(1)
    await system.retention.remove_old()
    assert await system.count(models.outbox) == 0


async def test_retention_is_a_setting(system: StationSystem, clock: FakeClock) -> None:
    """Each kind has its own."""
    epoch = await system.open("CP1")
    await _message(system, epoch, 1)
    await _status(system, epoch, 2)
    clock.advance(DAY_S + 1)
    retention = retention_task(database=system.database, clock=clock, storage=STORAGE, days={"MESSAGE": 1})
    assert await retention.remove_old() == 1
    assert (await system.count(models.message), await system.count(models.status_report)) == (0, 1)


async def test_leases_are_looked_at_when_one_may_have_run_out(system: StationSystem, clock: FakeClock) -> None:
    """Where all are renewed that is seldom; a gateway that is lost is noticed as soon as its grace is over."""
    keeper = system.housekeeper
    await system.open("CP1")  # whose gateway has a lease of 10 s
    assert await keeper.close_lost() == 0
    assert keeper.until_lost_s() == LOOK_AGAIN_S
    clock.advance(8)
    assert await keeper.close_lost() == 0
    assert keeper.until_lost_s() == pytest.approx(10 - 8 + GRACE_S, abs=0.02)
    clock.advance(keeper.until_lost_s())
    assert await keeper.close_lost() == 1
    assert keeper.until_lost_s() == SWEEP_AFTER_S
    assert await keeper.close_lost() == 0
    assert keeper.until_lost_s() == LOOK_AGAIN_S  # no gateway is left


async def test_a_handler_that_fails_keeps_none_before_it_from_its_work(system: StationSystem, clock: FakeClock) -> None:
    """All share a transaction; where it fails, each has its own."""
    removed: list[int] = []

    def succeeds(connection: Connection, *, now_us: int, limit: int) -> int:
        removed.append(connection.execute(sa.delete(models.node)).rowcount)
        return min(removed[-1], limit)

    def fails(_connection: Connection, *, now_us: int, limit: int) -> int:
        raise ValueError("unforeseen")

    await system.lease()
    keeper = Housekeeper(database=system.database, clock=clock, storage=(), due=[succeeds, fails])
    with pytest.raises(ValueError, match="unforeseen"):
        await keeper.end_due()
    assert removed == [1, 1]  # undone with the transaction that they shared, and done again
    assert await system.count(models.node) == 0


async def test_handlers_of_what_is_due_share_a_transaction_and_go_on_where_more_is_left(
    system: StationSystem, clock: FakeClock
) -> None:
    connections: list[Connection] = []
    left = [5, 2]

    def handler(index: int) -> Callable[..., int]:
        def work(connection: Connection, *, now_us: int, limit: int) -> int:
            connections.append(connection)
            count = min(left[index], limit)
            left[index] -= count
            return count

        return work

    keeper = Housekeeper(database=system.database, clock=clock, storage=(), due=[handler(0), handler(1)], chunk=3)
    assert await keeper.end_due() == 7
    assert left == [0, 0]
    assert len(connections) == 3
    assert connections[0] is connections[1]
