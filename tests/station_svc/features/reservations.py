"""One station and its reservations: what tests of them send, and what they read back."""

from collections.abc import Sequence
from typing import Any

from csms.common.v1 import evse_pb2, id_token_pb2
from csms.station.v1 import reservation_pb2 as pb
from csms.station.v1 import reservation_service_pb2 as service_pb
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1.reservation_service_pb2_grpc import ReservationServiceStub

from mesh.runtime.times import SECOND_US, to_timestamp
from tests.station_svc.answers import answering
from tests.station_svc.conftest import StationSystem

DRIVER = id_token_pb2.IdToken(id_token="TAG-1", type="ISO14443")
GROUP = id_token_pb2.IdToken(id_token="FLEET")
HOUR_S = 3600
CANCELLED = pb.CANCEL_RESERVATION_STATUS_ACCEPTED
NOT_THERE = pb.CANCEL_RESERVATION_STATUS_REJECTED


def kept(command: Any, status: Any = pb.RESERVE_NOW_STATUS_ACCEPTED, cancelled: Any = CANCELLED) -> Any:
    """The gateway's form of a station's answer."""
    if isinstance(command, pb.CancelReservationRequest):
        return pb.CancelReservationResponse(status=cancelled)
    return pb.ReserveNowResponse(status=status, reservation_id=command.reservation_id)


async def connect(system: StationSystem) -> int:
    """Connects the station, which takes every reservation; its epoch."""
    system.gateway.behave = answering(kept)
    return await system.open("CP1")


def stub(system: StationSystem) -> Any:
    """For ReservationService."""
    return ReservationServiceStub(system.operators)


def wanted_reservation(system: StationSystem, **more: Any) -> pb.Reservation:
    """A reservation for the driver, of an hour, with `more` fields."""
    fields = {"id_token": DRIVER, "expire_time": to_timestamp(system.clock() + HOUR_S * SECOND_US), **more}
    return pb.Reservation(**fields)


async def create(system: StationSystem, *, request_id: str = "", **more: Any) -> pb.Reservation:
    """Creates a reservation, by the resource."""
    request = service_pb.CreateReservationRequest(
        station_id="CP1", request_id=request_id, reservation=wanted_reservation(system, **more)
    )
    return (await stub(system).CreateReservation(request)).reservation  # type: ignore[no-any-return]


async def cancel(system: StationSystem, reservation_id: int = 1) -> Any:
    """Cancels a reservation, by the resource."""
    request = service_pb.ReservationServiceCancelReservationRequest(station_id="CP1", reservation_id=reservation_id)
    return await stub(system).CancelReservation(request)


async def get(system: StationSystem, reservation_id: int = 1) -> pb.Reservation:
    """A reservation as operators see it."""
    request = service_pb.GetReservationRequest(station_id="CP1", reservation_id=reservation_id)
    return (await stub(system).GetReservation(request)).reservation  # type: ignore[no-any-return]


async def listed(system: StationSystem, **more: Any) -> service_pb.ListReservationsResponse:
    """A page of reservations."""
    request = service_pb.ListReservationsRequest(station_id="CP1", **more)
    return await stub(system).ListReservations(request)  # type: ignore[no-any-return]


async def state_of(system: StationSystem, reservation_id: int = 1) -> str:
    """The state of a reservation."""
    return word_of((await get(system, reservation_id)).state)


def word_of(state: pb.ReservationState.ValueType) -> str:
    """The word of a state."""
    return pb.ReservationState.Name(state).removeprefix("RESERVATION_STATE_")


async def kinds(system: StationSystem) -> Sequence[str]:
    """The kinds of the reservations' events, oldest first."""
    return [kind.removeprefix("reservation.") for kind, *_rest in await system.events("reservation.")]


def use_item(system: StationSystem, epoch: int, reservation_id: int = 1, **more: Any) -> ingest_pb2.ReportItem:
    """The report that a start used a reservation."""
    use = pb.ReservationUse(reservation_id=reservation_id, evse=evse_pb2.EvseRef(evse_id=2, connector_id=1), **more)
    return ingest_pb2.ReportItem(origin=system.origin("CP1", epoch), reservation_use=use)


def update_item(
    system: StationSystem, epoch: int, status: pb.ReservationUpdateStatus.ValueType, reservation_id: int = 1
) -> ingest_pb2.ReportItem:
    """The station's report about a reservation."""
    update = pb.ReservationUpdate(reservation_id=reservation_id, status=status)
    return ingest_pb2.ReportItem(origin=system.origin("CP1", epoch), reservation_update=update)
