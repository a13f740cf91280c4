"""The ends of reservations: used, cancelled, expired, unknown; by answers, by reports, and by the time."""

import asyncio

import pytest
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.station.v1 import reservation_pb2 as pb
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1 import station_pb2

from mesh.runtime.errors import MeshError
from mesh.runtime.times import SECOND_US, to_timestamp
from station_svc.commands.commands import QUEUE_ALLOWANCE_S, RECORDING_ALLOWANCE_S
from tests.conftest import FakeClock
from tests.station_svc.answers import CALL_ERROR, OFFLINE, TIMEOUT, answering, failing
from tests.station_svc.conftest import StationSystem, fails_with, reason_of
from tests.station_svc.features.reservations import (
    CANCELLED,
    HOUR_S,
    NOT_THERE,
    cancel,
    connect,
    create,
    get,
    kept,
    kinds,
    listed,
    state_of,
    update_item,
    use_item,
    word_of,
)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (pb.RESERVATION_UPDATE_STATUS_EXPIRED, "EXPIRED"),
        (pb.RESERVATION_UPDATE_STATUS_REMOVED, "CANCELLED"),
        (pb.RESERVATION_UPDATE_STATUS_NO_TRANSACTION, "EXPIRED"),
        (pb.RESERVATION_UPDATE_STATUS_UNSPECIFIED, "ACTIVE"),
    ],
)
async def test_the_station_reports_the_end_of_a_reservation(
    system: StationSystem, status: pb.ReservationUpdateStatus.ValueType, state: str
) -> None:
    """The state follows, once, and is an event; a word that is unknown, and a number that is, change nothing."""
    epoch = await connect(system)
    await create(system, evse_id=2)
    items = [
        update_item(system, epoch, status),
        update_item(system, epoch, status),
        update_item(system, epoch, status, 99),
    ]
    results = (await system.ingest.NotifyReports(ingest_pb2.NotifyReportsRequest(items=items))).results
    assert not any(result.HasField("error") for result in results)
    assert await state_of(system) == state
    ended = [] if state == "ACTIVE" else [f"reservation.{state.lower()}"]
    assert [kind for kind, *_rest in await system.events("reservation")] == ["reservation.active", *ended]


async def test_a_used_reservation_stays_used(system: StationSystem) -> None:
    """A station may remove it after the start that used it."""
    epoch = await connect(system)
    await create(system, evse_id=2)
    items = [use_item(system, epoch), update_item(system, epoch, pb.RESERVATION_UPDATE_STATUS_REMOVED)]
    await system.ingest.NotifyReports(ingest_pb2.NotifyReportsRequest(items=items))
    assert await state_of(system) == "USED"


async def test_a_start_uses_it(system: StationSystem, clock: FakeClock) -> None:
    """As the station reports it, once; a repeat and another use change nothing (TC_046, TC_049)."""
    epoch = await connect(system)
    await create(system)
    clock.advance(60)
    told = to_timestamp(clock() - SECOND_US)
    use = use_item(system, epoch, use_time=told, transaction_id="T-1")
    assert [reason_of(result) for result in await system.notify(use)] == [""]
    clock.advance(60)
    await system.notify(use, use_item(system, epoch))
    found = await get(system)
    assert word_of(found.state) == "USED"
    assert (found.use_time, found.use_evse_id, found.transaction_id) == (told, 2, "T-1")
    assert (await kinds(system)).count("used") == 1
    clock.advance(2 * HOUR_S)
    assert await state_of(system) == "USED"


async def test_a_use_that_is_told_late_counts(system: StationSystem, clock: FakeClock) -> None:
    """Stations keep their starts while they are offline. Without a readable time it is ours."""
    epoch = await connect(system)
    await create(system)
    clock.advance(2 * HOUR_S)
    await system.housekeeper.end_due()
    assert await state_of(system) == "EXPIRED"
    await system.notify(use_item(system, epoch))
    found = await get(system)
    assert (word_of(found.state), found.use_time) == ("USED", to_timestamp(clock()))


async def test_a_use_of_what_nobody_knows(system: StationSystem) -> None:
    """It is taken, and changes nothing: the transaction itself is recorded elsewhere."""
    epoch = await connect(system)
    assert [reason_of(result) for result in await system.notify(use_item(system, epoch, 99))] == [""]
    assert not (await listed(system)).reservations


async def test_cancelling(system: StationSystem) -> None:
    """TC_051; a second time the station does not know it any more, and it stays cancelled."""
    await connect(system)
    await create(system)
    answer = await cancel(system)
    assert (answer.status, word_of(answer.reservation.state)) == (CANCELLED, "CANCELLED")
    system.gateway.behave = answering(lambda command: kept(command, cancelled=NOT_THERE))
    answer = await cancel(system)
    assert (answer.status, word_of(answer.reservation.state)) == (NOT_THERE, "CANCELLED")
    assert await kinds(system) == ["active", "cancelled"]


async def test_cancelling_what_the_station_does_not_know(system: StationSystem) -> None:
    """TC_052: its state is unknown then; a use may still be reported."""
    epoch = await connect(system)
    await create(system)
    system.gateway.behave = answering(lambda command: kept(command, cancelled=NOT_THERE))
    answer = await cancel(system)
    assert (answer.status, word_of(answer.reservation.state)) == (NOT_THERE, "UNKNOWN")
    await system.notify(use_item(system, epoch))
    assert await state_of(system) == "USED"


@pytest.mark.parametrize(
    ("error", "reason", "state"),
    [
        (OFFLINE, "STATION_OFFLINE", "ACTIVE"),
        (TIMEOUT, "CALL_TIMEOUT", "UNKNOWN"),
        (CALL_ERROR, "CALL_ERROR", "ACTIVE"),
    ],
)
async def test_cancelling_that_fails(
    system: StationSystem, clock: FakeClock, error: MeshError, reason: str, state: str
) -> None:
    """Without an answer it is unknown; where the station did not get it, or refused, it is as it was."""
    await connect(system)
    await create(system)
    system.gateway.behave = failing(error)
    with fails_with(reason):
        await cancel(system)
    clock.advance(120)
    assert await state_of(system) == state


async def test_cancelling_what_is_not_known_here(system: StationSystem) -> None:
    """The resource must be there; the command goes to the station all the same."""
    await connect(system)
    with fails_with("RESERVATION_NOT_FOUND"):
        await cancel(system, 5)
    assert system.gateway.calls == []
    await system.commands.CancelReservation(pb.CancelReservationRequest(station_id="CP1", reservation_id=5))
    assert [call.cancel_reservation.reservation_id for call in system.gateway.calls] == [5]


async def test_time_ends_it(system: StationSystem, clock: FakeClock) -> None:
    """At once where it is read or filtered for, as an event within some seconds (TC_047)."""
    await connect(system)
    await create(system)
    clock.advance(HOUR_S - 1)
    assert await system.housekeeper.end_due() == 0
    clock.advance(1)
    assert await state_of(system) == "EXPIRED"
    assert [word_of(one.state) for one in (await listed(system, filter="state = EXPIRED")).reservations] == ["EXPIRED"]
    assert not (await listed(system, filter="state = RESERVATION_STATE_ACTIVE")).reservations
    assert [await system.housekeeper.end_due() for _ in range(2)] == [1, 0]
    assert await kinds(system) == ["active", "expired"]


@pytest.mark.parametrize("cancelling", [False, True])
async def test_an_outcome_that_was_lost(system: StationSystem, clock: FakeClock, cancelling: bool) -> None:
    """Where the process dies meanwhile, it counts as unknown once nobody waits for the outcome any more."""
    await connect(system)
    if cancelling:
        await create(system)
    reached, release = asyncio.Event(), asyncio.Event()

    async def hold(_request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        reached.set()
        await release.wait()
        raise TIMEOUT

    system.gateway.behave = hold
    task = asyncio.ensure_future(cancel(system) if cancelling else create(system))
    await reached.wait()
    assert await state_of(system) == ("ACTIVE" if cancelling else "REQUESTED")
    clock.advance(30 + QUEUE_ALLOWANCE_S + RECORDING_ALLOWANCE_S)
    assert await state_of(system) == "UNKNOWN"
    assert [word_of(one.state) for one in (await listed(system, filter="state = UNKNOWN")).reservations] == ["UNKNOWN"]
    assert await system.housekeeper.end_due() == 1
    assert (await kinds(system))[-1] == "unknown"
    release.set()
    with fails_with("CALL_TIMEOUT"):
        await task
    clock.advance(HOUR_S)
    assert await state_of(system) == "EXPIRED"


async def test_used_before_the_answer(system: StationSystem) -> None:
    """A driver may be quicker than the answer's way back: the place was used, and stays so."""
    epoch = await connect(system)

    async def used_meanwhile(request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        await system.notify(use_item(system, epoch, request.reserve_now.reservation_id))
        return gateway_pb2.CallResponse(reserve_now=kept(request.reserve_now))

    system.gateway.behave = used_meanwhile
    made = await create(system)
    assert (word_of(made.state), made.reserve_status) == ("USED", pb.RESERVE_NOW_STATUS_ACCEPTED)


async def test_what_ended_long_ago_is_removed(system: StationSystem, clock: FakeClock) -> None:
    """Reservations that are still to come stay."""
    await connect(system)
    await create(system)
    await create(system, expire_time=to_timestamp(clock() + 200 * 24 * HOUR_S * SECOND_US))
    await cancel(system, 1)
    clock.advance(91 * 24 * HOUR_S)
    await system.retention.remove_old()
    assert [one.reservation_id for one in (await listed(system)).reservations] == [2]


async def test_a_place_that_is_out_of_order_is_kept_for_nobody(system: StationSystem, clock: FakeClock) -> None:
    """A reservation ends with its EVSE; one of any EVSE, and all others, with the whole station (1.6, ReserveNow)."""
    epoch = await connect(system)
    for evse_id in (1, 2, 3, 0):
        await create(system, evse_id=evse_id)
    clock.advance(1)

    async def report(evse_id: int, status: station_pb2.ConnectorStatus.ValueType) -> list[str]:
        await system.report(system.status_item("CP1", epoch, evse_id=evse_id, status=status))
        return [await state_of(system, number) for number in (1, 2, 3, 4)]

    assert await report(3, station_pb2.CONNECTOR_STATUS_RESERVED) == ["ACTIVE"] * 4
    assert await report(1, station_pb2.CONNECTOR_STATUS_FAULTED) == ["CANCELLED", "ACTIVE", "ACTIVE", "ACTIVE"]
    assert await report(2, station_pb2.CONNECTOR_STATUS_UNAVAILABLE) == ["CANCELLED", "CANCELLED", "ACTIVE", "ACTIVE"]
    assert (await get(system, 1)).update_time == to_timestamp(clock())
    assert await report(0, station_pb2.CONNECTOR_STATUS_UNAVAILABLE) == ["CANCELLED"] * 4
    assert await kinds(system) == ["active"] * 4 + ["cancelled"] * 4
    await system.notify(use_item(system, epoch, 2))
    assert await state_of(system, 2) == "USED"


async def test_a_place_that_was_out_of_order_before_can_be_kept(system: StationSystem, clock: FakeClock) -> None:
    """An older status, and one of another station, change nothing."""
    epoch = await connect(system)
    other = await system.open("CP2")
    old = system.status_item("CP1", epoch, status=station_pb2.CONNECTOR_STATUS_FAULTED)
    clock.advance(1)
    await create(system, evse_id=1)
    await system.report(old, system.status_item("CP2", other, status=station_pb2.CONNECTOR_STATUS_FAULTED))
    assert await state_of(system) == "ACTIVE"
