"""Reservations: what is asked of stations, kept, and listed."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from csms.common.v1 import evse_pb2, id_token_pb2
from csms.station.v1 import reservation_pb2 as pb
from csms.station.v1 import reservation_service_pb2 as service_pb
from csms.station.v1 import station_service_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from mesh.runtime.errors import MeshError
from mesh.runtime.times import SECOND_US, to_timestamp
from tests.conftest import FakeClock
from tests.station_svc import tables as models
from tests.station_svc.answers import CALL_ERROR, OFFLINE, TIMEOUT, answering, failing
from tests.station_svc.conftest import StationSystem, fails_with, of_tenant
from tests.station_svc.features.reservations import (
    DRIVER,
    GROUP,
    HOUR_S,
    connect,
    create,
    get,
    kept,
    kinds,
    listed,
    state_of,
    stub,
    wanted_reservation,
    word_of,
)


async def test_a_type_of_connector_is_reserved(system: StationSystem) -> None:
    """It is sent, kept and read back, in OCPP's words."""
    await connect(system)
    made = await create(system, connector_type="cCCS2")
    assert (made.connector_type, (await get(system)).connector_type) == ("cCCS2", "cCCS2")
    assert system.gateway.calls[0].reserve_now.connector_type == "cCCS2"


async def test_a_place_is_kept(system: StationSystem, clock: FakeClock) -> None:
    """The station is asked, the reservation is there, and an event is published."""
    await connect(system)
    made = await create(system, evse_id=2, group_id_token=GROUP)
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
    assert await get(system) == made
    assert await kinds(system) == ["active"]
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
    await connect(system)
    wanted = wanted_reservation(system)
    request = pb.ReserveNowRequest(station_id="CP1", id_token=DRIVER, expire_time=wanted.expire_time, reservation_id=77)
    answer = await system.commands.ReserveNow(request)
    assert (answer.status, answer.reservation_id) == (pb.RESERVE_NOW_STATUS_ACCEPTED, 1)
    assert await state_of(system) == "ACTIVE"
    await system.commands.CancelReservation(pb.CancelReservationRequest(station_id="CP1", reservation_id=1))
    assert await state_of(system) == "CANCELLED"


async def test_numbers_are_the_stations_own(system: StationSystem) -> None:
    """Each once, also of many at once; another station begins anew."""
    await connect(system)
    made = await asyncio.gather(*(create(system) for _ in range(6)))
    assert sorted(one.reservation_id for one in made) == [1, 2, 3, 4, 5, 6]
    await system.open("CP2")
    request = service_pb.CreateReservationRequest(station_id="CP2", reservation=wanted_reservation(system))
    assert (await stub(system).CreateReservation(request)).reservation.reservation_id == 1


async def test_a_repeated_request_reserves_once(system: StationSystem) -> None:
    """The same reservation again, as it is by then; the other RPC is another command."""
    await connect(system)
    first = await create(system, request_id="once")
    assert await create(system, request_id="once") == first
    assert len(system.gateway.calls) == 1
    request = pb.ReserveNowRequest(station_id="CP1", id_token=DRIVER, expire_time=first.expire_time, request_id="once")
    with fails_with("REQUEST_ID_REUSED"):
        await system.commands.ReserveNow(request)


@pytest.mark.parametrize("word", ["FAULTED", "OCCUPIED", "REJECTED", "UNAVAILABLE"])
async def test_a_place_that_is_not_kept(system: StationSystem, word: str) -> None:
    """The station's status says why (TC_048); it is an answer, not an error."""
    await connect(system)
    status = pb.ReserveNowStatus.Value(f"RESERVE_NOW_STATUS_{word}")
    system.gateway.behave = answering(lambda command: kept(command, status))
    made = await create(system)
    assert (word_of(made.state), made.reserve_status) == ("REJECTED", status)
    assert await kinds(system) == ["rejected"]


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
    await connect(system)
    system.gateway.behave = failing(error)
    with fails_with(reason):
        await create(system)
    found = (await listed(system)).reservations
    assert [word_of(one.state) for one in found] == states
    assert [one.reason_code for one in found if one.reason_code] == (["NotImplemented"] if error is CALL_ERROR else [])


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
    await connect(system)
    with fails_with("INVALID_FIELD") as caught:
        await create(system, **more)
    assert caught[0].metadata["field"] == field
    assert system.gateway.calls == []


async def test_pages_and_filters(system: StationSystem) -> None:
    """Newest first, each once."""
    await connect(system)
    for number in range(5):
        await create(system, id_token=id_token_pb2.IdToken(id_token=f"T{number}"), evse_id=number)
    first = await listed(system, page_size=2)
    assert [one.reservation_id for one in first.reservations] == [5, 4]
    rest = await listed(system, page_token=first.next_page_token)
    assert [one.reservation_id for one in rest.reservations] == [3, 2, 1]
    for filter_text in ('id_token = "T2"', "evse_id = 2", "reservation_id = 3"):
        assert [one.reservation_id for one in (await listed(system, filter=filter_text)).reservations] == [3]
    with fails_with("INVALID_FILTER"):
        await listed(system, filter="state = BROKEN")


async def test_every_form_of_a_token_finds_its_reservations(system: StationSystem) -> None:
    """Also those of a build that did not note the form in which tokens are compared, as far as blanks and case go."""
    await connect(system)
    for text in ("DE-ABC-C12345678-5", " Tag", "TAG-1", "TAG1"):
        await create(system, id_token=id_token_pb2.IdToken(id_token=text))

    async def found(text: str) -> list[int]:
        page = await listed(system, filter=f'id_token = "{text}"')
        return sorted(one.reservation_id for one in page.reservations)

    assert [await found(text) for text in ("deabcc123456785", "TAG ", "tag-1", "tag1")] == [[1], [2], [3], [4]]
    await system.database.write(
        lambda connection: connection.execute(sa.update(models.reservation).values(token_key=""))
    )
    assert [await found(text) for text in ("deabcc123456785", "TAG ", "tag-1", "tag1")] == [[], [2], [3], [4]]


async def test_stations_of_others_are_not_there(system: StationSystem) -> None:
    await connect(system)
    await create(system)
    request = service_pb.GetReservationRequest(station_id="CP1", reservation_id=1)
    with fails_with("STATION_NOT_FOUND"):
        await stub(system).GetReservation(request, metadata=of_tenant("other"))
    with fails_with("RESERVATION_NOT_FOUND"):
        await get(system, 2)
    with fails_with("STATION_NOT_FOUND"):
        await stub(system).ListReservations(service_pb.ListReservationsRequest(station_id="CP9\0"))


async def test_a_removed_station_takes_its_reservations_along(system: StationSystem) -> None:
    """A new one of its name begins anew."""
    await connect(system)
    await create(system)
    await system.stations.DeleteStation(station_service_pb2.DeleteStationRequest(station_id="CP1"))
    assert await system.count(models.reservation) == await system.count(models.allocation) == 0
