"""The Reservation profile (OCPP 1.6, 5.2 and 5.13)."""

from typing import Any

from ocpp.v16 import call_result
from ocpp.v16.enums import Action, CancelReservationStatus, ReservationStatus

from simulator.reservations import Reservation
from simulator.v16.actions import Actions, after, on
from station_kit.times import parse_time


class ReservationActions(Actions):
    """Makes and cancels reservations."""

    @on(Action.reserve_now)
    def on_reserve(
        self,
        connector_id: int,
        expiry_date: str,
        id_tag: str,
        reservation_id: int,
        parent_id_tag: str | None = None,
        **_: Any,
    ) -> Any:
        """ReserveNow."""
        result = self._station.reserve(
            Reservation(
                reservation_id=reservation_id,
                connector_id=connector_id,
                id_tag=id_tag,
                parent_id_tag=parent_id_tag,
                expires=parse_time(expiry_date),
            )
        )
        return call_result.ReserveNow(status=ReservationStatus(result.value))

    @on(Action.cancel_reservation)
    def on_cancel_reservation(self, reservation_id: int, **_: Any) -> Any:
        """CancelReservation."""
        found = self._station.cancel_reservation(reservation_id)
        status = CancelReservationStatus.accepted if found else CancelReservationStatus.rejected
        return call_result.CancelReservation(status=status)

    @after(Action.reserve_now)
    def after_reserve(self, **_: Any) -> None:
        """ReserveNow: the new status is reported at once."""
        self._memory.take(self._station.drain())

    @after(Action.cancel_reservation)
    def after_cancel_reservation(self, **_: Any) -> None:
        """CancelReservation: as above."""
        self._memory.take(self._station.drain())
