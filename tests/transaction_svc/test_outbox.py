"""Events of the outbox, committed with the change that they report."""

from csms.common.v1.evse_pb2 import EvseRef

from mesh.runtime.times import SECOND_US
from tests.transaction_svc.kit import Service, at, event_2x, start_16, stop_16, values_16
from transaction_svc.outbox_events import REFUSABLE_US
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
    await pass_refusals(service)
    await service.one(stop_16(first, 90, 1490))
    await service.one(values_16(first, 95, 1490))
    published = [
        (data["stoppedReason"], data["energyWh"]) for _kind, data in await service.published("transaction.ended")
    ]
    assert published == [("STOPPED_REASON_SUPERSEDED", 0), ("STOPPED_REASON_LOCAL", 490)]


async def test_the_end_by_a_start_that_nobody_can_refuse_is_published_before_the_start(service: Service) -> None:
    """However the two are called: consumers see one transaction at a time on an EVSE."""
    for name in ("b", "a"):
        start = event_2x(name, "STARTED", 0, 10 if name == "a" else 0, 0)
        start.ClearField("id_token")
        await service.one(start)
    assert await lives(service) == [("started", "b"), ("ended", "b"), ("started", "a")]


async def test_the_end_by_a_start_is_published_when_its_token_can_be_refused_no_more(service: Service) -> None:
    live = (await service.one(start_16(0))).transaction_id
    after = (await service.one(start_16(100, id_tag="OTHER"))).transaction_id
    begun = [("started", live), ("started", after)]
    service.clock.advance(29)
    await service.expiry.end_due()
    assert await lives(service) == begun
    service.clock.advance(1)
    for _ in range(2):
        await service.expiry.end_due()
    assert await lives(service) == [*begun, ("ended", live)]
    [(_kind, data)] = await service.published("transaction.ended")
    assert (data["stoppedReason"], data["endTime"]) == ("STOPPED_REASON_SUPERSEDED", "2025-10-08T08:55:00Z")


async def test_a_refused_start_publishes_nothing_about_the_live_transaction_of_its_evse(service: Service) -> None:
    live = (await service.one(start_16(0))).transaction_id
    refused = await service.one(start_16(100, id_tag="OTHER"))
    await service.refuse(refused)
    await pass_refusals(service)
    number = refused.transaction_id
    assert await lives(service) == [("started", live), ("started", number), ("updated", number)]
    await service.one(stop_16(live, 200, 1900))
    assert (await lives(service))[-1] == ("ended", live)


async def test_a_refused_start_between_two_others_does_not_change_the_published_end(service: Service) -> None:
    """Offline messages: the start of another card comes late, and would have ended the first one before."""
    first = (await service.one(start_16(0))).transaction_id
    await service.one(start_16(200, id_tag="NEXT"))
    await pass_refusals(service)
    before = await service.published("transaction.ended")
    between = await service.one(start_16(100, id_tag="OTHER"))
    assert (await service.get(first)).end_time == at(100)
    await service.refuse(between)
    await pass_refusals(service)
    assert (await service.get(first)).end_time == at(200)
    ended = await service.published("transaction.ended")
    assert [item for item in ended if item[1]["transactionId"] == first] == before


async def test_a_stop_is_published_at_once_while_the_end_by_a_start_is_kept_back(service: Service) -> None:
    """A station that was offline: it sends the next start before the stop."""
    first = (await service.one(start_16(0))).transaction_id
    await service.one(start_16(100, id_tag="OTHER"))
    await service.one(stop_16(first, 90, 1490))
    reasons = [data["stoppedReason"] for _kind, data in await service.published("transaction.ended")]
    assert reasons == ["STOPPED_REASON_LOCAL"]
    await pass_refusals(service)
    assert len(await service.published("transaction.ended")) == 1


async def test_an_end_that_is_kept_back_outlives_a_rebuild(service: Service) -> None:
    evse = EvseRef(evse_id=1, connector_id=1)
    await service.one(event_2x("a", "STARTED", 0, 0, 0, evse=evse))
    await service.one(event_2x("b", "STARTED", 0, 100, 500, evse=evse))
    for seq_no in (2, 1):  # out of order
        await service.one(event_2x("a", "UPDATED", seq_no, 10 * seq_no, 100 * seq_no))
    assert await service.published("transaction.ended") == []
    await pass_refusals(service)
    [(_kind, data)] = await service.published("transaction.ended")
    assert (data["transactionId"], data["energyWh"]) == ("a", 200)


async def pass_refusals(service: Service) -> None:
    """Lets the time pass in which tokens may be refused, and then publishes ends that are due."""
    service.clock.advance(REFUSABLE_US // SECOND_US)
    await service.expiry.end_due()


async def lives(service: Service) -> list[tuple[str, str]]:
    """Kinds of the published events, with their transactions; oldest first."""
    return [(kind.removeprefix("transaction."), data["transactionId"]) for kind, data in await service.published()]


async def test_retention_deletes_old_rows_and_no_transactions(service: Service) -> None:
    await service.one(start_16())
    retention = retention_task(database=service.database, clock=service.clock, outbox_days=2, quarantine_days=9)
    service.clock.advance(86_400)
    await service.one(start_16(connector=2))
    service.clock.advance(86_401)
    assert await retention.remove_old() == 1
    assert [data["evse"]["evseId"] for _kind, data in await service.published()] == [2]
    assert len(await service.all()) == 2
