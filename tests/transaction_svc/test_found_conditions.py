"""Conditions of transactions and messages, as notification_svc is given them."""

from collections.abc import Iterable
from typing import Any

import pytest
from csms.condition.v1 import condition_pb2
from csms.condition.v1.condition_source_service_pb2 import (
    CountFoundConditionsRequest,
    CountFoundConditionsResponse,
    FindConditionsRequest,
    FindConditionsResponse,
    SearchedKind,
)
from csms.transaction.v1.transaction_event_pb2 import TransactionEvent
from csms.transaction.v1.transaction_service_pb2 import DismissQuarantinedItemRequest

from mesh.conditions.servicer import ConditionSourceServicer
from mesh.identity.callers import set_caller
from mesh.placements import store as placement_store
from mesh.placements.store import Placement
from tests.found_conditions import Finder, details_of, remedies_of
from tests.transaction_svc.kit import CONTEXT, OPERATOR, Service, booted, start_16, stop_16, values_16
from transaction_svc.conditions import condition_queries
from transaction_svc.models import PLACEMENTS

DAY_S = 86_400


class _Direct:
    """The servicer, called as a stub is."""

    def __init__(self, servicer: ConditionSourceServicer) -> None:
        self._servicer = servicer

    async def FindConditions(self, request: FindConditionsRequest, **_options: float) -> FindConditionsResponse:
        """See the contract."""
        return await self._servicer.FindConditions(request, CONTEXT)

    async def CountFoundConditions(
        self, request: CountFoundConditionsRequest, **_options: float
    ) -> CountFoundConditionsResponse:
        """See the contract."""
        return await self._servicer.CountFoundConditions(request, CONTEXT)


@pytest.fixture
def finder(service: Service) -> Finder:
    """The conditions in the service's database."""
    servicer = ConditionSourceServicer(database=service.database, clock=service.clock, queries=condition_queries())
    return Finder(_Direct(servicer))


async def _charging(service: Service, **more: Any) -> str:
    number = (await service.one(start_16(**more))).transaction_id
    await service.one(values_16(number, 600, 1500))
    return number


async def test_a_hanging_transaction(service: Service, finder: Finder) -> None:
    """Since the boot; gone as soon as it goes on, or an operator has ended it."""
    number = await _charging(service)
    assert await finder.find() == []
    service.clock.advance(60)
    began_us = service.clock()
    await service.notify(booted())
    service.clock.advance(60)
    [found] = await finder.find()
    assert (found.kind, found.severity) == (condition_pb2.CONDITION_KIND_TRANSACTION_HANGING, 2)
    assert (found.station_id, found.transaction_id, found.generation, found.evse.evse_id) == ("CP1", number, 1, 1)
    assert found.begin_time.ToMicroseconds() == began_us
    assert details_of(found)["energyWh"] == 500
    assert remedies_of(found) == [
        ("EndTransaction", {"stationId": "CP1", "transactionId": number, "generation": 1}),
        ("RequestStopTransaction", {"stationId": "CP1", "transactionId": number}),
    ]
    service.epoch = 2
    await service.one(values_16(number, 4000, 2000))
    assert await finder.find() == []
    await service.notify(booted())
    assert await finder.kinds() == ["TRANSACTION_HANGING"]
    await service.end(number)
    assert await finder.find() == []


async def test_doubted_energy(service: Service, finder: Finder) -> None:
    """A register that went back, for two weeks; not a transaction whose flags are about something else."""
    sound = (await service.one(start_16(connector=2, id_tag="A"))).transaction_id
    await service.one(stop_16(sound, 600, 2000, id_tag="A"))
    number = (await service.one(start_16(meter_start=5000))).transaction_id
    await service.one(stop_16(number, 600, 100))
    assert list((await service.get(number)).flags)
    [found] = await finder.find()
    assert (found.transaction_id, found.kind) == (number, condition_pb2.CONDITION_KIND_ENERGY_DOUBTED)
    assert found.reason == details_of(found)["flags"][0].upper()
    assert set(details_of(found)["flags"]) <= set((await service.get(number)).flags)
    assert remedies_of(found) == [("ReassessTransaction", {"stationId": "CP1", "transactionId": number})]
    other = (await service.one(start_16(700, connector=3, id_tag="B"))).transaction_id
    await service.notify(booted())
    await service.end(other)
    assert "operator_end" in (await service.get(other)).flags
    assert [one.transaction_id for one in await finder.find()] == [number]
    service.clock.advance(14 * DAY_S)
    assert await finder.find() == []


async def test_messages_in_quarantine_are_one_condition_of_their_station(service: Service, finder: Finder) -> None:
    """By reason, with the oldest of them; gone with the last, and a settled one is published."""
    began_us = service.clock()
    broken = [TransactionEvent(transaction_id=str(number)) for number in range(3)]
    for event in broken:
        await service.send(event)
        service.clock.advance(5)
    await service.send(broken[0], station="CP2")
    first, second = await finder.find()
    assert (first.station_id, first.count, second.station_id, second.count) == ("CP1", 3, "CP2", 1)
    assert (first.begin_time.ToMicroseconds(), first.reason) == (began_us, "INVALID_FIELD")
    assert first.last_time.ToMicroseconds() == began_us + 10_000_000
    assert [method for method, _request in remedies_of(first)] == [
        "RerunQuarantinedItem",
        "MendQuarantinedItem",
        "DismissQuarantinedItem",
    ]
    assert await finder.count() == {"MESSAGE_QUARANTINED": 2}
    set_caller(OPERATOR)
    seen = set()
    for left in (2, 1, 0):
        [one] = await finder.find(station_id="CP1")
        seen.add(one.quarantine_id)
        request = DismissQuarantinedItemRequest(quarantine_id=one.quarantine_id)
        await service.operator.DismissQuarantinedItem(request, CONTEXT)
        assert [again.count for again in await finder.find(station_id="CP1")] == [left] * bool(left)
    settled = await service.published("transaction.quarantine_settled")
    assert {data["quarantineId"] for _kind, data in settled} == seen
    assert {data["state"] for _kind, data in settled} == {"QUARANTINE_STATE_DISMISSED"}


async def test_tenant_scope_and_filter(service: Service, finder: Finder) -> None:
    await _publish_placements(service, {"CP1": "berlin", "CP2": "bonn"})
    for station_id in ("CP1", "CP2", "CP3"):
        await service.send(TransactionEvent(), station=station_id)

    async def stations(**more: Any) -> list[str]:
        return sorted(one.station_id for one in await finder.find(**more))

    kind = condition_pb2.CONDITION_KIND_MESSAGE_QUARANTINED
    assert await stations() == ["CP1", "CP2", "CP3"]
    assert await stations(tenant="other") == []
    assert await stations(kinds=[SearchedKind(kind=kind, site_ids=["bonn"])]) == ["CP2"]
    assert await stations(filter="NOT site:berlin") == ["CP2", "CP3"]
    assert await finder.pages(1) == await finder.find()


async def _publish_placements(service: Service, sites: dict[str, str]) -> None:
    """Publishes where stations stand."""
    placements: Iterable[Placement] = [
        Placement(
            tenant_id="default",
            station_id=station_id,
            site_id=site_id,
            path=f"/{site_id}/",
            time_zone="UTC",
            version=version,
            labels=(),
        )
        for version, (station_id, site_id) in enumerate(sites.items(), 1)
    ]
    await service.database.write(
        lambda connection: placement_store.record(
            connection, PLACEMENTS, placements=list(placements), after_version=0, reset=False
        )
    )
