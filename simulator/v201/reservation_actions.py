"""Reservations (OCPP 2.0.1, H01 and H02)."""

from typing import Any

from ocpp.v201 import call_result
from ocpp.v201.enums import Action

from simulator.reservations import Reservation
from simulator.v201.actions import Actions, after, on
from simulator.v201.holdings import Words
from station_kit.times import parse_time


class ReservationActions(Actions):
    """Makes and cancels reservations."""

    @on(Action.reserve_now)
    def on_reserve(
        self,
        id: int,  # noqa: A002 - the library names it
        expiry_date_time: str,
        id_token: Words,
        evse_id: int | None = None,
        group_id_token: Words | None = None,
        **_: Any,
    ) -> Any:
        """ReserveNow, of an EVSE or of any one."""
        result = self._station.reserve(
            Reservation(
                reservation_id=id,
                connector_id=evse_id or 0,
                id_tag=id_token["id_token"],
                parent_id_tag=None if group_id_token is None else group_id_token["id_token"],
                expires=parse_time(expiry_date_time),
            )
        )
        return call_result.ReserveNow(status=result.value)

    @on(Action.cancel_reservation)
    def on_cancel_reservation(self, reservation_id: int, **_: Any) -> Any:
        """CancelReservation."""
        found = self._station.cancel_reservation(reservation_id)
        return call_result.CancelReservation(status="Accepted" if found else "Rejected")

    @after(Action.reserve_now)
    def after_reserve(self, **_: Any) -> None:
        """ReserveNow: the new status is reported at once."""
        self._memory.take(self._station.drain())

    @after(Action.cancel_reservation)
    def after_cancel_reservation(self, **_: Any) -> None:
        """CancelReservation: as above."""
        self._memory.take(self._station.drain())
