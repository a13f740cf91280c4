"""Events at a connector. Pure data, without a protocol version."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """Status of a connector, in the words of 1.6 (ChargePointStatus), which are the finest of all versions."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EV = "SuspendedEV"
    SUSPENDED_EVSE = "SuspendedEVSE"
    FINISHING = "Finishing"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"


class StopReason(StrEnum):
    """Why a transaction ended (1.6 Reason)."""

    DE_AUTHORIZED = "DeAuthorized"
    EV_DISCONNECTED = "EVDisconnected"
    HARD_RESET = "HardReset"
    LOCAL = "Local"
    OTHER = "Other"
    POWER_LOSS = "PowerLoss"
    REMOTE = "Remote"
    SOFT_RESET = "SoftReset"
    UNLOCK_COMMAND = "UnlockCommand"


class Occasion(StrEnum):
    """Why a sample was taken (ReadingContext)."""

    BEGIN = "Transaction.Begin"
    PERIODIC = "Sample.Periodic"
    END = "Transaction.End"
    TRIGGER = "Trigger"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Readings of the meter and the vehicle at one moment."""

    register_wh: int
    power_w: int
    voltage_v: int
    current_a: float
    soc_percent: int | None
    offered_w: int
    offered_a: float


@dataclass(frozen=True, kw_only=True)
class StatusChanged:
    """The status of a connector, or the error code of its fault, is now another. No code: that of the status."""

    connector_id: int
    status: Status
    at_ms: int
    error_code: str | None = None


@dataclass(frozen=True, kw_only=True)
class TransactionStarted:
    """Energy may flow. `key` names the transaction within the station, until the central system has named it."""

    key: int
    connector_id: int
    id_tag: str
    meter_wh: int
    at_ms: int
    reservation_id: int | None = None
    remote_start_id: int | None = None  # of the central system's request


@dataclass(frozen=True, kw_only=True)
class ChargingStateChanged:
    """Whether energy flows in a transaction is now another. 2.x reports it, 1.6 by the connector's status alone."""

    key: int
    connector_id: int
    status: Status
    at_ms: int


@dataclass(frozen=True, kw_only=True)
class MeterSampled:
    """A sample within a transaction, or outside of any (`key` is None)."""

    key: int | None
    connector_id: int
    reading: Reading
    occasion: Occasion
    at_ms: int


@dataclass(frozen=True, kw_only=True)
class TransactionStopped:
    """A transaction has ended. `id_tag` is given where somebody identified to end it."""

    key: int
    connector_id: int
    meter_wh: int
    reason: StopReason
    id_tag: str | None
    at_ms: int


Event = StatusChanged | TransactionStarted | ChargingStateChanged | MeterSampled | TransactionStopped
