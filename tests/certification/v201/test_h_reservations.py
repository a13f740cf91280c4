"""Block H, reservations. The names of the cases are known; the steps are our reading of H01 to H04."""

from typing import Any

import pytest
from csms.auth.v1.id_token_service_pb2 import IdToken as AddedToken
from csms.common.v1.id_token_pb2 import IdToken
from csms.station.v1 import reservation_pb2 as pb
from csms.station.v1 import reservation_service_pb2 as service_pb
from csms.station.v1.reservation_service_pb2_grpc import ReservationServiceStub

from mesh.runtime.times import SECOND_US, now_us, to_timestamp
from station_kit.v201 import messages as v201
from tests.certification.played_station import GROUP
from tests.certification.tokens import create_token
from tests.certification.v201.station import ChargingStation
from tests.gateway.rig import TIMEOUT_S

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOUR_S = 3_600


def _service(station: ChargingStation) -> Any:
    return ReservationServiceStub(station.mesh.station_channel)


async def _reserve(station: ChargingStation, answer: str = "Accepted", **fields: Any) -> tuple[Any, pb.Reservation]:
    """An operator reserves for the driver; returns the payload of ReserveNow, and the reservation after its answer."""
    reservation = pb.Reservation(
        id_token=IdToken(id_token=station.tag, type="ISO14443"),
        expire_time=to_timestamp(now_us() + HOUR_S * SECOND_US),
        **fields,
    )
    request = service_pb.CreateReservationRequest(station_id=station.station_id, reservation=reservation)
    action, payload, told = await station.asked(_service(station).CreateReservation, request, {"status": answer})
    assert action == "ReserveNow"
    assert payload["idToken"] == v201.id_token_of(station.tag)
    assert payload["id"] == told.reservation.reservation_id
    return payload, told.reservation


async def _state(station: ChargingStation, reservation: pb.Reservation) -> str:
    return _word((await _read(station, reservation)).state)


def _word(state: pb.ReservationState.ValueType) -> str:
    return pb.ReservationState.Name(state).removeprefix("RESERVATION_STATE_")


async def _read(station: ChargingStation, reservation: pb.Reservation) -> pb.Reservation:
    request = service_pb.GetReservationRequest(station_id=station.station_id, reservation_id=reservation.reservation_id)
    response = await _service(station).GetReservation(request, metadata=station.mesh.metadata, timeout=TIMEOUT_S)
    found: pb.Reservation = response.reservation
    return found


async def _use(station: ChargingStation, reservation: pb.Reservation, *, evse_id: int = 1) -> None:
    """The driver comes and charges; the first event names the reservation, which is used."""
    assert await station.authorize() == "Accepted"
    await station.status("Occupied", evse_id=evse_id)
    evse = {"id": evse_id, "connectorId": 1}
    await station.start("Authorized", reservationId=reservation.reservation_id, evse=evse)
    await station.update("ChargingStateChanged", "Charging")
    used = await _read(station, reservation)
    assert (_word(used.state), used.use_evse_id) == ("USED", evse_id)
    assert used.transaction_id == station.transaction_id


async def _report(station: ChargingStation, reservation: pb.Reservation, status: str) -> None:
    number = reservation.reservation_id
    assert await station.call("ReservationStatusUpdate", reservationId=number, reservationUpdateStatus=status) == {}


async def test_tc_h_01_csms(station: ChargingStation) -> None:
    """An EVSE is reserved, and used by the driver."""
    payload, reservation = await _reserve(station, evse={"evse_id": 1})
    assert (payload["evseId"], _word(reservation.state)) == (1, "ACTIVE")
    await station.status("Reserved")
    await _use(station, reservation)


async def test_tc_h_07_csms(station: ChargingStation) -> None:
    """Nobody comes: the station reports the end of the reservation."""
    _payload, reservation = await _reserve(station, evse={"evse_id": 1})
    await station.status("Reserved")
    await _report(station, reservation, "Expired")
    await station.status("Available")
    assert await _state(station, reservation) == "EXPIRED"


async def test_tc_h_08_csms(station: ChargingStation) -> None:
    """Any EVSE is reserved, and one is used: ReserveNow names none."""
    payload, reservation = await _reserve(station)
    assert "evseId" not in payload
    await _use(station, reservation, evse_id=2)


async def test_tc_h_14_csms(station: ChargingStation) -> None:
    """As many reservations as EVSEs: all of them are reserved, and each is used for its own reservation."""
    _payload, first = await _reserve(station)
    _payload, second = await _reserve(station)
    assert first.reservation_id != second.reservation_id
    for evse_id in (1, 2):
        await station.status("Reserved", evse_id=evse_id)
    await _use(station, first)
    assert await _state(station, second) == "ACTIVE"


async def test_tc_h_15_csms(station: ChargingStation) -> None:
    """Any connector of a type is reserved."""
    payload, reservation = await _reserve(station, connector_type="sType2")
    assert payload["connectorType"] == "sType2"
    assert "evseId" not in payload
    await _use(station, reservation)


async def test_tc_h_17_csms(station: ChargingStation) -> None:
    """A reservation is cancelled."""
    _payload, reservation = await _reserve(station, evse={"evse_id": 1})
    await station.status("Reserved")
    request = service_pb.ReservationServiceCancelReservationRequest(
        station_id=station.station_id, reservation_id=reservation.reservation_id
    )
    action, payload, told = await station.asked(_service(station).CancelReservation, request, {"status": "Accepted"})
    assert (action, payload) == ("CancelReservation", {"reservationId": reservation.reservation_id})
    assert told.status == pb.CANCEL_RESERVATION_STATUS_ACCEPTED
    assert _word(told.reservation.state) == "CANCELLED"
    await station.status("Available")


async def test_tc_h_19_csms(station: ChargingStation) -> None:
    """Another driver of the same group uses the reservation."""
    group = {"id_token": GROUP, "type": "Central"}
    payload, reservation = await _reserve(station, evse={"evse_id": 1}, group_id_token=group)
    assert payload["groupIdToken"] == {"idToken": GROUP, "type": "Central"}
    await station.status("Reserved")
    station.tag = f"{station.tag}-B"
    await create_token(station.mesh, AddedToken(id_token=station.tag, group_id_token=GROUP))
    answer = await station.send(v201.authorize(station.tag))
    assert answer["idTokenInfo"]["groupIdToken"]["idToken"] == GROUP  # by which the station lets it use the EVSE
    await _use(station, reservation)


async def test_tc_h_20_csms(station: ChargingStation) -> None:
    """The reserved EVSE is faulted: the station removes the reservation."""
    _payload, reservation = await _reserve(station, evse={"evse_id": 1})
    await station.status("Reserved")
    await station.status("Faulted")
    await _report(station, reservation, "Removed")
    assert await _state(station, reservation) == "CANCELLED"


async def test_tc_h_22_csms(station: ChargingStation) -> None:
    """The station is configured to reject reservations."""
    _payload, reservation = await _reserve(station, "Rejected", evse={"evse_id": 1})
    assert _word(reservation.state) == "REJECTED"
    assert reservation.reserve_status == pb.RESERVE_NOW_STATUS_REJECTED
