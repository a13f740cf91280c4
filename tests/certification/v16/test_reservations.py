"""Reservations, of a connector and of the charge point."""

from typing import Any

import pytest
from csms.common.v1 import id_token_pb2
from csms.station.v1 import reservation_pb2, reservation_service_pb2
from csms.station.v1.reservation_service_pb2_grpc import ReservationServiceStub

from mesh.runtime.times import SECOND_US, now_us, to_timestamp
from tests.certification.v16.charge_point import ChargePoint
from tests.gateway.rig import TIMEOUT_S
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOUR_S = 3_600.0


def _service(charge_point: ChargePoint) -> Any:
    return ReservationServiceStub(charge_point.mesh.station_channel)


async def _reserve(charge_point: ChargePoint, answer: str, *, evse: int = 1, seconds: float = HOUR_S) -> Any:
    """An operator reserves for a tag; returns the reservation after the charge point's answer."""
    expire_time = to_timestamp(now_us() + int(seconds * SECOND_US))
    id_token = id_token_pb2.IdToken(id_token=charge_point.tag)
    reservation = reservation_pb2.Reservation(evse_id=evse, id_token=id_token, expire_time=expire_time)
    request = reservation_service_pb2.CreateReservationRequest(
        station_id=charge_point.station_id, reservation=reservation
    )
    action, payload, told = await charge_point.asked(
        _service(charge_point).CreateReservation, request, {"status": answer}
    )
    assert action == "ReserveNow"
    assert (payload["connectorId"], payload["idTag"]) == (evse, charge_point.tag)
    assert payload["reservationId"] == told.reservation.reservation_id
    return told.reservation


async def _state(charge_point: ChargePoint, reservation: Any) -> int:
    request = reservation_service_pb2.GetReservationRequest(
        station_id=charge_point.station_id, reservation_id=reservation.reservation_id
    )
    response = await _service(charge_point).GetReservation(
        request, metadata=charge_point.mesh.metadata, timeout=TIMEOUT_S
    )
    state: int = response.reservation.state
    return state


async def _use(charge_point: ChargePoint, reservation: Any) -> None:
    """Who it is for comes and charges; the start names the reservation, which is used up."""
    assert await charge_point.authorize() == "Accepted"
    await charge_point.status("Preparing")
    number = await charge_point.start(reservationId=reservation.reservation_id)
    await charge_point.status("Charging")
    await charge_point.finish(number)
    assert await _state(charge_point, reservation) == reservation_pb2.RESERVATION_STATE_USED


async def test_tc_046_csms(charge_point: ChargePoint) -> None:
    """A connector is reserved, and charged at by whom it is for."""
    reservation = await _reserve(charge_point, "Accepted")
    assert reservation.state == reservation_pb2.RESERVATION_STATE_ACTIVE
    await charge_point.status("Reserved")
    await _use(charge_point, reservation)


async def test_tc_047_csms(charge_point: ChargePoint) -> None:
    """Nobody comes: the reservation expires, and the connector is free again."""
    reservation = await _reserve(charge_point, "Accepted", seconds=6.0)
    await charge_point.status("Reserved")

    async def expired() -> bool:
        return await _state(charge_point, reservation) == reservation_pb2.RESERVATION_STATE_EXPIRED

    await eventually(expired)
    await charge_point.status("Available")


async def _refused(charge_point: ChargePoint, answer: str) -> None:
    reservation = await _reserve(charge_point, answer)
    assert reservation.state == reservation_pb2.RESERVATION_STATE_REJECTED
    assert reservation.reserve_status == reservation_pb2.ReserveNowStatus.Value(f"RESERVE_NOW_STATUS_{answer.upper()}")


async def test_tc_048_1_csms(charge_point: ChargePoint) -> None:
    """A connector that is faulted."""
    await charge_point.status("Faulted", error="OtherError")
    await _refused(charge_point, "Faulted")


async def test_tc_048_2_csms(charge_point: ChargePoint) -> None:
    """A connector that is occupied."""
    await charge_point.status("Preparing")
    await _refused(charge_point, "Occupied")


async def test_tc_048_3_csms(charge_point: ChargePoint) -> None:
    """A connector that is out of service."""
    await charge_point.status("Unavailable")
    await _refused(charge_point, "Unavailable")


async def test_tc_048_4_csms(charge_point: ChargePoint) -> None:
    """A charge point that takes no reservations."""
    await _refused(charge_point, "Rejected")


async def test_tc_049_csms(charge_point: ChargePoint) -> None:
    """The charge point is reserved, whichever connector; it is used at one of them."""
    reservation = await _reserve(charge_point, "Accepted", evse=0)
    await _use(charge_point, reservation)


async def _cancel(charge_point: ChargePoint, reservation_id: int, answer: str) -> Any:
    request = reservation_service_pb2.ReservationServiceCancelReservationRequest(
        station_id=charge_point.station_id, reservation_id=reservation_id
    )
    action, payload, told = await charge_point.asked(
        _service(charge_point).CancelReservation, request, {"status": answer}
    )
    assert (action, payload) == ("CancelReservation", {"reservationId": reservation_id})
    return told


async def test_tc_051_csms(charge_point: ChargePoint) -> None:
    """A reservation is cancelled."""
    reservation = await _reserve(charge_point, "Accepted")
    await charge_point.status("Reserved")
    told = await _cancel(charge_point, reservation.reservation_id, "Accepted")
    assert told.status == reservation_pb2.CANCEL_RESERVATION_STATUS_ACCEPTED
    assert await _state(charge_point, reservation) == reservation_pb2.RESERVATION_STATE_CANCELLED
    await charge_point.status("Available")


async def test_tc_052_csms(charge_point: ChargePoint) -> None:
    """A reservation is cancelled that the charge point does not know."""
    reservation = await _reserve(charge_point, "Accepted")
    told = await _cancel(charge_point, reservation.reservation_id, "Rejected")
    assert told.status == reservation_pb2.CANCEL_RESERVATION_STATUS_REJECTED
    assert await _state(charge_point, reservation) == reservation_pb2.RESERVATION_STATE_UNKNOWN
