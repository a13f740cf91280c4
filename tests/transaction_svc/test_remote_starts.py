"""The number of the remote start that began a transaction: OCPP 2.0.1, E and F01, by which operators find it."""

from typing import Any

import pytest

from tests.transaction_svc.kit import Service, event_2x, start_16


async def test_the_number_joins_the_command_with_its_transaction(service: Service) -> None:
    """It is in the resource, in its events, and in filters; a transaction without one has none."""
    await service.one(event_2x("a", "STARTED", 0, 0, 0, remote_start_id=17))
    await service.one(event_2x("b", "STARTED", 0, 0, 0), station="CP2")
    await service.one(start_16(0), station="CP3")
    found = await service.get("a")
    assert found.HasField("remote_start_id")
    assert found.remote_start_id == 17
    assert [one.transaction_id for one in await service.all(filter="remote_start_id = 17")] == ["a"]
    assert await service.all(filter="remote_start_id = 17", station_id="CP2") == []
    assert sum(one.HasField("remote_start_id") for one in await service.all()) == 1
    begun = [data.get("remoteStartId") for _kind, data in await service.published("transaction.started")]
    assert begun == [17, None, None]


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0)])
async def test_a_number_that_becomes_known_after_the_start_is_found(service: Service, order: tuple[int, ...]) -> None:
    """By whichever event comes first; the first of two numbers by the station's order counts."""
    events: list[Any] = [
        event_2x("a", "STARTED", 0, 0, 0),
        event_2x("a", "UPDATED", 1, 10, 100, remote_start_id=0),
        event_2x("a", "UPDATED", 2, 20, 200, remote_start_id=8),
    ]
    for index in order:
        await service.one(events[index])
    assert [one.remote_start_id for one in await service.all(filter="remote_start_id = 0")] == [0]
    assert await service.all(filter="remote_start_id = 8") == []


async def test_a_number_outlives_the_end_and_the_refusal_of_the_token(service: Service) -> None:
    start = await service.one(event_2x("a", "STARTED", 0, 0, 0, remote_start_id=17))
    await service.refuse(start)
    await service.one(event_2x("a", "ENDED", 1, 10, 0))
    [found] = await service.all(filter="remote_start_id = 17 AND state = ENDED")
    assert found.remote_start_id == 17
