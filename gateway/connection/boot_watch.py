"""Counts the boots of a station that are refused, for operators: the station reports none. Pure, one per connection."""

from csms.station.v1 import station_pb2

from gateway.ocpp.values import shorten

_MAX_REASON = 300
REJECTED = "Rejected: the station's registration status is REJECTED"


class BootWatch:
    """Counts refused boots: `refused` in a row, 0 where the last one was not refused, None before any.

    Refused is one that is answered with an error, or with Rejected.
    """

    def __init__(self) -> None:
        self.refused: int | None = None
        self.reason = ""

    def refuse(self, code: str, description: str) -> None:
        """A boot was answered with this error."""
        self._count(shorten(f"{code}: {description}", _MAX_REASON))

    def answer(self, status: station_pb2.RegistrationStatus.ValueType) -> None:
        """A boot was answered with this status. Pending is no refusal: the station is to be configured."""
        if status == station_pb2.REGISTRATION_STATUS_REJECTED:
            self._count(REJECTED)
        else:
            self.refused, self.reason = 0, ""

    def _count(self, reason: str) -> None:
        self.refused = (self.refused or 0) + 1
        self.reason = reason
