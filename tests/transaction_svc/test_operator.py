"""Lists for operators: filters, pages, and their own tenant only."""

from dataclasses import replace
from typing import Any

import grpc
import pytest
from csms.common.v1.evse_pb2 import EvseRef
from csms.common.v1.origin_pb2 import Origin
from csms.transaction.v1.transaction_event_pb2 import STOPPED_REASON_OPERATOR
from csms.transaction.v1.transaction_ingest_service_pb2 import (
    FindTransactionRequest,
    MeterValuesItem,
    RecordMeterValuesRequest,
)
from csms.transaction.v1.transaction_service_pb2 import (
    TRANSACTION_END_ORIGIN_OPERATOR,
    TRANSACTION_END_ORIGIN_STATION,
    TRANSACTION_STATE_ENDED,
    ListMeterValuesRequest,
    ListTransactionEventsRequest,
    ListTransactionsRequest,
    RecordedTransactionEvent,
)

from mesh.identity.callers import set_caller
from mesh.runtime.errors import MeshError
from mesh.runtime.times import to_timestamp
from tests.transaction_svc.kit import (
    CONTEXT,
    OPERATOR,
    VIEWER,
    Service,
    at,
    booted,
    event_2x,
    register,
    sampled,
    start_16,
    stop_16,
    values_16,
)


async def fill(service: Service) -> list[str]:
    """Makes five transactions at two stations, a second apart, one ended; returns their numbers, newest first."""
    numbers = []
    for n in range(5):
        event = start_16(n, connector=n + 1, id_tag=f"Tag{n}")
        numbers.append((await service.one(event, station=f"CP{n % 2}")).transaction_id)
        service.clock.advance(1)
    await service.one(stop_16(numbers[0], 60, 1100, id_tag="Tag0"), station="CP0")
    return numbers[::-1]


async def test_lists_are_newest_first_in_pages(service: Service) -> None:
    """Each transaction is listed once over all pages, also while more are added."""
    numbers = await fill(service)
    set_caller(VIEWER)
    seen: list[str] = []
    token = ""
    while True:
        request = ListTransactionsRequest(page_size=2, page_token=token)
        response = await service.operator.ListTransactions(request, CONTEXT)
        seen.extend(found.transaction_id for found in response.transactions)
        token = response.next_page_token
        if not token:
            break
        await service.one(start_16(500 + len(seen)), station="CP9")
    assert seen == numbers


@pytest.mark.parametrize(
    ("text", "indexes"),
    [
        ('state = "ACTIVE"', [0, 1, 2, 3]),
        ("state = ENDED", [4]),
        ('station_id = "CP0"', [0, 2, 4]),
        ('id_token = "tag3"', [1]),
        ('start_time >= "2025-10-08T08:53:22Z" AND station_id = "CP0"', [0, 2]),
        ('NOT station_id = "CP0" AND state = ACTIVE', [1, 3]),
        ("energy_wh > 0", [4]),
        ("energy_wh = 100.000", [4]),
        ("energy_wh < 99.9995 AND station_id = CP0", [0, 2]),
        ('end_time <= "2025-10-08T08:54:20Z"', [4]),
        ("flags:clock_skew", []),
        ("hanging = false AND state = ENDED", [4]),
        ("hanging = true", []),
    ],
)
async def test_lists_are_filtered(service: Service, text: str, indexes: list[int]) -> None:
    """By station, state, token, start, end, energy, flags, and whether they hang."""
    numbers = await fill(service)
    assert [found.transaction_id for found in await service.all(filter=text)] == [numbers[index] for index in indexes]


async def test_lists_of_one_station(service: Service) -> None:
    """The station is a field of the path, with and without a filter."""
    numbers = await fill(service)
    assert [found.transaction_id for found in await service.all(station_id="CP1")] == [numbers[1], numbers[3]]
    assert len(await service.all(station_id="CP0", filter="state = ENDED")) == 1


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"filter": "colour = red"}, "INVALID_FILTER"),
        ({"filter": "state = GONE"}, "INVALID_FILTER"),
        ({"filter": "energy_wh > much"}, "INVALID_FILTER"),
        ({"filter": "energy_wh > NaN"}, "INVALID_FILTER"),
        ({"filter": "energy_wh > 1e30"}, "INVALID_FILTER"),
        ({"filter": "flags = superseded"}, "INVALID_FILTER"),
        ({"filter": "flags:odd"}, "INVALID_FILTER"),
        ({"filter": "hanging = maybe"}, "INVALID_FILTER"),
        ({"filter": "remote_start_id = seven"}, "INVALID_FILTER"),
        ({"filter": "start_time > yesterday"}, "INVALID_FILTER"),
        ({"filter": 'start_time > "2025-10-08T08:53:22"'}, "INVALID_FILTER"),
        ({"page_token": "nonsense"}, "INVALID_PAGE_TOKEN"),
        ({"page_size": -1}, "INVALID_FIELD"),
    ],
)
async def test_what_cannot_be_listed(service: Service, fields: dict[str, Any], reason: str) -> None:
    """Requests are refused with the reasons of the contract."""
    set_caller(VIEWER)
    with pytest.raises(MeshError) as caught:
        await service.operator.ListTransactions(ListTransactionsRequest(**fields), CONTEXT)
    assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)


async def test_a_page_token_belongs_to_its_list(service: Service) -> None:
    """Another filter with the same token is refused."""
    await fill(service)
    set_caller(VIEWER)
    response = await service.operator.ListTransactions(ListTransactionsRequest(page_size=1), CONTEXT)
    request = ListTransactionsRequest(page_size=1, page_token=response.next_page_token, filter="state = ENDED")
    with pytest.raises(MeshError, match="INVALID_PAGE_TOKEN"):
        await service.operator.ListTransactions(request, CONTEXT)


async def test_unknown_transactions_are_not_found(service: Service) -> None:
    """The list of their events fails likewise."""
    for asked in (service.get("77"), service.events("77")):
        with pytest.raises(MeshError) as caught:
            await asked
        assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.NOT_FOUND, "TRANSACTION_NOT_FOUND")


async def test_other_tenants_see_nothing(service: Service) -> None:
    """They find neither transactions nor lists."""
    number = (await service.one(start_16())).transaction_id
    set_caller(replace(VIEWER, tenant_id="other"))
    response = await service.operator.ListTransactions(ListTransactionsRequest(), CONTEXT)
    assert not response.transactions
    with pytest.raises(MeshError, match="TRANSACTION_NOT_FOUND"):
        await service.operator.ListTransactionEvents(
            ListTransactionEventsRequest(station_id="CP1", transaction_id=number), CONTEXT
        )


async def test_events_are_in_the_order_of_their_keys_in_pages(service: Service) -> None:
    """Each has receive time, epoch and ordinal."""
    published = [event_2x("a", "ENDED", 4, 40, 50), *(event_2x("a", "UPDATED", n, n * 10, n * 10) for n in (3, 1, 2))]
    published.append(event_2x("a", "STARTED", 0, 0, 0))
    for event in published:
        await service.one(event)
    set_caller(VIEWER)
    seen: list[RecordedTransactionEvent] = []
    token = ""
    while True:
        request = ListTransactionEventsRequest(station_id="CP1", transaction_id="a", page_size=2, page_token=token)
        response = await service.operator.ListTransactionEvents(request, CONTEXT)
        seen.extend(response.events)
        token = response.next_page_token
        if not token:
            break
    assert [recorded.event.seq_no for recorded in seen] == [0, 1, 2, 3, 4]
    assert [recorded.ordinal for recorded in seen] == [5, 3, 4, 2, 1]
    assert seen[4].event == published[0]


async def test_meter_values_are_listed_in_pages(service: Service) -> None:
    """Newest first, whole."""
    items = [
        MeterValuesItem(
            origin=Origin(tenant_id="default", station_id="CP1", receive_time=at(n)),
            evse=EvseRef(evse_id=n),
            meter_values=[sampled(n, register(n))],
        )
        for n in range(3)
    ]
    await service.ingest.RecordMeterValues(RecordMeterValuesRequest(items=items), CONTEXT)
    set_caller(VIEWER)
    first = await service.operator.ListMeterValues(ListMeterValuesRequest(station_id="CP1", page_size=2), CONTEXT)
    rest = await service.operator.ListMeterValues(
        ListMeterValuesRequest(station_id="CP1", page_size=2, page_token=first.next_page_token), CONTEXT
    )
    assert [found.evse.evse_id for found in (*first.meter_values, *rest.meter_values)] == [2, 1, 0]
    assert first.meter_values[0].meter_values == items[2].meter_values
    assert first.meter_values[0].receive_time == at(2)


async def test_names_that_nothing_has(service: Service) -> None:
    """A NUL cannot be stored: lists are empty, and no transaction is found."""
    await fill(service)
    set_caller(VIEWER)
    assert await service.all(station_id="CP\0") == []
    values = await service.operator.ListMeterValues(ListMeterValuesRequest(station_id="CP\0"), CONTEXT)
    assert list(values.meter_values) == []
    for station_id, transaction_id in (("CP\0", "1"), ("CP0", "\0")):
        request = ListTransactionEventsRequest(station_id=station_id, transaction_id=transaction_id)
        with pytest.raises(MeshError, match="TRANSACTION_NOT_FOUND"):
            await service.operator.ListTransactionEvents(request, CONTEXT)


async def test_an_operator_ends_a_transaction(service: Service) -> None:
    """The last believed reading is its energy; user, reason and time are in the event too. A repeat changes nothing."""
    number = (await service.one(start_16())).transaction_id
    await service.one(values_16(number, 600, 1750))
    service.clock.advance(5)
    ended = await service.end(number, " taken down ")
    assert (ended.state, ended.energy_wh, ended.believed_meter_stop_wh) == (TRANSACTION_STATE_ENDED, 750, 1750)
    assert (ended.end_origin, ended.stopped_reason) == (TRANSACTION_END_ORIGIN_OPERATOR, STOPPED_REASON_OPERATOR)
    assert (ended.operator_end.username, ended.operator_end.reason) == ("olga", "taken down")
    assert ended.operator_end.request_time == to_timestamp(service.clock())
    assert (ended.end_time, list(ended.flags)) == (at(600), ["operator_end"])
    (published,) = await service.published("transaction.ended")
    who = {"username": "olga", "reason": "taken down", "requestTime": "2025-10-09T08:53:25Z"}
    assert (published[1]["operatorEnd"], published[1]["endOrigin"]) == (who, "TRANSACTION_END_ORIGIN_OPERATOR")
    service.clock.advance(5)
    assert await service.end(number, "taken down") == ended
    assert len(await service.published("transaction.ended")) == 1
    assert not (await service.one(start_16(700, connector=2))).concurrent


async def test_what_cannot_be_ended(service: Service) -> None:
    """Ended and unknown transactions, and calls without a reason, are refused."""
    number = (await service.one(start_16())).transaction_id
    for reason in ("", "  ", "x" * 501, "nul\0"):
        with pytest.raises(MeshError, match="INVALID_FIELD"):
            await service.end(number, reason)
    for caller in (replace(OPERATOR, tenant_id="other"), OPERATOR):
        with pytest.raises(MeshError) as unknown:
            await service.end(number if caller is not OPERATOR else "77", caller=caller)
        assert (unknown.value.code, unknown.value.reason) == (grpc.StatusCode.NOT_FOUND, "TRANSACTION_NOT_FOUND")
    await service.end(number)
    for caller, reason in ((OPERATOR, "another"), (replace(OPERATOR, username="otto"), "cable cut")):
        with pytest.raises(MeshError) as refused:
            await service.end(number, reason, caller=caller)
        assert (refused.value.code, refused.value.reason) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "TRANSACTION_ENDED",
        )
    stopped = (await service.one(start_16(900))).transaction_id
    await service.one(stop_16(stopped, 950, 1100))
    with pytest.raises(MeshError, match="TRANSACTION_ENDED"):
        await service.end(stopped)


async def test_what_comes_after_an_operators_end(service: Service) -> None:
    """Values add to its energy and do not open it; a stop of the station replaces the end, and keeps the operator."""
    number = (await service.one(start_16())).transaction_id
    ended = await service.end(number)
    await service.one(values_16(number, 600, 1750))
    await service.notify(booted())
    found = await service.get(number)
    assert (found.state, found.energy_wh, found.hanging) == (TRANSACTION_STATE_ENDED, 750, False)
    assert found.end_origin == TRANSACTION_END_ORIGIN_OPERATOR
    await service.one(stop_16(number, 700, 1800))
    found = await service.get(number)
    assert (found.energy_wh, found.end_origin) == (800, TRANSACTION_END_ORIGIN_STATION)
    assert (list(found.flags), found.operator_end) == (["late_stop"], ended.operator_end)
    assert [data["energyWh"] for _kind, data in await service.published("transaction.ended")] == [0, 750, 800]


async def test_the_latest_generation_is_ended(service: Service) -> None:
    """A 2.x station uses the name again."""
    for seconds in (0, 100):
        await service.one(event_2x("a", "STARTED", 0, seconds, 1000 + seconds))
        await service.one(event_2x("a", "UPDATED", 1, seconds + 10, 1110 + seconds))
    ended = await service.end("a")
    assert (ended.generation, ended.energy_wh) == (2, 110)


async def test_an_older_generation_is_ended(service: Service) -> None:
    """It is open on another EVSE, and the latest goes on; an unknown generation is not found."""
    for seconds, evse_id in ((0, 1), (100, 2), (200, 3)):
        evse = EvseRef(evse_id=evse_id, connector_id=1)
        await service.one(event_2x("a", "STARTED", 0, seconds, 1000, evse=evse))
        await service.one(event_2x("a", "UPDATED", 1, seconds + 10, 1110 + seconds))
    ended = await service.end("a", generation=2)
    assert (ended.generation, ended.energy_wh, ended.state) == (2, 210, TRANSACTION_STATE_ENDED)
    assert await service.end("a", generation=2) == ended
    states = {found.generation: found.state for found in await service.all()}
    assert [generation for generation, state in states.items() if state == TRANSACTION_STATE_ENDED] == [2]
    for generation in (4, -1):
        with pytest.raises(MeshError, match="TRANSACTION_NOT_FOUND"):
            await service.end("a", generation=generation)
    assert (await service.end("a", generation=3)).generation == 3
    assert (await service.get("a", generation=1)).state != TRANSACTION_STATE_ENDED


async def test_whether_a_transaction_is_known(service: Service) -> None:
    """Open or ended, of this station and tenant; services ask on the mesh port."""
    open_, *_between, ended = await fill(service)

    async def found(transaction_id: str, station: str = "CP0", tenant: str = "default") -> bool:
        request = FindTransactionRequest(tenant_id=tenant, station_id=station, transaction_id=transaction_id)
        return (await service.ingest.FindTransaction(request, CONTEXT)).found

    assert await found(open_)
    assert await found(ended)
    assert not await found(open_, station="CP1")
    assert not await found(open_, tenant="other")
    assert not await found("4711")
    assert not await found("4711\0")
