"""A charge point without I/O and without a protocol version: its connectors, its drivers, the commands it gets.

A session (per OCPP version) turns central-system commands into calls of these methods, and the events that `drain`
returns into messages.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import count

from simulator.authorization import KnownTags
from simulator.charging import ChargingControl
from simulator.charging_profiles import Profile
from simulator.composite import TokenBucket
from simulator.configuration import Configuration, default_keys
from simulator.connector import Connector, Grant, Rules
from simulator.driver import Driver
from simulator.events import Event, MeterSampled, Occasion, Status, StatusChanged, StopReason
from simulator.firmware import Failure
from simulator.maintenance import Maintenance
from simulator.notices import Notice, SecurityEventType, Transfer
from simulator.reservations import Reservation, ReservationResult, Reservations

STEP_MS = 5_000  # drivers act at this granularity


class Restart(StrEnum):
    """How a station restarts (1.6 ResetType)."""

    SOFT = "Soft"
    HARD = "Hard"


class AvailabilityResult(StrEnum):
    """Outcome of a change of availability (1.6 AvailabilityStatus)."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    SCHEDULED = "Scheduled"


class UnlockResult(StrEnum):
    """Outcome of unlocking (1.6 UnlockStatus)."""

    UNLOCKED = "Unlocked"
    NOT_SUPPORTED = "NotSupported"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A station's description of itself when it boots."""

    station_id: str
    vendor: str
    model: str
    serial_number: str
    firmware_version: str


@dataclass(frozen=True, kw_only=True)
class AuthorizationNeeded:
    """Somebody wants to charge at a connector, and the central system is to be asked."""

    connector_id: int
    id_tag: str
    at_ms: int
    profile: Profile | None = None  # for the transaction, where the question is for a remote start
    remote_start_id: int | None = None


StationEvent = Event | AuthorizationNeeded | Notice | Transfer

# Where every connector in question has the status: why none can be reserved.
_REFUSED = {Status.FAULTED: ReservationResult.FAULTED, Status.UNAVAILABLE: ReservationResult.UNAVAILABLE}


class Station:
    """The charge point. Time is in milliseconds since it was switched on, and only moves by `advance`.

    `to_real` says when a moment of its time was, by real time, which everything agreed with the central system goes by.
    """

    def __init__(
        self,
        *,
        identity: Identity,
        connector_powers_w: Sequence[int],
        start_wh: Sequence[int],
        to_real: Callable[[int], datetime],
        fails: frozenset[Failure] = frozenset(),
    ) -> None:
        self.identity = identity
        self.to_real = to_real
        self.configuration = Configuration(default_keys(connectors=len(connector_powers_w)))
        self.tags = KnownTags(configuration=self.configuration)
        self.reservations = Reservations()
        self.connectors = {
            number: Connector(connector_id=number, max_power_w=power_w, host=self, start_wh=wh)
            for number, (power_w, wh) in enumerate(zip(connector_powers_w, start_wh, strict=True), start=1)
        }
        self.charging = ChargingControl(
            connectors=self.connectors, configuration=self.configuration, moment=self.moment, to_real=to_real
        )
        self._keys = count(1)
        self.maintenance = Maintenance(
            station_id=identity.station_id,
            firmware_version=identity.firmware_version,
            configuration=self.configuration,
            busy=lambda: self.is_charging,
            to_real=to_real,
            fails=fails,
        )
        self.maintenance.security(SecurityEventType.STARTUP)
        self.drivers: list[Driver] = []
        self.is_driven = True  # whether they come
        self.reconnect_wanted = False  # the present connection is to be replaced, as a new key asks for
        self.restart_wanted: Restart | None = None
        self.restarts_when_idle = False  # a restart is due as soon as nobody charges
        self.closing_samples = False  # a sample follows each stop (quirk 22 of simulator.misbehaviour)
        self.restarts_on_change = False  # of its configuration (quirk 24)
        self.now_ms, self._operative = 0, True
        self._events: list[StationEvent] = []

    @property
    def is_charging(self) -> bool:
        """Whether a transaction is under way."""
        return any(connector.transaction is not None for connector in self.connectors.values())

    def moment(self) -> datetime:
        """The present, by real time."""
        return self.to_real(self.now_ms)

    def advance(self, to_ms: int) -> None:
        """Lets time go by: vehicles charge, meters count, drivers come and go."""
        while self.now_ms < to_ms:
            self.now_ms = min(to_ms, self.now_ms + STEP_MS)
            for connector in self.connectors.values():
                connector.advance(self.now_ms)
            for driver in self.drivers:
                if self.is_driven and not self.connectors[driver.connector_id].by_hand:
                    driver.advance(self.now_ms)
            if self.reservations.expire(self.moment()):
                self._show_reservations()
            self._maintain()

    def drain(self) -> list[StationEvent]:
        """The events since the last call, oldest first; those of one connector stay in their order."""
        events: list[StationEvent] = [*self._events, *self.maintenance.drain()]
        self._events.clear()
        for connector in self.connectors.values():
            events.extend(connector.events)
            connector.events.clear()
        return sorted(events, key=lambda event: event.at_ms)

    def statuses(self) -> list[StatusChanged]:
        """The status of everything, 0 being the station as a whole."""
        whole = Status.AVAILABLE if self._operative else Status.UNAVAILABLE
        changed = [StatusChanged(connector_id=0, status=whole, at_ms=self.now_ms)]
        return [*changed, *(connector.status_changed(self.now_ms) for connector in self.connectors.values())]

    def swipe(self, connector: Connector, id_tag: str) -> None:
        """Somebody holds an id tag to the reader: the tag that started, or its group, stops; others ask to start."""
        transaction = connector.transaction
        if transaction is None:
            group_counts = self.reservations.wants_group(connector.connector_id) and not self.tags.knows(id_tag)
            if group_counts or self._admits(connector, id_tag, self.tags.parent(id_tag)):
                self._ask(connector, id_tag)
        elif transaction.id_tag.lower() == id_tag.lower():
            connector.stop(StopReason.LOCAL, id_tag)
        elif transaction.parent_id_tag is not None:
            self._ask(connector, id_tag)  # it may be of the same group

    def authorized(
        self,
        connector_id: int,
        id_tag: str,
        parent: str | None = None,
        profile: Profile | None = None,
        remote_start_id: int | None = None,
    ) -> None:
        """A tag was allowed: it starts, or stops what its group, given or known, has started."""
        connector = self.connectors[connector_id]
        parent = parent or self.tags.parent(id_tag)
        transaction = connector.transaction
        if transaction is not None:
            if parent is not None and parent == transaction.parent_id_tag:
                connector.stop(StopReason.LOCAL, id_tag)
        elif self._admits(connector, id_tag, parent):
            connector.authorize(id_tag, parent, profile, remote_start_id)

    def request_start(
        self,
        connector_id: int | None,
        id_tag: str,
        profile: Profile | None = None,
        remote_start_id: int | None = None,
    ) -> bool:
        """The central system asks for a start; without a connector the station picks one. Returns whether it tries."""
        parent = self.tags.parent(id_tag)
        connector = self._pick(id_tag, parent) if connector_id is None else self.connectors.get(connector_id)
        if connector is None or not connector.can_start() or self.restart_wanted is not None:
            return False
        if not self._admits(connector, id_tag, parent):
            return False
        if profile is not None and not self.charging.suits(connector.connector_id, profile):
            return False
        if self.configuration.switch("AuthorizeRemoteTxRequests"):
            self._ask(connector, id_tag, profile, remote_start_id)
        else:
            connector.authorize(id_tag, parent, profile, remote_start_id)
        return True

    def reserve(self, reservation: Reservation) -> ReservationResult:
        """Keeps a connector, or with 0 any one, for a tag or its group."""
        zero = reservation.connector_id == 0
        if reservation.expires <= self.moment() or (
            not self.configuration.switch("ReserveConnectorZeroSupported")
            if zero
            else reservation.connector_id not in self.connectors
        ):
            return ReservationResult.REJECTED
        chosen = list(self.connectors.values()) if zero else [self.connectors[reservation.connector_id]]
        statuses = {connector.status for connector in chosen}
        for status, result in _REFUSED.items():
            if statuses == {status}:
                return result
        free = [connector for connector in self.connectors.values() if self._is_free_for(connector, reservation)]
        others = self.reservations.at(0, but=reservation.reservation_id)
        if not any(connector in free for connector in chosen) or len(free) <= len(others):
            return ReservationResult.OCCUPIED
        self.reservations.hold(reservation)
        self._show_reservations()
        return ReservationResult.ACCEPTED

    def cancel_reservation(self, reservation_id: int) -> bool:
        """Ends a reservation. Returns whether there was one."""
        found = self.reservations.release(reservation_id)
        self._show_reservations()
        return found

    def set_faulted(self, connector_id: int, *, faulted: bool, error_code: str | None = None) -> None:
        """Breaks or mends a connector: its transaction ends, its reservation lapses."""
        if faulted:
            self.connectors[connector_id].stop(StopReason.OTHER)
            self.reservations.release_connector(connector_id)
        self.connectors[connector_id].set_faulted(faulted, error_code)
        self._show_reservations()

    def stop_transaction(self, key: int, reason: StopReason) -> bool:
        """Ends a transaction by its key. Returns whether it was under way."""
        for connector in self.connectors.values():
            if connector.transaction is not None and connector.transaction.key == key:
                connector.stop(reason)
                return True
        return False

    def unlock(self, connector_id: int) -> UnlockResult:
        """Frees a cable, and ends the transaction it is in."""
        connector = self.connectors.get(connector_id)
        if connector is None:
            return UnlockResult.NOT_SUPPORTED
        connector.stop(StopReason.UNLOCK_COMMAND)
        return UnlockResult.UNLOCKED

    def change_availability(self, connector_id: int, *, operative: bool) -> AvailabilityResult:
        """Takes a connector, or with 0 the whole station, in or out of service."""
        if connector_id != 0 and connector_id not in self.connectors:
            return AvailabilityResult.REJECTED
        chosen = list(self.connectors.values()) if connector_id == 0 else [self.connectors[connector_id]]
        if connector_id == 0 and operative is not self._operative:
            self._operative = operative
            self._events.append(self.statuses()[0])
        for connector in chosen:
            connector.set_operative(operative)
            if not operative:
                self.reservations.release_connector(connector.connector_id)
        self._show_reservations()
        busy = any(connector.transaction is not None for connector in chosen)
        return AvailabilityResult.SCHEDULED if busy and not operative else AvailabilityResult.ACCEPTED

    def sample(self, connector_id: int | None) -> list[MeterSampled]:
        """Present readings of the meters, because the central system asked."""
        chosen = self.connectors if connector_id is None else {connector_id: self.connectors[connector_id]}
        return [connector.sample(Occasion.TRIGGER) for connector in chosen.values()]

    def begin_restart(self, restart: Restart) -> None:
        """Ends what is under way; the session closes the connection and then calls `restarted`."""
        reason = StopReason.HARD_RESET if restart is Restart.HARD else StopReason.SOFT_RESET
        self._stop_all(reason)
        self.restart_wanted = restart

    def configuration_changed(self, name: str, value: str) -> None:
        """An operator's change has been answered. A new key needs a new connection (security whitepaper, 5.1)."""
        if not self.configuration.has(name, value):
            return
        if name.lower() == "authorizationkey":
            self.maintenance.security(SecurityEventType.RECONFIGURED, "AuthorizationKey")
            self.reconnect_wanted = True
        if self.restarts_on_change:
            self.begin_restart(Restart.SOFT)

    def switch_off(self) -> None:
        """Ends what is under way, for good."""
        self._stop_all(StopReason.POWER_LOSS)

    def switch_on(self, now_ms: int) -> None:
        """Comes up again after it was switched off; vehicles are where they were, and nothing happened meanwhile."""
        self.now_ms = now_ms
        for connector in self.connectors.values():
            connector.skip_to(now_ms)
        self.restarted()
        self.maintenance.security(SecurityEventType.STARTUP)

    def restarted(self) -> None:
        """The station is up again: settings that waited for this are in force."""
        self.restart_wanted = None
        self.configuration.apply_pending()
        self.maintenance.restarted()
        self.identity = replace(self.identity, firmware_version=self.maintenance.firmware.version)
        for connector in self.connectors.values():
            connector.restart()

    def _stop_all(self, reason: StopReason) -> None:
        for connector in self.connectors.values():
            connector.stop(reason)

    def rules(self) -> Rules:
        """See connector.Host."""
        return Rules(
            sample_interval_ms=self.configuration.number("MeterValueSampleInterval") * 1000,
            connection_timeout_ms=self.configuration.number("ConnectionTimeOut") * 1000,
            stop_on_ev_disconnect=self.configuration.switch("StopTransactionOnEVSideDisconnect"),
            closing_samples=self.closing_samples,
        )

    def next_key(self) -> int:
        """See connector.Host."""
        return next(self._keys)

    def offered(self, connector: Connector) -> TokenBucket:
        """See connector.Host."""
        return self.charging.offered(connector)

    def begins(self, connector: Connector, grant: Grant) -> int | None:
        """See connector.Host."""
        if grant.profile is not None:
            self.charging.install(connector.connector_id, grant.profile)
        used = self.reservations.used_by(connector.connector_id, grant.id_tag, grant.parent_id_tag)
        if used is None:
            return None
        self.cancel_reservation(used.reservation_id)
        return used.reservation_id

    def ended(self, connector: Connector) -> None:
        """See connector.Host."""
        self.charging.ended(connector)

    def _maintain(self) -> None:
        self.maintenance.advance(self.now_ms)
        if self.restarts_when_idle and not self.is_charging:
            self.restarts_when_idle = False
            self.begin_restart(Restart.SOFT)
        for connector in self.connectors.values():
            connector.set_held(self.maintenance.firmware.keeps_idle)
        if self.maintenance.firmware.restart_due:
            self.maintenance.firmware.restart_due = False
            self.begin_restart(Restart.SOFT)

    def _ask(
        self,
        connector: Connector,
        id_tag: str,
        profile: Profile | None = None,
        remote_start_id: int | None = None,
    ) -> None:
        self._events.append(
            AuthorizationNeeded(
                connector_id=connector.connector_id,
                id_tag=id_tag,
                at_ms=self.now_ms,
                profile=profile,
                remote_start_id=remote_start_id,
            )
        )

    def _admits(self, connector: Connector, id_tag: str, parent_id_tag: str | None) -> bool:
        free = sum(one.is_free and not one.reserved for one in self.connectors.values())
        return self.reservations.admits(connector.connector_id, id_tag, parent_id_tag, free=free)

    def _is_free_for(self, connector: Connector, reservation: Reservation) -> bool:
        others = self.reservations.at(connector.connector_id, but=reservation.reservation_id)
        return connector.is_free and connector.vehicle is None and not others

    def _show_reservations(self) -> None:
        for number, connector in self.connectors.items():
            connector.reserve_for(next((one.id_tag for one in self.reservations.at(number)), None))

    def _pick(self, id_tag: str, parent_id_tag: str | None) -> Connector | None:
        free = [
            connector
            for connector in self.connectors.values()
            if connector.can_start() and self._admits(connector, id_tag, parent_id_tag)
        ]
        # Where a vehicle is plugged in, somebody waits for exactly this; a reserved one is for those admitted there.
        waiting = [one for one in free if one.vehicle is not None] or [one for one in free if one.reserved]
        return next(iter(waiting or free), None)
