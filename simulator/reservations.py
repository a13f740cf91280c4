"""Reservations of connectors (OCPP 1.6, sections 5.2 and 5.13). Pure; the moment is handed in."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ReservationResult(StrEnum):
    """Outcome of a request to reserve (1.6 ReservationStatus)."""

    ACCEPTED = "Accepted"
    FAULTED = "Faulted"
    OCCUPIED = "Occupied"
    REJECTED = "Rejected"
    UNAVAILABLE = "Unavailable"


@dataclass(frozen=True, kw_only=True)
class Reservation:
    """A connector kept for an id tag, or for its group; connector 0 means any one of the station."""

    reservation_id: int
    connector_id: int
    id_tag: str
    parent_id_tag: str | None
    expires: datetime

    def admits(self, id_tag: str, parent_id_tag: str | None) -> bool:
        """Whether it is for a tag, whose group is given where it is known."""
        if self.id_tag.lower() == id_tag.lower():
            return True
        if self.parent_id_tag is None or parent_id_tag is None:
            return False
        return self.parent_id_tag.lower() == parent_id_tag.lower()


class Reservations:
    """The reservations in force, by their ids."""

    def __init__(self) -> None:
        self._held: dict[int, Reservation] = {}

    def hold(self, reservation: Reservation) -> None:
        """Adds one, in the place of one with its id."""
        self._held[reservation.reservation_id] = reservation

    def release(self, reservation_id: int) -> bool:
        """Ends one. Returns whether it was in force."""
        return self._held.pop(reservation_id, None) is not None

    def release_connector(self, connector_id: int) -> None:
        """Ends what is held at a connector, which is out of order."""
        self._held = {number: one for number, one in self._held.items() if one.connector_id != connector_id}

    def expire(self, now: datetime) -> bool:
        """Ends what has expired. Returns whether anything has."""
        kept = {number: one for number, one in self._held.items() if one.expires > now}
        changed = len(kept) < len(self._held)
        self._held = kept
        return changed

    def at(self, connector_id: int, *, but: int | None = None) -> list[Reservation]:
        """The reservations of a connector, or with 0 of any one; without the one with id `but`."""
        return [one for one in self._held.values() if one.connector_id == connector_id and one.reservation_id != but]

    def admits(self, connector_id: int, id_tag: str, parent_id_tag: str | None, *, free: int) -> bool:
        """Whether a tag may start at a connector, where so many connectors of the station are free and not reserved."""
        here = self.at(connector_id)
        if here:
            return any(one.admits(id_tag, parent_id_tag) for one in here)
        elsewhere = self.at(0)
        return len(elsewhere) < free or any(one.admits(id_tag, parent_id_tag) for one in elsewhere)

    def used_by(self, connector_id: int, id_tag: str, parent_id_tag: str | None) -> Reservation | None:
        """The one that a start at a connector uses up: the connector's own before one of any connector."""
        found = (*self.at(connector_id), *self.at(0))
        return next((one for one in found if one.admits(id_tag, parent_id_tag)), None)

    def wants_group(self, connector_id: int) -> bool:
        """Whether a start there may depend on the group of its tag."""
        return any(one.parent_id_tag is not None for one in (*self.at(connector_id), *self.at(0)))
