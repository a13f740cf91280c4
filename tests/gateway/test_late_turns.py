"""Late messages take turns, a bounded number of them; messages that are sent as things happen do not wait for them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import pytest
from csms.transaction.v1.transaction_ingest_service_pb2 import TransactionEventResult

from gateway.batching.sinks import IngestUnavailableError
from gateway.connection.late_turns import LATE_US, LateTurns
from gateway.ocpp.translation import IngestRpc
from mesh.runtime.times import SECOND_US, to_datetime
from station_kit.v16 import messages as v16
from tests.conftest import FakeClock
from tests.gateway.session_rig import HEARTBEAT, Rig, call, session_rig
from tests.waiting import until

EVENTS = IngestRpc.TRANSACTION_EVENTS


def start(message_id: str, ago_s: int) -> str:
    """A StartTransaction that began so long ago."""
    timestamp = to_datetime(FakeClock()() - ago_s * SECOND_US).isoformat()
    return call(message_id, v16.start_transaction(id_tag="T", meter_start=0, timestamp=timestamp))


LATE_S = LATE_US // SECOND_US + 1


@pytest.fixture
async def stations() -> AsyncIterator[Sequence[Rig]]:
    """Three stations of one gateway, which has one turn; transaction_svc answers none of them by itself."""
    late = LateTurns(most=1)
    async with AsyncExitStack() as stack:
        rigs = [await stack.enter_async_context(session_rig(late=late)) for _ in range(3)]
        for rig in rigs:
            rig.services[EVENTS].result = None
        yield rigs
        for rig in rigs:
            rig.services[EVENTS].result = TransactionEventResult(transaction_id="7")
        for rig in rigs:
            answer(rig)
            await rig.session.finish(60)


def answer(rig: Rig) -> None:
    """transaction_svc answers what it has of a station."""
    service = rig.services[EVENTS]
    while service.waiting:
        service.waiting.pop().set_result(TransactionEventResult(transaction_id="7"))


async def test_a_late_message_waits_for_its_turn_and_a_live_one_does_not(stations: Sequence[Rig]) -> None:
    first, second, live = stations
    first.wire.put(start("1", LATE_S))
    second.wire.put(start("2", LATE_S))
    live.wire.put(start("3", 1))
    assert [len(rig.services[EVENTS].items) for rig in stations] == [1, 0, 1]
    answer(first)
    await until(lambda: len(second.services[EVENTS].items) == 1)
    answer(second)
    assert [frame[1] for frame in await second.answers(1)] == ["2"]


async def test_turns_are_first_come_first_served(stations: Sequence[Rig]) -> None:
    for number, rig in enumerate(stations):
        rig.wire.put(start(str(number), LATE_S))
    for number, rig in enumerate(stations):
        await until(lambda rig=rig: len(rig.services[EVENTS].items) == 1)  # type: ignore[misc]
        assert [len(other.services[EVENTS].items) for other in stations] == [1] * (number + 1) + [0] * (2 - number)
        answer(rig)


async def test_a_turn_ends_where_a_service_is_unavailable_for_too_long(stations: Sequence[Rig]) -> None:
    first, second, _ = stations
    first.services[EVENTS].result = IngestUnavailableError("unavailable")
    first.wire.put(start("1", LATE_S))
    await until(lambda: first.wire.closed_with == 1013)
    second.wire.put(start("2", LATE_S))
    assert len(second.services[EVENTS].items) == 1


async def test_a_turn_ends_where_the_connection_is_broken_off(stations: Sequence[Rig]) -> None:
    first, second, _ = stations
    first.wire.put(start("1", LATE_S))
    first.wire.fault = RuntimeError("the socket fails")
    answer(first)
    await until(lambda: first.wire.closed_with == 1006)
    second.wire.put(start("2", LATE_S))
    assert len(second.services[EVENTS].items) == 1


async def test_a_station_that_has_left_leaves_no_turn_taken(stations: Sequence[Rig]) -> None:
    """Its message is recorded all the same, and the next one has its turn."""
    first, second, third = stations
    for number, rig in enumerate(stations):
        rig.wire.put(start(str(number), LATE_S))
    second.wire.closed_with = 1006
    answer(first)
    await until(lambda: len(second.services[EVENTS].items) == 1)
    answer(second)
    await until(lambda: len(third.services[EVENTS].items) == 1)


async def test_messages_without_a_time_are_not_late(stations: Sequence[Rig]) -> None:
    first, second, _ = stations
    first.wire.put(start("1", LATE_S))
    second.wire.put(HEARTBEAT)
    assert [frame[1] for frame in await second.answers(1)] == ["h"]


async def test_as_many_turns_as_there_are_begin_at_once() -> None:
    turns, begun = LateTurns(most=2), []
    for number in range(4):
        turns.take(lambda number=number: begun.append(number))  # type: ignore[misc]
    assert (begun, turns.waiting) == ([0, 1], 2)
    turns.give_back()
    turns.give_back()
    await asyncio.sleep(0)
    assert begun == [0, 1, 2, 3]
    for _ in range(4):
        turns.give_back()
    turns.take(lambda: begun.append(4))
    assert begun == [0, 1, 2, 3, 4]
