"""Meter values outside of transactions: in partitions on PostgreSQL, once, listed by time, and dropped."""

from collections.abc import Sequence

import pytest
import sqlalchemy as sa
from csms.common.v1.evse_pb2 import EvseRef
from csms.transaction.v1.transaction_ingest_service_pb2 import MeterValuesItem, RecordMeterValuesRequest
from csms.transaction.v1.transaction_service_pb2 import ListMeterValuesRequest
from sqlalchemy import Engine

from mesh.database import partitions
from mesh.database.partition_keeper import Kept, PartitionKeeper
from mesh.identity.callers import set_caller
from tests.transaction_svc.kit import CONTEXT, VIEWER, Service, register, sampled
from transaction_svc import models
from transaction_svc.retention import retention_task

DAY_S = 86_400


async def record(service: Service, *days: float, wh: int = 1) -> None:
    """Sends meter values with their first sample so many days after START_US."""
    items = [
        MeterValuesItem(
            origin=service.origin(station="CP1"),
            evse=EvseRef(evse_id=1),
            meter_values=[sampled(day * DAY_S, register(wh)), sampled(day * DAY_S + 60, register(wh))],
        )
        for day in days
    ]
    response = await service.ingest.RecordMeterValues(RecordMeterValuesRequest(items=items), CONTEXT)
    assert not any(result.HasField("error") for result in response.results), response


async def listed(service: Service, *, page_size: int = 2) -> Sequence[float]:
    """The days of all meter values, page by page."""
    set_caller(VIEWER)
    found, token = list[float](), ""
    while True:
        request = ListMeterValuesRequest(station_id="CP1", page_size=page_size, page_token=token)
        response = await service.operator.ListMeterValues(request, CONTEXT)
        found += [_day(recorded.meter_values[0].sample_time.seconds) for recorded in response.meter_values]
        token = response.next_page_token
        if not token:
            return found


def _day(seconds: int) -> float:
    return (seconds - sampled(0).sample_time.seconds) / DAY_S


def keeper(service: Service, *, days: int | None) -> PartitionKeeper:
    """A keeper of the partitions."""
    kept = [Kept(partitions=models.METER_VALUES_PARTITIONS, days=days)]
    return PartitionKeeper(engine=service.database.engine, clock=service.clock, kept=kept)


@pytest.mark.parametrize("partitioned", [False, True])
async def test_they_are_recorded_once_and_listed_newest_first(service: Service, *, partitioned: bool) -> None:
    """Of clocks that are years off, too."""
    days = (-10_000, 0, 0.5, 1, 1.25, 4, 9_000)
    if partitioned:
        keeper(service, days=None).keep()
    for day in (*days, *days):
        await record(service, day)
        service.clock.advance(1)
    await record(service, *days)
    assert await listed(service) == sorted(days, reverse=True)


async def test_what_was_there_before_is_still_known(service: Service, engine: Engine) -> None:
    """Rows of the release before, which have no time, become the partition of the past."""
    days = (0, 0.5, 1)
    await record(service, *days)
    await service.database.write(
        lambda connection: connection.execute(sa.update(models.meter_values).values(sample_us=0))
    )
    for _ in range(3):
        keeper(service, days=None).keep()
        await record(service, *days)
        service.clock.advance(DAY_S)
    with engine.connect() as connection:
        assert bool(partitions.spans(connection, "meter_values")) is (engine.dialect.name == "postgresql")
    assert sorted(await listed(service)) == [0, 0.5, 1]
    service.clock.advance(10 * DAY_S)
    keeper(service, days=None).keep()
    await record(service, *days, 12)
    assert sorted(await listed(service)) == [0, 0.5, 1, 12]


async def test_they_are_removed_after_their_time_alone(service: Service) -> None:
    """With partitions, by the time of their first sample; those of wrong clocks, by the time at which they came."""
    keeper(service, days=30).keep()
    await record(service, 0.5, 1, -10_000)
    service.clock.advance(20 * DAY_S)
    keeper(service, days=30).keep()
    await record(service, 20)
    for days, kept in ((9, [20, 1, 0.5, -10_000]), (3, [20])):
        service.clock.advance(days * DAY_S)
        keeper(service, days=30).keep()
        retention = retention_task(
            database=service.database, clock=service.clock, outbox_days=99, quarantine_days=99, meter_values_days=30
        )
        await retention.remove_old()
        assert sorted(await listed(service), reverse=True) == kept
