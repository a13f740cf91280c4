"""Reservations: what stations keep follows what they are sent, what they answer and report, and the time."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from csms.common.v1 import evse_pb2, id_token_pb2
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.station.v1 import reservation_pb2 as pb
from csms.station.v1 import reservation_service_pb2 as service_pb
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1 import station_pb2, station_service_pb2
from csms.station.v1.reservation_service_pb2_grpc import ReservationServiceStub
from google.protobuf.timestamp_pb2 import Timestamp

from mesh.runtime.errors import MeshError
from mesh.runtime.times import SECOND_US, to_timestamp
from station_svc.commands.commands import QUEUE_ALLOWANCE_S, RECORDING_ALLOWANCE_S
from tests.conftest import FakeClock
from tests.station_svc import tables as models
from tests.station_svc.answers import CALL_ERROR, OFFLINE, TIMEOUT, answering, failing
from tests.station_svc.conftest import StationSystem, fails_with, of_tenant, reason_of

DRIVER = id_token_pb2.IdToken(id_token="TAG-1", type="ISO14443")
GROUP = id_token_pb2.IdToken(id_token="FLEET")
HOUR_S = 3600
CANCELLED = pb.CANCEL_RESERVATION_STATUS_ACCEPTED
NOT_THERE = pb.CANCEL_RESERVATION_STATUS_REJECTED


def _kept(command: Any, status: Any = pb.RESERVE_NOW_STATUS_ACCEPTED, cancelled: Any = CANCELLED) -> Any:
    """The gateway's form of a station's answer."""
    if isinstance(command, pb.CancelReservationRequest):
        return pb.CancelReservationResponse(status=cancelled)
    return pb.ReserveNowResponse(status=status, reservation_id=command.reservation_id)


async def _open(system: StationSystem) -> int:
    system.gateway.behave = answering(_kept)
    return await system.open("CP1")


def _stub(system: StationSystem) -> Any:
    return ReservationServiceStub(system.operators)


def _wanted(system: StationSystem, **more: Any) -> pb.Reservation:
    fields = {"id_token": DRIVER, "expire_time": to_timestamp(system.clock() + HOUR_S * SECOND_US), **more}
    return pb.Reservation(**fields)


async def _create(system: StationSystem, *, request_id: str = "", **more: Any) -> pb.Reservation:
    request = service_pb.CreateReservationRequest(
        station_id="CP1", request_id=request_id, reservation=_wanted(system, **more)
    )
    return (await _stub(system).CreateReservation(request)).reservation  # type: ignore[no-any-return]


async def _cancel(system: StationSystem, reservation_id: int = 1) -> Any:
    request = service_pb.ReservationServiceCancelReservationRequest(station_id="CP1", reservation_id=reservation_id)
    return await _stub(system).CancelReservation(request)


async def _get(system: StationSystem, reservation_id: int = 1) -> pb.Reservation:
    request = service_pb.GetReservationRequest(station_id="CP1", reservation_id=reservation_id)
    return (await _stub(system).GetReservation(request)).reservation  # type: ignore[no-any-return]


async def _list(system: StationSystem, **more: Any) -> service_pb.ListReservationsResponse:
    request = service_pb.ListReservationsRequest(station_id="CP1", **more)
    return await _stub(system).ListReservations(request)  # type: ignore[no-any-return]


async def _state(system: StationSystem, reservation_id: int = 1) -> str:
    return _word((await _get(system, reservation_id)).state)


def _word(state: pb.ReservationState.ValueType) -> str:
    return pb.ReservationState.Name(state).removeprefix("RESERVATION_STATE_")


async def _kinds(system: StationSystem) -> Sequence[str]:
    return [kind.removeprefix("reservation.") for kind, *_rest in await system.events("reservation.")]


def _use(system: StationSystem, epoch: int, reservation_id: int = 1, **more: Any) -> ingest_pb2.ReportItem:
    use = pb.ReservationUse(reservation_id=reservation_id, evse=evse_pb2.EvseRef(evse_id=2, connector_id=1), **more)
    return ingest_pb2.ReportItem(origin=system.origin("CP1", epoch), reservation_use=use)


def _update(
    system: StationSystem, epoch: int, status: pb.ReservationUpdateStatus.ValueType, reservation_id: int = 1
) -> ingest_pb2.ReportItem:
    update = pb.ReservationUpdate(reservation_id=reservation_id, status=status)
    return ingest_pb2.ReportItem(origin=system.origin("CP1", epoch), reservation_update=update)


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
    epoch = await _open(system)
    await _create(system, evse_id=2)
    items = [_update(system, epoch, status), _update(system, epoch, status), _update(system, epoch, status, 99)]
    results = (await system.ingest.NotifyReports(ingest_pb2.NotifyReportsRequest(items=items))).results
    assert not any(result.HasField("error") for result in results)
    assert await _state(system) == state
    ended = [] if state == "ACTIVE" else [f"reservation.{state.lower()}"]
    assert [kind for kind, *_rest in await system.events("reservation")] == ["reservation.active", *ended]


async def test_a_used_reservation_stays_used(system: StationSystem) -> None:
    """A station may remove it after the start that used it."""
    epoch = await _open(system)
    await _create(system, evse_id=2)
    items = [_use(system, epoch), _update(system, epoch, pb.RESERVATION_UPDATE_STATUS_REMOVED)]
    await system.ingest.NotifyReports(ingest_pb2.NotifyReportsRequest(items=items))
    assert await _state(system) == "USED"


async def test_a_type_of_connector_is_reserved(system: StationSystem) -> None:
    """It is sent, kept and read back, in OCPP's words."""
    await _open(system)
    made = await _create(system, connector_type="cCCS2")
    assert (made.connector_type, (await _get(system)).connector_type) == ("cCCS2", "cCCS2")
    assert system.gateway.calls[0].reserve_now.connector_type == "cCCS2"


async def test_a_place_is_kept(system: StationSystem, clock: FakeClock) -> None:
    """The station is asked, the reservation is there, and an event is published."""
    await _open(system)
    made = await _create(system, evse_id=2, group_id_token=GROUP)
    assert made == pb.Reservation(
        station_id="CP1",
        reservation_id=1,
        evse_id=2,
        evse=evse_pb2.EvseRef(evse_id=2),
        id_token=DRIVER,
        group_id_token=GROUP,
        expire_time=to_timestamp(clock() + HOUR_S * SECOND_US),
        state=pb.RESERVATION_STATE_ACTIVE,
        reserve_status=pb.RESERVE_NOW_STATUS_ACCEPTED,
        create_time=to_timestamp(clock()),
        update_time=to_timestamp(clock()),
    )
    [call] = system.gateway.calls
    assert call.reserve_now == pb.ReserveNowRequest(
        station_id="CP1",
        evse_id=2,
        id_token=DRIVER,
        group_id_token=GROUP,
        expire_time=made.expire_time,
        reservation_id=1,
    )
    assert await _get(system) == made
    assert await _kinds(system) == ["active"]
    [(_kind, station_id, data)] = await system.events("reservation.")
    assert station_id == "CP1"
    assert data == {
        "reservationId": 1,
        "evseId": 2,
        "connectorType": "",
        "idToken": "TAG-1",
        "reserveStatus": "RESERVE_NOW_STATUS_ACCEPTED",
        "reasonCode": "",
        "useEvseId": 0,
        "transactionId": "",
    }


async def test_both_ways_make_the_same(system: StationSystem) -> None:
    """CommandService.ReserveNow makes a reservation with a number of ours, whatever is given there."""
    await _open(system)
    wanted = _wanted(system)
    request = pb.ReserveNowRequest(station_id="CP1", id_token=DRIVER, expire_time=wanted.expire_time, reservation_id=77)
    answer = await system.commands.ReserveNow(request)
    assert (answer.status, answer.reservation_id) == (pb.RESERVE_NOW_STATUS_ACCEPTED, 1)
    assert await _state(system) == "ACTIVE"
    await system.commands.CancelReservation(pb.CancelReservationRequest(station_id="CP1", reservation_id=1))
    assert await _state(system) == "CANCELLED"


async def test_numbers_are_the_stations_own(system: StationSystem) -> None:
    """Each once, also of many at once; another station begins anew."""
    await _open(system)
    made = await asyncio.gather(*(_create(system) for _ in range(6)))
    assert sorted(one.reservation_id for one in made) == [1, 2, 3, 4, 5, 6]
    await system.open("CP2")
    request = service_pb.CreateReservationRequest(station_id="CP2", reservation=_wanted(system))
    assert (await _stub(system).CreateReservation(request)).reservation.reservation_id == 1


async def test_a_repeated_request_reserves_once(system: StationSystem) -> None:
    """The same reservation again, as it is by then; the other RPC is another command."""
    await _open(system)
    first = await _create(system, request_id="once")
    assert await _create(system, request_id="once") == first
    assert len(system.gateway.calls) == 1
    request = pb.ReserveNowRequest(station_id="CP1", id_token=DRIVER, expire_time=first.expire_time, request_id="once")
    with fails_with("REQUEST_ID_REUSED"):
        await system.commands.ReserveNow(request)


@pytest.mark.parametrize("word", ["FAULTED", "OCCUPIED", "REJECTED", "UNAVAILABLE"])
async def test_a_place_that_is_not_kept(system: StationSystem, word: str) -> None:
    """The station's status says why (TC_048); it is an answer, not an error."""
    await _open(system)
    status = pb.ReserveNowStatus.Value(f"RESERVE_NOW_STATUS_{word}")
    system.gateway.behave = answering(lambda command: _kept(command, status))
    made = await _create(system)
    assert (_word(made.state), made.reserve_status) == ("REJECTED", status)
    assert await _kinds(system) == ["rejected"]


@pytest.mark.parametrize(
    ("error", "reason", "states"),
    [
        (OFFLINE, "STATION_OFFLINE", []),
        (TIMEOUT, "CALL_TIMEOUT", ["UNKNOWN"]),
        (CALL_ERROR, "CALL_ERROR", ["REJECTED"]),
    ],
)
async def test_a_request_that_fails(system: StationSystem, error: MeshError, reason: str, states: list[str]) -> None:
    """Nothing is there where nothing was sent; without an answer it is unknown; a CALLERROR is a refusal."""
    await _open(system)
    system.gateway.behave = failing(error)
    with fails_with(reason):
        await _create(system)
    found = (await _list(system)).reservations
    assert [_word(one.state) for one in found] == states
    assert [one.reason_code for one in found if one.reason_code] == (["NotImplemented"] if error is CALL_ERROR else [])


async def test_a_start_uses_it(system: StationSystem, clock: FakeClock) -> None:
    """As the station reports it, once; a repeat and another use change nothing (TC_046, TC_049)."""
    epoch = await _open(system)
    await _create(system)
    clock.advance(60)
    told = to_timestamp(clock() - SECOND_US)
    use = _use(system, epoch, use_time=told, transaction_id="T-1")
    assert [reason_of(result) for result in await system.notify(use)] == [""]
    clock.advance(60)
    await system.notify(use, _use(system, epoch))
    found = await _get(system)
    assert _word(found.state) == "USED"
    assert (found.use_time, found.use_evse_id, found.transaction_id) == (told, 2, "T-1")
    assert (await _kinds(system)).count("used") == 1
    clock.advance(2 * HOUR_S)
    assert await _state(system) == "USED"


async def test_a_use_that_is_told_late_counts(system: StationSystem, clock: FakeClock) -> None:
    """Stations keep their starts while they are offline. Without a readable time it is ours."""
    epoch = await _open(system)
    await _create(system)
    clock.advance(2 * HOUR_S)
    await system.housekeeper.end_due()
    assert await _state(system) == "EXPIRED"
    await system.notify(_use(system, epoch))
    found = await _get(system)
    assert (_word(found.state), found.use_time) == ("USED", to_timestamp(clock()))


async def test_a_use_of_what_nobody_knows(system: StationSystem) -> None:
    """It is taken, and changes nothing: the transaction itself is recorded elsewhere."""
    epoch = await _open(system)
    assert [reason_of(result) for result in await system.notify(_use(system, epoch, 99))] == [""]
    assert not (await _list(system)).reservations


async def test_cancelling(system: StationSystem) -> None:
    """TC_051; a second time the station does not know it any more, and it stays cancelled."""
    await _open(system)
    await _create(system)
    answer = await _cancel(system)
    assert (answer.status, _word(answer.reservation.state)) == (CANCELLED, "CANCELLED")
    system.gateway.behave = answering(lambda command: _kept(command, cancelled=NOT_THERE))
    answer = await _cancel(system)
    assert (answer.status, _word(answer.reservation.state)) == (NOT_THERE, "CANCELLED")
    assert await _kinds(system) == ["active", "cancelled"]


async def test_cancelling_what_the_station_does_not_know(system: StationSystem) -> None:
    """TC_052: its state is unknown then; a use may still be reported."""
    epoch = await _open(system)
    await _create(system)
    system.gateway.behave = answering(lambda command: _kept(command, cancelled=NOT_THERE))
    answer = await _cancel(system)
    assert (answer.status, _word(answer.reservation.state)) == (NOT_THERE, "UNKNOWN")
    await system.notify(_use(system, epoch))
    assert await _state(system) == "USED"


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
    await _open(system)
    await _create(system)
    system.gateway.behave = failing(error)
    with fails_with(reason):
        await _cancel(system)
    clock.advance(120)
    assert await _state(system) == state


async def test_cancelling_what_is_not_known_here(system: StationSystem) -> None:
    """The resource must be there; the command goes to the station all the same."""
    await _open(system)
    with fails_with("RESERVATION_NOT_FOUND"):
        await _cancel(system, 5)
    assert system.gateway.calls == []
    await system.commands.CancelReservation(pb.CancelReservationRequest(station_id="CP1", reservation_id=5))
    assert [call.cancel_reservation.reservation_id for call in system.gateway.calls] == [5]


async def test_time_ends_it(system: StationSystem, clock: FakeClock) -> None:
    """At once where it is read or filtered for, as an event within some seconds (TC_047)."""
    await _open(system)
    await _create(system)
    clock.advance(HOUR_S - 1)
    assert await system.housekeeper.end_due() == 0
    clock.advance(1)
    assert await _state(system) == "EXPIRED"
    assert [_word(one.state) for one in (await _list(system, filter="state = EXPIRED")).reservations] == ["EXPIRED"]
    assert not (await _list(system, filter="state = RESERVATION_STATE_ACTIVE")).reservations
    assert [await system.housekeeper.end_due() for _ in range(2)] == [1, 0]
    assert await _kinds(system) == ["active", "expired"]


@pytest.mark.parametrize("cancelling", [False, True])
async def test_an_outcome_that_was_lost(system: StationSystem, clock: FakeClock, cancelling: bool) -> None:
    """Where the process dies meanwhile, it counts as unknown once nobody waits for the outcome any more."""
    await _open(system)
    if cancelling:
        await _create(system)
    reached, release = asyncio.Event(), asyncio.Event()

    async def hold(_request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        reached.set()
        await release.wait()
        raise TIMEOUT

    system.gateway.behave = hold
    task = asyncio.ensure_future(_cancel(system) if cancelling else _create(system))
    await reached.wait()
    assert await _state(system) == ("ACTIVE" if cancelling else "REQUESTED")
    clock.advance(30 + QUEUE_ALLOWANCE_S + RECORDING_ALLOWANCE_S)
    assert await _state(system) == "UNKNOWN"
    assert [_word(one.state) for one in (await _list(system, filter="state = UNKNOWN")).reservations] == ["UNKNOWN"]
    assert await system.housekeeper.end_due() == 1
    assert (await _kinds(system))[-1] == "unknown"
    release.set()
    with fails_with("CALL_TIMEOUT"):
        await task
    clock.advance(HOUR_S)
    assert await _state(system) == "EXPIRED"


async def test_used_before_the_answer(system: StationSystem) -> None:
    """A driver may be quicker than the answer's way back: the place was used, and stays so."""
    epoch = await _open(system)

    async def used_meanwhile(request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        await system.notify(_use(system, epoch, request.reserve_now.reservation_id))
        return gateway_pb2.CallResponse(reserve_now=_kept(request.reserve_now))

    system.gateway.behave = used_meanwhile
    made = await _create(system)
    assert (_word(made.state), made.reserve_status) == ("USED", pb.RESERVE_NOW_STATUS_ACCEPTED)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"id_token": id_token_pb2.IdToken(id_token="a\0")}, "reservation.id_token"),
        ({"group_id_token": id_token_pb2.IdToken(id_token="a", type="\0")}, "reservation.group_id_token"),
        ({"expire_time": Timestamp(seconds=1 << 60)}, "reservation.expire_time"),
    ],
)
async def test_what_cannot_be_kept(system: StationSystem, more: dict[str, Any], field: str) -> None:
    """It is refused by name before anything is sent."""
    await _open(system)
    with fails_with("INVALID_FIELD") as caught:
        await _create(system, **more)
    assert caught[0].metadata["field"] == field
    assert system.gateway.calls == []


async def test_pages_and_filters(system: StationSystem) -> None:
    """Newest first, each once."""
    await _open(system)
    for number in range(5):
        await _create(system, id_token=id_token_pb2.IdToken(id_token=f"T{number}"), evse_id=number)
    first = await _list(system, page_size=2)
    assert [one.reservation_id for one in first.reservations] == [5, 4]
    rest = await _list(system, page_token=first.next_page_token)
    assert [one.reservation_id for one in rest.reservations] == [3, 2, 1]
    for filter_text in ('id_token = "T2"', "evse_id = 2", "reservation_id = 3"):
        assert [one.reservation_id for one in (await _list(system, filter=filter_text)).reservations] == [3]
    with fails_with("INVALID_FILTER"):
        await _list(system, filter="state = BROKEN")


async def test_every_form_of_a_token_finds_its_reservations(system: StationSystem) -> None:
    """Also those of a build that did not note the form in which tokens are compared, as far as blanks and case go."""
    await _open(system)
    for text in ("DE-ABC-C12345678-5", " Tag", "TAG-1", "TAG1"):
        await _create(system, id_token=id_token_pb2.IdToken(id_token=text))

    async def found(text: str) -> list[int]:
        page = await _list(system, filter=f'id_token = "{text}"')
        return sorted(one.reservation_id for one in page.reservations)

    assert [await found(text) for text in ("deabcc123456785", "TAG ", "tag-1", "tag1")] == [[1], [2], [3], [4]]
    await system.database.write(
        lambda connection: connection.execute(sa.update(models.reservation).values(token_key=""))
    )
    assert [await found(text) for text in ("deabcc123456785", "TAG ", "tag-1", "tag1")] == [[], [2], [3], [4]]


async def test_stations_of_others_are_not_there(system: StationSystem) -> None:
    await _open(system)
    await _create(system)
    request = service_pb.GetReservationRequest(station_id="CP1", reservation_id=1)
    with fails_with("STATION_NOT_FOUND"):
        await _stub(system).GetReservation(request, metadata=of_tenant("other"))
    with fails_with("RESERVATION_NOT_FOUND"):
        await _get(system, 2)
    with fails_with("STATION_NOT_FOUND"):
        await _stub(system).ListReservations(service_pb.ListReservationsRequest(station_id="CP9\0"))


async def test_a_removed_station_takes_its_reservations_along(system: StationSystem) -> None:
    """A new one of its name begins anew."""
    await _open(system)
    await _create(system)
    await system.stations.DeleteStation(station_service_pb2.DeleteStationRequest(station_id="CP1"))
    assert await system.count(models.reservation) == await system.count(models.allocation) == 0


async def test_what_ended_long_ago_is_removed(system: StationSystem, clock: FakeClock) -> None:
    """Reservations that are still to come stay."""
    await _open(system)
    await _create(system)
    await _create(system, expire_time=to_timestamp(clock() + 200 * 24 * HOUR_S * SECOND_US))
    await _cancel(system, 1)
    clock.advance(91 * 24 * HOUR_S)
    await system.retention.remove_old()
    assert [one.reservation_id for one in (await _list(system)).reservations] == [2]


async def test_a_place_that_is_out_of_order_is_kept_for_nobody(system: StationSystem, clock: FakeClock) -> None:
    """A reservation ends with its EVSE; one of any EVSE, and all others, with the whole station (1.6, ReserveNow)."""
    epoch = await _open(system)
    for evse_id in (1, 2, 3, 0):
        await _create(system, evse_id=evse_id)
    clock.advance(1)

    async def report(evse_id: int, status: station_pb2.ConnectorStatus.ValueType) -> list[str]:
        await system.report(system.status_item("CP1", epoch, evse_id=evse_id, status=status))
        return [await _state(system, number) for number in (1, 2, 3, 4)]

    assert await report(3, station_pb2.CONNECTOR_STATUS_RESERVED) == ["ACTIVE"] * 4
    assert await report(1, station_pb2.CONNECTOR_STATUS_FAULTED) == ["CANCELLED", "ACTIVE", "ACTIVE", "ACTIVE"]
    assert await report(2, station_pb2.CONNECTOR_STATUS_UNAVAILABLE) == ["CANCELLED", "CANCELLED", "ACTIVE", "ACTIVE"]
    assert (await _get(system, 1)).update_time == to_timestamp(clock())
    assert await report(0, station_pb2.CONNECTOR_STATUS_UNAVAILABLE) == ["CANCELLED"] * 4
    assert await _kinds(system) == ["active"] * 4 + ["cancelled"] * 4
    await system.notify(_use(system, epoch, 2))
    assert await _state(system, 2) == "USED"


async def test_a_place_that_was_out_of_order_before_can_be_kept(system: StationSystem, clock: FakeClock) -> None:
    """An older status, and one of another station, change nothing."""
    epoch = await _open(system)
    other = await system.open("CP2")
    old = system.status_item("CP1", epoch, status=station_pb2.CONNECTOR_STATUS_FAULTED)
    clock.advance(1)
    await _create(system, evse_id=1)
    await system.report(old, system.status_item("CP2", other, status=station_pb2.CONNECTOR_STATUS_FAULTED))
    assert await _state(system) == "ACTIVE"
