"""Hanging transactions are marked at once, ended after a grace period, and corrected by late events."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from csms.common.v1.evse_pb2 import EvseRef
from csms.transaction.v1 import transaction_event_pb2 as tx
from csms.transaction.v1 import transaction_service_pb2 as transactions
from csms.transaction.v1.transaction_ingest_service_pb2 import StationBooted, StationEventItem, StationRemoved
from sqlalchemy import Engine

from mesh.runtime.errors import from_status
from mesh.runtime.times import SECOND_US, to_timestamp
from tests.conftest import FakeClock
from tests.transaction_svc.conftest import make_service
from tests.transaction_svc.kit import START_US, Service, available, booted, event_2x, start_16, stop_16, values_16
from transaction_svc import models
from transaction_svc.settings import HANGING_GRACE_US

GRACE_S = HANGING_GRACE_US / SECOND_US
ACTIVE, ENDED = transactions.TRANSACTION_STATE_ACTIVE, transactions.TRANSACTION_STATE_ENDED


async def charging(service: Service, **more: Any) -> str:
    """Begins a 1.6 transaction with 500 Wh, whose last event is 600 s after its start; returns its number."""
    number = (await service.one(start_16(**more))).transaction_id
    await service.one(values_16(number, 600, 1500, connector=more.get("connector", 1)))
    return number


@pytest.mark.parametrize("event", [booted(), available(), available(700)], ids=["boot", "available", "with a time"])
async def test_a_boot_or_an_available_connector_marks_at_once(service: Service, event: Any) -> None:
    """It is still ACTIVE, is published once as hanging, and does not hold its token."""
    number = await charging(service)
    await service.notify(event)
    found = await service.get(number)
    assert (found.state, found.hanging, found.hanging_time) == (ACTIVE, True, to_timestamp(service.clock()))
    assert (found.end_origin, found.HasField("end_time"), found.energy_wh) == (0, False, 500)
    (published,) = await service.published("transaction.updated")
    assert (published[1]["hanging"], published[1]["state"]) == (True, "TRANSACTION_STATE_ACTIVE")
    assert not (await service.one(start_16(50, connector=2))).concurrent


async def test_other_connectors_go_on(service: Service) -> None:
    """Neither another station or connector, nor the station as a whole, marks it."""
    number = await charging(service)
    for event in (available(evse_id=2), available(connector_id=2), available(evse_id=0, connector_id=0)):
        await service.notify(event)
    await service.notify(booted(), station="CP2")
    assert not (await service.get(number)).hanging
    assert (await service.one(start_16(50, connector=2))).concurrent


async def test_each_connector_of_a_frame_counts(service: Service) -> None:
    """OCPP 2.x NotifyEvent reports several at once: the transaction at the last of them is marked too."""
    number = await charging(service)
    item = service.station_item(available(evse_id=3))
    item.further_connectors.extend([available(evse_id=2), available()])
    (result,) = await service.notify_items([item])
    assert not result.HasField("error"), result
    assert (await service.get(number)).hanging


async def test_it_ends_after_the_grace_period(service: Service) -> None:
    """With the last believed register, at the time of its last event; the end is published once."""
    number = await charging(service)
    await service.notify(booted())
    service.clock.advance(GRACE_S - 1)
    assert await service.expiry.end_due() == 0
    service.clock.advance(1)
    assert await service.expiry.end_due() == 1
    assert await service.expiry.end_due() == 0
    found = await service.get(number)
    assert (found.state, found.hanging, found.energy_wh, found.believed_meter_stop_wh) == (ENDED, False, 500, 1500)
    assert found.end_origin == transactions.TRANSACTION_END_ORIGIN_ABANDONED
    assert found.stopped_reason == tx.STOPPED_REASON_ABANDONED
    assert found.end_time.ToJsonString() == "2025-10-08T09:03:20Z"
    assert list(found.flags) == ["abandoned"]
    (published,) = await service.published("transaction.ended")
    assert published[1]["endOrigin"] == "TRANSACTION_END_ORIGIN_ABANDONED"
    assert (published[1]["energyWh"], published[1]["stoppedReason"]) == (500, "STOPPED_REASON_ABANDONED")


async def test_values_after_the_mark_remove_it(service: Service) -> None:
    """A charger that goes on charging is never ended, and its transaction holds the token again."""
    number = await charging(service)
    await service.notify(booted())
    for turn in range(3):
        service.clock.advance(GRACE_S * 0.9)
        await service.one(values_16(number, 700 + turn, 1600 + turn))
        assert await service.expiry.end_due() == 0
    found = await service.get(number)
    assert (found.state, found.hanging, found.energy_wh) == (ACTIVE, False, 602)
    assert (await service.one(start_16(50, connector=2))).concurrent
    await service.notify(booted())
    assert (await service.get(number)).hanging


async def test_events_from_the_queue_do_not_remove_the_mark(service: Service) -> None:
    """It boots, reports its connector with a time, then sends older values from its queue; they delay the end alone."""
    number = await charging(service)
    await service.notify(booted())
    service.clock.advance(1)
    await service.notify(available(900))
    service.clock.advance(GRACE_S / 2)
    await service.one(values_16(number, 800, 1700))
    found = await service.get(number)
    assert (found.hanging, found.energy_wh) == (True, 700)
    service.clock.advance(GRACE_S / 2 + 1)
    assert await service.expiry.end_due() == 0
    service.clock.advance(GRACE_S / 2)
    assert await service.expiry.end_due() == 1
    assert (await service.get(number)).end_time.ToJsonString() == "2025-10-08T09:06:40Z"


async def test_a_status_without_a_time_counts_from_when_it_was_received(service: Service) -> None:
    """A value measured before it leaves the mark; one measured after it removes the mark."""
    number = await charging(service)
    now_s = (service.clock() - START_US) // SECOND_US
    for seconds_before, event in ((20, available()), (10, available(-(10**9)))):
        await service.notify(event)
        await service.one(values_16(number, now_s - seconds_before, 1700))
        found = await service.get(number)
        assert (found.hanging, found.energy_wh) == (True, 700)
    service.clock.advance(60)
    await service.one(values_16(number, now_s + 60, 1800))
    assert not (await service.get(number)).hanging


async def test_the_late_stop_corrects_it(service: Service) -> None:
    """Reason, time and energy are those of the station; the end is published again, with the flag `late_stop`."""
    number = await charging(service)
    await service.notify(booted())
    service.clock.advance(GRACE_S)
    assert await service.expiry.end_due() == 1
    await service.one(stop_16(number, 650, 1550, reason=tx.STOPPED_REASON_POWER_LOSS))
    found = await service.get(number)
    assert (found.state, found.energy_wh, found.stopped_reason) == (ENDED, 550, tx.STOPPED_REASON_POWER_LOSS)
    assert found.end_origin == transactions.TRANSACTION_END_ORIGIN_STATION
    assert list(found.flags) == ["late_stop"]
    assert [data["energyWh"] for _kind, data in await service.published("transaction.ended")] == [500, 550]


async def test_late_values_open_it_again(service: Service) -> None:
    """A charger was offline for longer than the grace period, and is still charging."""
    number = await charging(service)
    await service.notify(booted())
    service.clock.advance(GRACE_S)
    assert await service.expiry.end_due() == 1
    await service.one(values_16(number, 700, 1600))
    found = await service.get(number)
    assert (found.state, found.hanging, found.energy_wh, found.end_origin) == (ACTIVE, False, 600, 0)
    assert (await service.published("transaction.updated"))[-1][1]["state"] == "TRANSACTION_STATE_ACTIVE"
    await service.one(stop_16(number, 800, 1700))
    found = await service.get(number)
    assert (found.state, found.energy_wh) == (ENDED, 700)
    assert found.end_origin == transactions.TRANSACTION_END_ORIGIN_STATION
    assert len(await service.published("transaction.ended")) == 2


async def test_the_next_start_supersedes_a_hanging_one(service: Service) -> None:
    """It is superseded at once; one that was ended before stays as it was."""
    first = await charging(service)
    await service.notify(available())
    second = (await service.one(start_16(900, meter_start=1500, id_tag="OTHER"))).transaction_id
    found = await service.get(first)
    assert (found.state, found.end_origin) == (ENDED, transactions.TRANSACTION_END_ORIGIN_SUPERSEDED)
    await service.notify(available())
    service.clock.advance(GRACE_S)
    assert await service.expiry.end_due() == 1
    await service.one(start_16(2000, meter_start=1500, id_tag="THIRD"))
    found = await service.get(second)
    assert (found.end_origin, list(found.flags)) == (transactions.TRANSACTION_END_ORIGIN_ABANDONED, ["abandoned"])


async def test_a_mark_that_comes_late_changes_nothing(service: Service) -> None:
    """The mark is from before the start: epoch and ordinal decide which is later, not arrival."""
    early = [service.station_item(booted()), service.station_item(available(-5))]
    number = await charging(service)
    await service.notify_items(early)
    assert not (await service.get(number)).hanging


async def test_an_event_that_comes_late_changes_nothing(service: Service) -> None:
    """It was read before the boot: the mark stays."""
    number = await charging(service)
    early = service.item(values_16(number, 700, 1600))
    await service.notify(booted())
    (result,) = await service.send_items([early])
    assert not result.HasField("error")
    found = await service.get(number)
    assert (found.hanging, found.energy_wh) == (True, 600)


async def test_out_of_order_events_keep_the_mark(service: Service) -> None:
    """A state that is rebuilt from its events is the same."""
    await service.one(event_2x("a", "STARTED", 0, 0, 0))
    await service.one(event_2x("a", "UPDATED", 3, 30, 300))
    late = service.item(event_2x("a", "UPDATED", 1, 10, 100))
    await service.notify(available(40))
    await service.send_items([late])
    assert (await service.get("a")).hanging
    await service.one(event_2x("a", "UPDATED", 2, 20, 200))  # kept while the station was offline
    assert (await service.get("a")).hanging
    await service.one(event_2x("a", "UPDATED", 5, 50, 400))
    await service.one(event_2x("a", "UPDATED", 4, 25, 350))
    found = await service.get("a")
    assert (found.hanging, found.energy_wh, found.event_count) == (False, 400, 6)


async def test_an_evse_without_a_named_connector(service: Service) -> None:
    """A 2.x station may report the EVSE alone: each of its connectors counts. Without an EVSE, only a boot does."""
    await service.one(event_2x("a", "STARTED", 0, 0, 0, evse=EvseRef(evse_id=1)))
    await service.one(event_2x("b", "STARTED", 0, 0, 0, evse=None))
    await service.notify(available(connector_id=2))
    assert [(await service.get(name)).hanging for name in "ab"] == [True, False]
    await service.notify(booted())
    assert (await service.get("b")).hanging


async def test_available_connectors_that_are_idle_write_nothing(service: Service) -> None:
    """Neither they nor events about an ended transaction open a write transaction of the database."""
    writes = 0
    write = service.database.write

    async def counted(work: Any) -> Any:
        nonlocal writes
        writes += 1
        return await write(work)

    service.database.write = counted  # type: ignore[method-assign]
    for seconds in range(3):
        await service.notify(available(seconds))
    assert writes == 0
    number = await charging(service)
    await service.one(stop_16(number, 650, 1550))
    before = writes
    await service.notify(available(700))
    assert writes == before


async def test_the_grace_period_begins_with_the_first_mark(service: Service) -> None:
    """A station may report its connector as often as it likes."""
    number = await charging(service)
    for seconds in range(800, 803):
        await service.notify(available(seconds))
        service.clock.advance(60)
        await service.notify(available())
    assert (await service.get(number)).hanging_time == to_timestamp(service.clock() - 180 * SECOND_US)
    service.clock.advance(GRACE_S - 180)
    assert await service.expiry.end_due() == 1
    assert (await service.get(number)).state == ENDED


async def test_stations_are_known_by_their_last_boot(service: Service) -> None:
    """An older boot that comes late changes nothing."""
    columns = models.station.c
    query = sa.select(
        columns.tenant_id, columns.station_id, columns.vendor_name, columns.model, columns.firmware_version
    ).order_by(columns.station_id)

    async def known() -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await service.database.read(lambda connection: connection.execute(query).all())]

    late = service.station_item(booted("old", "old", "old"))
    batch = [service.station_item(booted(firmware_version=str(n)), station=f"CP{n % 2}") for n in range(4)]
    results = await service.notify_items(batch[::-1])
    assert not any(result.HasField("error") for result in results)
    late.origin.station_id = "CP0"
    await service.notify_items([late])
    assert await known() == [("default", "CP0", "V", "M", "2"), ("default", "CP1", "V", "M", "3")]
    await service.notify(StationBooted(vendor_name="V\0", model="New"), station="CP1")
    assert (await known())[1] == ("default", "CP1", "V", "New", "")


async def test_a_removed_station_s_transactions_end(service: Service) -> None:
    """They end once, also if the removal is repeated; those of a station that was added again do not."""
    number = await charging(service)
    removal = service.station_item(StationRemoved())
    await service.notify_items([removal])
    found = await service.get(number)
    assert (found.state, found.energy_wh) == (ENDED, 500)
    assert found.end_origin == transactions.TRANSACTION_END_ORIGIN_STATION_DELETED
    assert found.stopped_reason == tx.STOPPED_REASON_STATION_DELETED
    assert found.end_time.ToJsonString() == "2025-10-08T09:03:20Z"
    service.epoch += 1
    other = (await service.one(start_16(2000))).transaction_id
    await service.notify_items([removal])
    assert (await service.get(other)).state == ACTIVE
    assert len(await service.published("transaction.ended")) == 1
    await service.one(stop_16(number, 620, 1510))
    assert (await service.get(number)).energy_wh == 510


async def test_items_that_cannot_be_read_fail_alone(service: Service) -> None:
    """Items without a station, or with an event that this code does not know."""
    number = await charging(service)
    items = [StationEventItem(), service.station_item(booted()), StationEventItem(origin=service.origin(station="CP1"))]
    results = await service.notify_items(items)
    assert [result.HasField("error") for result in results] == [True, False, True]
    assert from_status(results[2].error).reason == "INVALID_FIELD"
    assert (await service.get(number)).hanging


async def test_many_are_ended_in_batches(service: Service) -> None:
    """There are more than one batch takes, at many stations."""
    items = [service.item(start_16(id_tag=f"T{n}"), station=f"CP{n}") for n in range(250)]
    await service.send_items(items)
    await service.notify_items([service.station_item(booted(), station=f"CP{n}") for n in range(250)])
    service.clock.advance(GRACE_S)
    assert await service.expiry.end_due() == 250
    assert len(await service.published("transaction.ended")) == 250


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_replicas_end_each_once(engine: Engine, clock: FakeClock) -> None:
    """Two replicas search at the same time."""
    services = [make_service(engine, clock) for _ in range(3)]
    first = services[0]
    await first.send_items([first.item(start_16(id_tag=f"T{n}"), station=f"CP{n}") for n in range(150)])
    await first.notify_items([first.station_item(booted(), station=f"CP{n}") for n in range(150)])
    clock.advance(GRACE_S)
    ended = await asyncio.gather(*(service.expiry.end_due() for service in services))
    assert sum(ended) == 150
    assert len(await first.published("transaction.ended")) == 150
    for service in services:
        await service.database.close()


async def test_flags_of_older_rows_are_filled_in(service: Service) -> None:
    """Code that did not know the column left it empty."""
    first = await charging(service)
    second = (await service.one(start_16(900, meter_start=1500))).transaction_id
    await service.database.write(
        lambda connection: connection.execute(sa.update(models.tx).values(flags=None)).rowcount
    )
    assert await service.all(filter="flags:superseded") == []
    assert await service.expiry.fill_flags() == 2
    assert await service.expiry.fill_flags() == 0
    assert [found.transaction_id for found in await service.all(filter="flags:superseded")] == [first]
    assert [found.transaction_id for found in await service.all(filter="NOT flags:superseded")] == [second]


async def test_a_column_that_older_code_left_is_set_right(service: Service) -> None:
    """The column has a due time for a transaction that is not hanging: it is not ended, and the column is corrected."""
    number = await charging(service)
    await service.database.write(
        lambda connection: connection.execute(sa.update(models.tx).values(hanging_due_us=1)).rowcount
    )
    assert await service.expiry.end_due() == 0
    due = sa.select(models.tx.c.hanging_due_us)
    assert await service.database.read(lambda connection: connection.execute(due).scalar_one()) is None
    assert (await service.get(number)).state == ACTIVE
