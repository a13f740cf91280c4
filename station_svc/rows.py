"""What the stores return: rows, frozen, free of SQL and of protobuf. Enums hold the contract's numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

T = TypeVar("T")

DEFAULT_TENANT = "default"

# csms.station.v1.RegistrationStatus
ACCEPTED = 1
PENDING = 2
REJECTED = 3

# csms.station.v1.StationConditionType
UNRESPONSIVE = 1
CLOCK_SKEW = 2

# csms.station.v1.BootReason
TRIGGERED = 7

# csms.station.v1.ConnectorStatus
AVAILABLE = 1
UNAVAILABLE = 4
FAULTED = 5


@dataclass(frozen=True, kw_only=True)
class Knock:
    """A station that wants in."""

    station_id: str
    node_id: str
    ocpp_version: str
    remote_address: str
    credential: bytes
    username: str


@dataclass(frozen=True, kw_only=True)
class Superseded:
    """A connection whose place a newer one took, and where to have it closed; no address where its node is gone."""

    epoch: int
    node_address: str | None


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A station that is in."""

    tenant_id: str
    epoch: int
    booted: bool
    registration_status: int
    superseded: Superseded | None
    quirks: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Closed:
    """A socket that closed."""

    tenant_id: str
    station_id: str
    epoch: int
    disconnect_us: int
    close_code: int


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Where something came from: which frame of which connection of which station, and when it was read."""

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
        """The columns of a row that tell where it came from."""
        return {
            "tenant_id": self.tenant_id,
            "station_id": self.station_id,
            "epoch": self.epoch,
            "ordinal": self.ordinal,
            "receive_us": self.receive_us,
        }


@dataclass(frozen=True, kw_only=True)
class Booted:
    """A boot that was recorded: what the station is answered, and what was odd about it."""

    registration_status: int
    quirks: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Boot:
    """A boot. `identity` has the columns of that name in `station`."""

    frame: Frame
    reason: int
    identity: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Status:
    """A connector's status as reported."""

    frame: Frame
    evse_id: int
    connector_id: int
    status: int
    reported_status: str
    error_code: str
    info: str
    vendor_id: str
    vendor_error_code: str
    status_us: int | None


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """A vendor's own message, and what the station is answered."""

    frame: Frame
    vendor_id: str
    message_id: str
    data: str
    status: int


@dataclass(frozen=True, kw_only=True)
class SecurityEventRow:
    """A security event as reported. `event_us` by the station's clock; None where it gave no readable time."""

    frame: Frame
    type: str
    tech_info: str
    criticality: int
    event_us: int | None


@dataclass(frozen=True, kw_only=True)
class ConditionReport:
    """What became of one thing that may be wrong with a station; size 0: it has ended."""

    kind: int
    size: int
    report_us: int


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """A sign of life, how often each fault was mended since the last, and what has become of what may be wrong."""

    tenant_id: str
    station_id: str
    seen_us: int
    quirks: Mapping[str, int]
    conditions: Sequence[ConditionReport] = ()


@dataclass(frozen=True, kw_only=True)
class ConditionRow:
    """Something that is wrong with a station, since `begin_us`."""

    kind: int
    size: int
    begin_us: int
    update_us: int


@dataclass(frozen=True, kw_only=True)
class ConnectionRow:
    """A connection."""

    epoch: int
    ocpp_version: str
    node_id: str
    remote_address: str
    connect_us: int
    disconnect_us: int | None


@dataclass(frozen=True, kw_only=True)
class ConnectorRow:
    """The present status of a connector."""

    evse_id: int
    connector_id: int
    status: int
    reported_status: str
    error_code: str
    status_us: int
    receive_us: int


@dataclass(frozen=True, kw_only=True)
class StationRow:
    """A station with all that is known of it."""

    station_id: str
    registration_status: int
    display_name: str
    security_profile: int
    identity: Mapping[str, str]
    boot_reason: int
    boot_us: int | None
    create_us: int
    update_us: int
    connected: bool
    connection: ConnectionRow | None
    seen_us: int | None
    connectors: Sequence[ConnectorRow]
    quirks: Mapping[str, int]
    conditions: Sequence[ConditionRow]


@dataclass(frozen=True, kw_only=True)
class MessageRow:
    """A frame of the message log."""

    direction: int
    message_type: int
    message_id: str
    action: str
    payload: str
    epoch: int
    ordinal: int
    message_us: int


@dataclass(frozen=True, kw_only=True)
class VariableRow:
    """A variable as last read or set. EVSE 0: of the station as a whole."""

    component: str
    variable: str
    component_instance: str = ""
    evse_id: int = 0
    connector_id: int = 0
    variable_instance: str = ""
    attribute_type: str = "Actual"
    value: str = ""
    readonly: bool | None = None
    update_us: int = 0

    @property
    def key(self) -> tuple[str, str, str, int, int, str, str]:
        """Its key within the station, in the order of lists."""
        return (
            self.component,
            self.variable,
            self.component_instance,
            self.evse_id,
            self.connector_id,
            self.variable_instance,
            self.attribute_type,
        )


@dataclass(frozen=True, kw_only=True)
class Socket:
    """A socket that a gateway holds, and where that gateway listens."""

    station_id: str
    epoch: int
    address: str


@dataclass(frozen=True, kw_only=True)
class NewCommand:
    """A command that is about to be sent."""

    tenant_id: str
    command_id: str
    request_id: str | None
    station_id: str
    name: str
    username: str
    content: bytes
    deadline_us: int


@dataclass(frozen=True, kw_only=True)
class CommandRow:
    """A command as recorded. Neither answer nor error: under way, or its outcome was lost."""

    command_id: str
    station_id: str
    name: str
    salt: str
    digest: str
    deadline_us: int
    answer: bytes | None
    error: bytes | None


@dataclass(frozen=True, kw_only=True)
class Page:
    """What part of a list is wanted: up to `limit` rows after the one with the key `after`."""

    limit: int
    after: tuple[Any, ...] | None = None
    condition: Any = field(default=None)


def to_row(kind: type[T], row: Any, **given: Any) -> T:
    """A frozen dataclass from the columns of the same names."""
    names = [one.name for one in fields(kind) if one.name not in given]  # type: ignore[arg-type]
    return kind(**{name: getattr(row, name) for name in names}, **given)
