"""Several batches at once, as two gateways with two in flight each send them: each event is recorded once."""

import asyncio
import random

from csms.transaction.v1.transaction_service_pb2 import TRANSACTION_STATE_ENDED

from tests.transaction_svc.kit import Service, start_16, stop_16, values_16

STATIONS = [f"CP{n:02d}" for n in range(24)]
CONNECTORS = (1, 2, 3)


async def test_batches_of_the_same_stations_in_parallel(service: Service) -> None:
    """Each value is sent twice, in batches that cross: energies are exact, numbers unique, repeats recognized."""
    shuffle = random.Random(7).shuffle  # noqa: S311 - an order, not a secret
    starts = [
        (station, connector, start_16(0, connector=connector, meter_start=1000, id_tag=f"{station}-{connector}"))
        for station in STATIONS
        for connector in CONNECTORS
    ]
    shuffle(starts)
    halves = [starts, starts[::-1]]
    both = await asyncio.gather(
        *(
            service.send_items([service.item(event, station=station) for station, _connector, event in half])
            for half in halves
        )
    )
    numbers = [
        {half[n][:2]: result.transaction_id for n, result in enumerate(results)}
        for half, results in zip(halves, both, strict=True)
    ]
    assert numbers[0] == numbers[1]
    assert len(set(numbers[0].values())) == len(starts)
    assert sum(result.repeated for results in both for result in results) == len(starts)
    values = [
        (station, values_16(number, second, 1000 + 10 * second + connector, connector=connector))
        for (station, connector), number in numbers[0].items()
        for second in range(1, 11)
    ] * 2
    shuffle(values)
    batches = [values[n::8] for n in range(8)]
    results = await asyncio.gather(
        *(service.send_items([service.item(event, station=station) for station, event in batch]) for batch in batches)
    )
    assert sum(not result.repeated for batch in results for result in batch) == len(values) // 2
    for (station, connector), number in numbers[0].items():
        found = await service.get(number, station=station)
        assert (found.energy_wh, found.event_count, list(found.flags)) == (100 + connector, 11, [])


async def test_two_starts_with_one_token_in_parallel(service: Service) -> None:
    """At different stations, in different batches: exactly one of the two may charge."""
    for n in range(10):
        event = start_16(0, id_tag=f"TAG{n}")
        (one,), (other,) = await asyncio.gather(
            service.send(event, station=f"A{n}"), service.send(event, station=f"B{n}")
        )
        assert one.concurrent != other.concurrent


async def test_sessions_in_parallel(service: Service) -> None:
    """Stations that each wait for their answer, all at once: whole sessions, one after the other."""

    async def charge(station: str) -> None:
        for use in range(3):
            t = use * 100
            number = (await service.one(start_16(t, meter_start=t, id_tag=station), station=station)).transaction_id
            for step in range(1, 4):
                await service.one(values_16(number, t + step, t + step), station=station)
            await service.one(stop_16(number, t + 9, t + 5, id_tag=station), station=station)

    await asyncio.gather(*(charge(station) for station in STATIONS[:8]))
    found = await service.all()
    assert len(found) == 24
    assert {transaction.energy_wh for transaction in found} == {5}
    assert {transaction.state for transaction in found} == {TRANSACTION_STATE_ENDED}


async def test_numbers_are_given_once(service: Service) -> None:
    """More than are drawn ahead, by several connections at once, small batches and large ones."""
    given: list[str] = []
    for turn in range(20):
        batches = [
            [service.item(start_16(turn, id_tag=f"{turn}-{size}-{n}"), station=f"CP{size}-{n}") for n in range(size)]
            for size in (1, 2, 7, 12)
        ]
        for results in await asyncio.gather(*(service.send_items(batch) for batch in batches)):
            given.extend(result.transaction_id for result in results)
    assert len(set(given)) == len(given) == 20 * (1 + 2 + 7 + 12)
    assert all(0 < int(number) < 2**31 for number in given)
