"""ReservationService: reservations, between protobuf and rows. Commands take the path of every command."""

from functools import partial

from csms.common.v1 import evse_pb2, id_token_pb2
from csms.station.v1 import reservation_pb2, reservation_service_pb2
from csms.station.v1.reservation_service_pb2_grpc import ReservationServiceServicer

from mesh.contract.texts import is_storable
from mesh.database.engine import Database
from mesh.database.filters import choice
from mesh.grpc.types import Context
from mesh.identity.callers import current_caller, current_scope
from mesh.runtime.errors import invalid_field
from mesh.runtime.times import Clock, to_timestamp
from station_svc.commands.evses import resolve_evse
from station_svc.commands.reader_forms import ReaderForms
from station_svc.commands.sender import CommandSender
from station_svc.core.list_store import condition_of
from station_svc.core.lists import one_or_all, page_of, storable
from station_svc.features.reservations import store
from station_svc.features.reservations.rows import ReservationRow
from station_svc.features.reservations.rules import Cancel, Reserve

_STATE = choice(dict(reservation_pb2.ReservationState.items()), "RESERVATION_STATE_")
# Beyond the years 1 to 9999 there is no time.
_FIRST_S, _LAST_S = -62_135_596_800, 253_402_300_799


class ReservationServicer(ReservationServiceServicer):
    """Serves operators."""

    def __init__(self, *, database: Database, clock: Clock, sender: CommandSender, forms: ReaderForms) -> None:
        self._database = database
        self._clock = clock
        self._send = sender.send
        self._forms = forms

    async def CreateReservation(
        self, request: reservation_service_pb2.CreateReservationRequest, context: Context
    ) -> reservation_service_pb2.CreateReservationResponse:
        """Asks a station to keep a place, and waits for its answer."""
        wanted = reservation_pb2.Reservation()
        wanted.CopyFrom(request.reservation)
        resolve_evse(wanted, "reservation.")
        sent = reservation_pb2.ReserveNowRequest(
            station_id=request.station_id,
            request_id=request.request_id,
            evse_id=wanted.evse_id,
            connector_type=wanted.connector_type,
            id_token=wanted.id_token,
            group_id_token=wanted.group_id_token if wanted.HasField("group_id_token") else None,
            expire_time=wanted.expire_time,
        )
        check_reserve(sent, "reservation.")
        await self._forms.apply(sent.id_token, context)
        answer = await self._send(
            "reserve_now",
            request,
            reservation_pb2.ReserveNowResponse,
            context,
            sent=sent,
            hooks=Reserve(sent=sent, id_token=wanted.id_token),
        )
        reservation = await self._read(request.station_id, answer.reservation_id)
        return reservation_service_pb2.CreateReservationResponse(reservation=reservation)

    async def GetReservation(
        self, request: reservation_service_pb2.GetReservationRequest, context: Context
    ) -> reservation_service_pb2.GetReservationResponse:
        """Returns one reservation."""
        del context
        reservation = await self._read(request.station_id, request.reservation_id)
        return reservation_service_pb2.GetReservationResponse(reservation=reservation)

    async def ListReservations(
        self, request: reservation_service_pb2.ListReservationsRequest, context: Context
    ) -> reservation_service_pb2.ListReservationsResponse:
        """Lists the reservations of a station, or of all, newest first."""
        del context
        now_us, tenant_id = self._clock(), current_caller().tenant_id
        condition = condition_of(
            request.filter,
            store.filters(now_us, _STATE),
            tenant_id=tenant_id,
            station_id=store.STATION_ID,
            scope=current_scope(),
        )
        page = page_of(request, (int, str, int), condition=condition)
        station_id = one_or_all(request.station_id)
        read = partial(store.list_reservations, tenant_id=tenant_id, station_id=station_id, page=page)
        rows, token = page.cut(await self._database.read(read), lambda row: row.key)
        return reservation_service_pb2.ListReservationsResponse(
            reservations=[_to_reservation(row.after(now_us)) for row in rows], next_page_token=token
        )

    async def CancelReservation(
        self, request: reservation_service_pb2.ReservationServiceCancelReservationRequest, context: Context
    ) -> reservation_service_pb2.ReservationServiceCancelReservationResponse:
        """Asks the station to cancel a reservation, and waits for its answer."""
        await self._read(request.station_id, request.reservation_id)
        sent = reservation_pb2.CancelReservationRequest(
            station_id=request.station_id, request_id=request.request_id, reservation_id=request.reservation_id
        )
        answer = await self._send(
            "cancel_reservation",
            request,
            reservation_pb2.CancelReservationResponse,
            context,
            sent=sent,
            hooks=Cancel(reservation_id=request.reservation_id),
        )
        return reservation_service_pb2.ReservationServiceCancelReservationResponse(
            status=answer.status, reservation=await self._read(request.station_id, request.reservation_id)
        )

    async def _read(self, station_id: str, reservation_id: int) -> reservation_pb2.Reservation:
        read = partial(
            store.get,
            tenant_id=current_caller().tenant_id,
            station_id=storable(station_id),
            reservation_id=reservation_id,
        )
        row = await self._database.read(read)
        return _to_reservation(row.after(self._clock()))


def check_reserve(sent: reservation_pb2.ReserveNowRequest, prefix: str = "") -> None:
    """Raises MeshError INVALID_FIELD for values that could not be stored; `prefix` is that of the field's name."""
    for name in ("id_token", "group_id_token"):
        token: id_token_pb2.IdToken = getattr(sent, name)
        if not is_storable(token.id_token + token.type):
            raise invalid_field(f"{prefix}{name}", "has a NUL in it, which no token has")
    if not is_storable(sent.connector_type):
        raise invalid_field(f"{prefix}connector_type", "has a NUL in it, which no type has")
    if not _FIRST_S <= sent.expire_time.seconds <= _LAST_S:
        raise invalid_field(f"{prefix}expire_time", "is no time of the years 1 to 9999")


def _to_reservation(row: ReservationRow) -> reservation_pb2.Reservation:
    reservation = reservation_pb2.Reservation(
        station_id=row.station_id,
        reservation_id=row.reservation_id,
        evse_id=row.evse_id,
        evse=evse_pb2.EvseRef(evse_id=row.evse_id) if row.evse_id else None,
        connector_type=row.connector_type,
        id_token=id_token_pb2.IdToken(id_token=row.id_token, type=row.id_token_type),
        expire_time=to_timestamp(row.expire_us),
        state=reservation_pb2.ReservationState.ValueType(row.state),
        reserve_status=reservation_pb2.ReserveNowStatus.ValueType(row.reserve_status),
        reason_code=row.reason_code,
        use_time=None if row.use_us is None else to_timestamp(row.use_us),
        use_evse_id=row.use_evse_id,
        transaction_id=row.transaction_id,
        create_time=to_timestamp(row.create_us),
        update_time=to_timestamp(row.update_us),
    )
    if row.group_id_token:
        reservation.group_id_token.id_token = row.group_id_token
        reservation.group_id_token.type = row.group_id_token_type
    return reservation
