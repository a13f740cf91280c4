"""One connector with its EVSE, as a state machine without I/O and without a protocol version.

What happens is told to it (`plug_in`, `authorize`, `advance`, …); what it has to report it leaves in `events`. Its
status is a function of its state, so that it cannot contradict it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from simulator.vehicle import EnergyMeter, Vehicle

STEP_MS = 1_000


class Status(StrEnum):
    """Status of a connector, in the words of 1.6 (ChargePointStatus), which are the finest of all versions."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EV = "SuspendedEV"
    FINISHING = "Finishing"
    UNAVAILABLE = "Unavailable"


class StopReason(StrEnum):
    """Why a transaction ended (1.6 Reason)."""

    DE_AUTHORIZED = "DeAuthorized"
    EV_DISCONNECTED = "EVDisconnected"
    HARD_RESET = "HardReset"
    LOCAL = "Local"
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
    """What the meter and the vehicle show at one moment."""

    register_wh: int
    power_w: int
    voltage_v: int
    current_a: float
    soc_percent: int | None


@dataclass(frozen=True, kw_only=True)
class StatusChanged:
    """The status of a connector is now another."""

    connector_id: int
    status: Status
    at_ms: int


@dataclass(frozen=True, kw_only=True)
class TransactionStarted:
    """Energy may flow. `key` names the transaction within the station, until the central system has named it."""

    key: int
    connector_id: int
    id_tag: str
    meter_wh: int
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


Event = StatusChanged | TransactionStarted | MeterSampled | TransactionStopped


@dataclass(kw_only=True)
class Transaction:
    """What a connector knows of the transaction it is in."""

    key: int
    id_tag: str
    started_ms: int
    sampled_ms: int  # when the latest sample was taken


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The settings of the station that a connector goes by; read anew whenever they matter."""

    sample_interval_ms: int  # 0: no samples
    connection_timeout_ms: int  # 0: waits for ever
    stop_on_ev_disconnect: bool


class Connector:
    """A connector, its cable, its meter, and the vehicle on it.

    `voltage_v` is between phase and neutral; `now_ms` is the station's time, in milliseconds since it was switched on.
    """

    def __init__(
        self,
        *,
        connector_id: int,
        max_power_w: int,
        rules: Callable[[], Rules],
        next_key: Callable[[], int],
        start_wh: int = 0,
        voltage_v: int = 230,
        phases: int = 3,
    ) -> None:
        self.connector_id = connector_id
        self.max_power_w = max_power_w
        self.meter = EnergyMeter(start_wh=start_wh)
        self.vehicle: Vehicle | None = None
        self.transaction: Transaction | None = None
        self.operative = True
        self.events: list[Event] = []
        self.now_ms = 0
        self._rules = rules
        self._next_key = next_key
        self._voltage_v = voltage_v
        self._phases = phases
        self._authorized: str | None = None  # may charge as soon as a vehicle is plugged in
        self._authorized_until_ms: int | None = None
        self._used = False  # the vehicle that is plugged in has had its transaction
        self._power_w = 0
        self._reported = Status.AVAILABLE

    @property
    def status(self) -> Status:
        """The status, by the state."""
        if self.transaction is not None:
            drawing = self.vehicle is not None and not self.vehicle.is_full
            return Status.CHARGING if drawing else Status.SUSPENDED_EV
        if self.vehicle is not None and self._used:
            return Status.FINISHING
        if not self.operative:
            return Status.UNAVAILABLE
        if self.vehicle is not None or self._authorized is not None:
            return Status.PREPARING
        return Status.AVAILABLE

    @property
    def waits_for_vehicle(self) -> bool:
        """Whether somebody is authorized here, and no vehicle is plugged in yet."""
        return self._authorized is not None and self.vehicle is None

    def can_start(self) -> bool:
        """Whether a transaction may begin here."""
        return self.status in (Status.AVAILABLE, Status.PREPARING) and self._authorized is None

    def plug_in(self, vehicle: Vehicle) -> None:
        """A driver plugs in. Does nothing where a cable is in already."""
        if self.vehicle is not None:
            return
        self.vehicle = vehicle
        self._used = False
        self._begin_if_ready()
        self._report_status()

    def unplug(self) -> None:
        """A driver pulls the cable, which ends a transaction unless the station is set not to."""
        if self.vehicle is None:
            return
        if self.transaction is not None and self._rules().stop_on_ev_disconnect:
            self._end(StopReason.EV_DISCONNECTED, None)
            self._report_status()
        self.vehicle = None
        self._used = False
        self._power_w = 0
        self._report_status()

    def authorize(self, id_tag: str) -> None:
        """Somebody was allowed to charge here: begins at once, or as soon as a vehicle is plugged in."""
        if not self.can_start():
            return
        timeout_ms = self._rules().connection_timeout_ms
        self._authorized = id_tag
        self._authorized_until_ms = self.now_ms + timeout_ms if timeout_ms else None
        self._begin_if_ready()
        self._report_status()

    def stop(self, reason: StopReason, id_tag: str | None = None) -> None:
        """Ends the transaction, if there is one; a vehicle stays plugged in."""
        if self.transaction is not None:
            self._end(reason, id_tag)
            self._report_status()

    def set_operative(self, operative: bool) -> None:
        """Takes the connector in or out of service, which shows once no transaction is under way."""
        self.operative = operative
        if not operative and self.transaction is None:
            self._authorized = None
        self._report_status()

    def restart(self) -> None:
        """Forgets what a station forgets when it restarts. The caller has ended the transaction."""
        self._authorized = None
        self._report_status()

    def sample(self, occasion: Occasion) -> MeterSampled:
        """What the meter shows now."""
        key = None if self.transaction is None else self.transaction.key
        return MeterSampled(
            key=key, connector_id=self.connector_id, reading=self.reading(), occasion=occasion, at_ms=self.now_ms
        )

    def reading(self) -> Reading:
        """The meter, and the vehicle's state of charge where there is one."""
        return Reading(
            register_wh=self.meter.register_wh,
            power_w=self._power_w,
            voltage_v=self._voltage_v,
            current_a=round(self._power_w / (self._voltage_v * self._phases), 1),
            soc_percent=None if self.vehicle is None else int(self.vehicle.soc * 100),
        )

    def advance(self, to_ms: int) -> None:
        """Lets time go by, in steps that are short beside anything that happens here."""
        while self.now_ms < to_ms:
            self._step(min(STEP_MS, to_ms - self.now_ms))

    def _step(self, duration_ms: int) -> None:
        if self.transaction is not None:
            self._draw(self.transaction, duration_ms)
        self.now_ms += duration_ms
        if self._authorized_until_ms is not None and self.now_ms >= self._authorized_until_ms:
            self._authorized = self._authorized_until_ms = None
        if self.transaction is not None:
            self._sample_if_due(self.transaction)
        self._report_status()

    def _draw(self, transaction: Transaction, duration_ms: int) -> None:
        if self.vehicle is None:
            self._power_w = 0
            return
        self._power_w = self.vehicle.power_w(self.max_power_w, self.now_ms - transaction.started_ms)
        self.meter.add(self._power_w, duration_ms)
        self.vehicle.take(self._power_w, duration_ms)

    def _sample_if_due(self, transaction: Transaction) -> None:
        interval_ms = self._rules().sample_interval_ms
        if interval_ms and self.now_ms - transaction.sampled_ms >= interval_ms:
            transaction.sampled_ms = self.now_ms
            self.events.append(self.sample(Occasion.PERIODIC))

    def _begin_if_ready(self) -> None:
        if self._authorized is None or self.vehicle is None:
            return
        self.transaction = Transaction(
            key=self._next_key(), id_tag=self._authorized, started_ms=self.now_ms, sampled_ms=self.now_ms
        )
        self._authorized = self._authorized_until_ms = None
        self.events.append(
            TransactionStarted(
                key=self.transaction.key,
                connector_id=self.connector_id,
                id_tag=self.transaction.id_tag,
                meter_wh=self.meter.register_wh,
                at_ms=self.now_ms,
            )
        )

    def _end(self, reason: StopReason, id_tag: str | None) -> None:
        assert self.transaction is not None  # noqa: S101 - the callers looked
        self._power_w = 0
        self.events.append(
            TransactionStopped(
                key=self.transaction.key,
                connector_id=self.connector_id,
                meter_wh=self.meter.register_wh,
                reason=reason,
                id_tag=id_tag,
                at_ms=self.now_ms,
            )
        )
        self.transaction = None
        self._used = True

    def _report_status(self) -> None:
        if self.status is not self._reported:
            self._reported = self.status
            self.events.append(StatusChanged(connector_id=self.connector_id, status=self.status, at_ms=self.now_ms))
