"""Rows that every part has: frozen, without SQL and protobuf. Enums hold the contract's numbers."""

from dataclasses import dataclass, fields
from typing import Any, TypeVar

T = TypeVar("T")

# csms.station.v1.RegistrationStatus
ACCEPTED = 1
PENDING = 2
REJECTED = 3

# csms.station.v1.StationConditionType
UNRESPONSIVE = 1
CLOCK_SKEW = 2
BOOT_REFUSED = 3

# csms.station.v1.BootReason
TRIGGERED = 7

# csms.station.v1.ConnectorStatus
AVAILABLE = 1
UNAVAILABLE = 4
FAULTED = 5


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Origin of an item: the frame, connection and station, and the time at which it was read."""

    tenant_id: str
    station_id: str
    epoch: int
    ordinal: int
    receive_us: int

    @property
    def station(self) -> tuple[str, str]:
        """The station's key."""
        return self.tenant_id, self.station_id

    @property
    def version(self) -> tuple[int, int]:
        """Its place in the order of the station's frames."""
        return self.epoch, self.ordinal

    @property
    def columns(self) -> dict[str, str | int]:
        """The columns of a row with its origin."""
        return {
            "tenant_id": self.tenant_id,
            "station_id": self.station_id,
            "epoch": self.epoch,
            "ordinal": self.ordinal,
            "receive_us": self.receive_us,
        }


def to_row(kind: type[T], row: Any, **given: Any) -> T:
    """A frozen dataclass from the columns of the same names."""
    names = [one.name for one in fields(kind) if one.name not in given]  # type: ignore[arg-type]
    return kind(**{name: getattr(row, name) for name in names}, **given)
