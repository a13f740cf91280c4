"""Events of the outbox, committed with the change that they report."""

from tests.transaction_svc.kit import Service, event_2x, start_16, stop_16, values_16
from transaction_svc.retention import retention_task


async def test_started_updated_and_ended_are_published_once(service: Service) -> None:
    number = (await service.one(start_16())).transaction_id
    service.clock.advance(60)
    for _ in range(2):
        await service.one(values_16(number, 60, 1100))
    for _ in range(2):
        await service.one(stop_16(number, 90, 1250))
    published = await service.published()
    assert [kind for kind, _data in published] == ["transaction.started", "transaction.updated", "transaction.ended"]
    assert published[-1][1] == {
        "transactionId": number,
        "generation": 1,
        "state": "TRANSACTION_STATE_ENDED",
        "evse": {"evseId": 1, "connectorId": 1},
        "idToken": {"idToken": "TAG", "type": ""},
        "startTime": "2025-10-08T08:53:20Z",
        "endTime": "2025-10-08T08:54:50Z",
        "energyWh": 250.0,
        "meterStartWh": 1000.0,
        "meterStopWh": 1250.0,
        "believedMeterStartWh": 1000.0,
        "believedMeterStopWh": 1250.0,
        "energyBasis": "ENERGY_BASIS_REGISTER",
        "stoppedReason": "STOPPED_REASON_LOCAL",
        "endOrigin": "TRANSACTION_END_ORIGIN_STATION",
    }


async def test_updates_are_published_every_ten_seconds_at_most(service: Service) -> None:
    await service.one(event_2x("a", "STARTED", 0, 0, 0))
    for second in range(1, 31):
        service.clock.advance(1)
        await service.one(event_2x("a", "UPDATED", second, second, second))
    assert [data["energyWh"] for _kind, data in await service.published("transaction.updated")] == [10, 20, 30]


async def test_an_end_that_is_corrected_is_published_again(service: Service) -> None:
    """Superseded first; then the late stop has the final figures. An event without a change is not published."""
    first = (await service.one(start_16(0))).transaction_id
    await service.one(start_16(100, meter_start=1500))
    await service.one(stop_16(first, 90, 1490))
    await service.one(values_16(first, 95, 1490))
    published = [
        (data["stoppedReason"], data["energyWh"]) for _kind, data in await service.published("transaction.ended")
    ]
    assert published == [("STOPPED_REASON_SUPERSEDED", 0), ("STOPPED_REASON_LOCAL", 490)]


async def test_a_superseded_end_is_published_before_the_start(service: Service) -> None:
    """However the two are called: consumers see one transaction at a time on an EVSE."""
    for name in ("b", "a"):
        await service.one(event_2x(name, "STARTED", 0, 10 if name == "a" else 0, 0))
    published = [(kind.removeprefix("transaction."), data["transactionId"]) for kind, data in await service.published()]
    assert published == [("started", "b"), ("ended", "b"), ("started", "a")]


async def test_retention_deletes_old_rows_and_no_transactions(service: Service) -> None:
    await service.one(start_16())
    retention = retention_task(database=service.database, clock=service.clock, outbox_days=2, quarantine_days=9)
    service.clock.advance(86_400)
    await service.one(start_16(connector=2))
    service.clock.advance(86_401)
    assert await retention.remove_old() == 1
    assert [data["evse"]["evseId"] for _kind, data in await service.published()] == [2]
    assert len(await service.all()) == 2
