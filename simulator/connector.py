"""One connector with its EVSE, as a state machine without I/O and without a protocol version.

Its methods take what happens (`plug_in`, `authorize`, `advance`, …); its reports are in `events`. Its
status is a function of its state, so that it cannot contradict it.
"""

from dataclasses import dataclass
from typing import Protocol

from simulator.charging_profiles import Profile, Unit
from simulator.composite import Supply, TokenBucket, in_unit
from simulator.events import (
    ChargingStateChanged,
    Event,
    MeterSampled,
    Occasion,
    Reading,
    Status,
    StatusChanged,
    StopReason,
    TransactionStarted,
    TransactionStopped,
)
from simulator.vehicle import EnergyMeter, Vehicle

STEP_MS = 1_000


@dataclass(kw_only=True)
class Transaction:
    """A connector's own record of the transaction it is in."""

    key: int
    id_tag: str
    parent_id_tag: str | None  # the group of the tag, where it is known
    started_ms: int
    sampled_ms: int  # when the latest sample was taken


@dataclass(frozen=True, kw_only=True)
class Grant:
    """Who may charge, and until when a vehicle must have been plugged in (None: for ever)."""

    id_tag: str
    parent_id_tag: str | None
    until_ms: int | None
    profile: Profile | None  # for the transaction, as a remote start may bring it
    remote_start_id: int | None


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The settings of the station that a connector goes by; read anew whenever they matter."""

    sample_interval_ms: int  # 0: no samples
    connection_timeout_ms: int  # 0: waits for ever
    stop_on_ev_disconnect: bool
    closing_samples: bool  # one more sample after the stop, as some stations send it


class Host(Protocol):
    """The station that a connector is part of."""

    def rules(self) -> Rules:
        """The settings in force."""

    def next_key(self) -> int:
        """A key for a transaction that begins."""

    def offered(self, connector: "Connector") -> TokenBucket:
        """The present limit of the connector."""

    def begins(self, connector: "Connector", grant: Grant) -> int | None:
        """A transaction begins. Returns the reservation that it uses up."""

    def ended(self, connector: "Connector") -> None:
        """The connector's transaction has ended."""


class Connector:
    """A connector, its cable, its meter, and the vehicle on it.

    `voltage_v` is between phase and neutral; `now_ms` is the station's time, in milliseconds since it was switched on.
    """

    def __init__(
        self,
        *,
        connector_id: int,
        max_power_w: int,
        host: Host,
        start_wh: int = 0,
        voltage_v: int = 230,
        phases: int = 3,
    ) -> None:
        self.connector_id = connector_id
        self.supply = Supply(power_w=max_power_w, voltage_v=voltage_v, phases=phases)
        self.meter = EnergyMeter(start_wh=start_wh)
        self.vehicle: Vehicle | None = None
        self.by_hand = False  # the vehicle was plugged in by an operator: no driver comes
        self.transaction: Transaction | None = None
        self.operative = True
        self.held = False  # out of service for a while, as the station itself needs it
        self.reserved_for: str | None = None  # the id tag
        self.faulted = False
        self.error_code: str | None = None  # of the fault, where it has one of its own
        self.events: list[Event] = []
        self.now_ms = 0
        self._host = host
        self._grant: Grant | None = None  # may charge as soon as a vehicle is plugged in
        self._used = False  # the vehicle that is plugged in has had its transaction
        self._power_w = 0
        self._reported: tuple[Status, str | None] = (Status.AVAILABLE, None)

    @property
    def status(self) -> Status:
        """The status, by the state."""
        if self.faulted:
            return Status.FAULTED
        if self.transaction is not None:
            return self._charging_status()
        return Status.FINISHING if self.vehicle is not None and self._used else self._idle_status()

    def _idle_status(self) -> Status:
        if not self.operative or self.held:
            return Status.UNAVAILABLE
        if self._grant is not None:
            return Status.PREPARING
        if self.reserved:
            return Status.RESERVED
        return Status.AVAILABLE if self.vehicle is None else Status.PREPARING

    def _charging_status(self) -> Status:
        if self.vehicle is None or self.vehicle.is_full:
            return Status.SUSPENDED_EV
        return Status.CHARGING if self._offered.power_w >= 1 else Status.SUSPENDED_EVSE

    @property
    def _offered(self) -> TokenBucket:
        return self._host.offered(self)

    @property
    def waits_for_vehicle(self) -> bool:
        """Whether somebody is authorized here, and no vehicle is plugged in yet."""
        return self._grant is not None and self.vehicle is None

    @property
    def wants_energy(self) -> bool:
        """Whether there is a vehicle in a transaction that would take energy."""
        return self.transaction is not None and self.vehicle is not None and not self.vehicle.is_full

    @property
    def is_free(self) -> bool:
        """Whether nobody uses or may begin to use it; a reservation is no use."""
        return self.status in (Status.AVAILABLE, Status.RESERVED, Status.PREPARING) and self._grant is None

    def can_start(self) -> bool:
        """Whether a transaction may begin here."""
        return self.is_free

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
        if self.transaction is not None and self._host.rules().stop_on_ev_disconnect:
            self._end(StopReason.EV_DISCONNECTED, None)
            self._report_status()
        self.vehicle = None
        self._used = False
        self._power_w = 0
        self._report_status()

    def authorize(
        self,
        id_tag: str,
        parent_id_tag: str | None = None,
        profile: Profile | None = None,
        remote_start_id: int | None = None,
    ) -> None:
        """Somebody was allowed to charge here: begins at once, or as soon as a vehicle is plugged in."""
        if not self.can_start():
            return
        timeout_ms = self._host.rules().connection_timeout_ms
        until_ms = self.now_ms + timeout_ms if timeout_ms else None
        self._grant = Grant(
            id_tag=id_tag,
            parent_id_tag=parent_id_tag,
            until_ms=until_ms,
            profile=profile,
            remote_start_id=remote_start_id,
        )
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
            self._grant = None
        self._report_status()

    def set_held(self, held: bool) -> None:
        """Takes the connector out of service for the station's own purposes, or gives it back."""
        self.held = held
        self._report_status()

    def reserve_for(self, id_tag: str | None) -> None:
        """Keeps the connector for an id tag, or for nobody any more."""
        self.reserved_for = id_tag
        self._report_status()

    @property
    def reserved(self) -> bool:
        """Whether it is kept for somebody."""
        return self.reserved_for is not None

    @property
    def power_w(self) -> int:
        """The power that is drawn at present."""
        return self._power_w

    def skip_to(self, now_ms: int) -> None:
        """Lets time go by in which the station was switched off: nothing happened."""
        self.now_ms = now_ms

    def set_faulted(self, faulted: bool, error_code: str | None = None) -> None:
        """Breaks or mends the connector. The caller has ended the transaction."""
        self.faulted = faulted
        self.error_code = error_code if faulted else None
        self._grant = None
        self._report_status()

    def restart(self) -> None:
        """Forgets what a station forgets when it restarts. The caller has ended the transaction."""
        self._grant = None
        self._report_status()

    def sample(self, occasion: Occasion) -> MeterSampled:
        """The present reading of the meter."""
        key = None if self.transaction is None else self.transaction.key
        return MeterSampled(
            key=key, connector_id=self.connector_id, reading=self.reading(), occasion=occasion, at_ms=self.now_ms
        )

    def reading(self) -> Reading:
        """The meter, and the vehicle's state of charge where there is one."""
        offered = self._offered
        return Reading(
            register_wh=self.meter.register_wh,
            power_w=self._power_w,
            voltage_v=self.supply.voltage_v,
            current_a=round(self._power_w / (self.supply.voltage_v * offered.phases), 1),
            soc_percent=None if self.vehicle is None else int(self.vehicle.soc * 100),
            offered_w=int(in_unit(offered, Unit.WATT, self.supply.voltage_v)),
            offered_a=in_unit(offered, Unit.AMPERE, self.supply.voltage_v),
        )

    def advance(self, to_ms: int) -> None:
        """Lets time go by, in steps that are short beside anything that happens here."""
        while self.now_ms < to_ms:
            self._step(min(STEP_MS, to_ms - self.now_ms))

    def _step(self, duration_ms: int) -> None:
        if self.transaction is not None:
            self._draw(self.transaction, duration_ms)
        self.now_ms += duration_ms
        until_ms = None if self._grant is None else self._grant.until_ms
        if until_ms is not None and self.now_ms >= until_ms:
            self._grant = None
        if self.transaction is not None:
            self._sample_if_due(self.transaction)
        self._report_status()

    def _draw(self, transaction: Transaction, duration_ms: int) -> None:
        if self.vehicle is None:
            self._power_w = 0
            return
        self._power_w = self.vehicle.power_w(int(self._offered.power_w), self.now_ms - transaction.started_ms)
        self.meter.add(self._power_w, duration_ms)
        self.vehicle.take(self._power_w, duration_ms)

    def _sample_if_due(self, transaction: Transaction) -> None:
        interval_ms = self._host.rules().sample_interval_ms
        if interval_ms and self.now_ms - transaction.sampled_ms >= interval_ms:
            transaction.sampled_ms = self.now_ms
            self.events.append(self.sample(Occasion.PERIODIC))

    def _begin_if_ready(self) -> None:
        if self._grant is None or self.vehicle is None:
            return
        grant, self._grant = self._grant, None
        self.transaction = Transaction(
            key=self._host.next_key(),
            id_tag=grant.id_tag,
            parent_id_tag=grant.parent_id_tag,
            started_ms=self.now_ms,
            sampled_ms=self.now_ms,
        )
        reservation_id = self._host.begins(self, grant)
        self.events.append(
            TransactionStarted(
                key=self.transaction.key,
                connector_id=self.connector_id,
                id_tag=self.transaction.id_tag,
                meter_wh=self.meter.register_wh,
                at_ms=self.now_ms,
                reservation_id=reservation_id,
                remote_start_id=grant.remote_start_id,
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
        if self._host.rules().closing_samples:
            self.events.append(self.sample(Occasion.END))
        self.transaction = None
        self._used = True
        self._host.ended(self)

    def _report_status(self) -> None:
        present = (self.status, self.error_code)
        if present != self._reported:
            self._reported = present
            self.events.append(self.status_changed(self.now_ms))
            if self.transaction is not None:
                self.events.append(
                    ChargingStateChanged(
                        key=self.transaction.key,
                        connector_id=self.connector_id,
                        status=self.status,
                        at_ms=self.now_ms,
                    )
                )

    def status_changed(self, at_ms: int) -> StatusChanged:
        """The report of the present status."""
        return StatusChanged(
            connector_id=self.connector_id, status=self.status, at_ms=at_ms, error_code=self.error_code
        )
