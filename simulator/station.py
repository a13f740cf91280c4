"""A charge point without I/O and without a protocol version: its connectors, its drivers, what it is told to do.

A session (per OCPP version) turns central-system commands into calls of these methods, and the events that `drain`
returns into messages.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import count

from simulator.authorization import AuthorizationCache
from simulator.configuration import Configuration, default_keys
from simulator.connector import Connector, Event, MeterSampled, Occasion, Rules, Status, StatusChanged, StopReason
from simulator.driver import Driver

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
    """What a station says of itself when it boots."""

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


StationEvent = Event | AuthorizationNeeded


class Station:
    """The charge point. Time is in milliseconds since it was switched on, and only moves by `advance`."""

    def __init__(self, *, identity: Identity, connector_powers_w: Sequence[int], start_wh: Sequence[int]) -> None:
        self.identity = identity
        self.configuration = Configuration(default_keys(connectors=len(connector_powers_w)))
        self.cache = AuthorizationCache()
        keys = count(1)
        self.connectors = {
            number: Connector(
                connector_id=number,
                max_power_w=power_w,
                rules=self._rules,
                next_key=lambda: next(keys),
                start_wh=wh,
            )
            for number, (power_w, wh) in enumerate(zip(connector_powers_w, start_wh, strict=True), start=1)
        }
        self.drivers: list[Driver] = []
        self.restart_wanted: Restart | None = None
        self.now_ms = 0
        self._operative = True
        self._events: list[StationEvent] = []

    def advance(self, to_ms: int) -> None:
        """Lets time go by: vehicles charge, meters count, drivers come and go."""
        while self.now_ms < to_ms:
            self.now_ms = min(to_ms, self.now_ms + STEP_MS)
            for connector in self.connectors.values():
                connector.advance(self.now_ms)
            for driver in self.drivers:
                driver.advance(self.now_ms)

    def drain(self) -> list[StationEvent]:
        """What happened since the last call, oldest first; events of one connector stay in their order."""
        events = self._events
        self._events = []
        for connector in self.connectors.values():
            events.extend(connector.events)
            connector.events.clear()
        return sorted(events, key=lambda event: event.at_ms)

    def statuses(self) -> list[StatusChanged]:
        """The status of everything, 0 being the station as a whole."""
        whole = Status.AVAILABLE if self._operative else Status.UNAVAILABLE
        changed = [StatusChanged(connector_id=0, status=whole, at_ms=self.now_ms)]
        changed += [
            StatusChanged(connector_id=number, status=connector.status, at_ms=self.now_ms)
            for number, connector in self.connectors.items()
        ]
        return changed

    def swipe(self, connector: Connector, id_tag: str) -> None:
        """Somebody holds an id tag to the reader: the tag that started stops, others ask to start."""
        transaction = connector.transaction
        if transaction is None:
            self._events.append(
                AuthorizationNeeded(connector_id=connector.connector_id, id_tag=id_tag, at_ms=self.now_ms)
            )
        elif transaction.id_tag.lower() == id_tag.lower():
            connector.stop(StopReason.LOCAL, id_tag)

    def may_start_unasked(self, id_tag: str, now: datetime, *, online: bool) -> bool | None:
        """Whether a start needs no question: True or False, or None where the central system is to be asked."""
        cached = self.configuration.switch("AuthorizationCacheEnabled") and self.cache.accepts(id_tag, now)
        if online:
            return True if cached and self.configuration.switch("LocalPreAuthorize") else None
        if cached and self.configuration.switch("LocalAuthorizeOffline"):
            return True
        return self.configuration.switch("AllowOfflineTxForUnknownId") and not self.cache.knows(id_tag)

    def authorized(self, connector_id: int, id_tag: str) -> None:
        """A start was allowed."""
        self.connectors[connector_id].authorize(id_tag)

    def request_start(self, connector_id: int | None, id_tag: str) -> bool:
        """The central system asks for a start; without a connector the station picks one. Returns whether it tries."""
        connector = self._free_connector() if connector_id is None else self.connectors.get(connector_id)
        if connector is None or not connector.can_start() or self.restart_wanted is not None:
            return False
        if self.configuration.switch("AuthorizeRemoteTxRequests"):
            self._events.append(
                AuthorizationNeeded(connector_id=connector.connector_id, id_tag=id_tag, at_ms=self.now_ms)
            )
        else:
            connector.authorize(id_tag)
        return True

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
        busy = any(connector.transaction is not None for connector in chosen)
        return AvailabilityResult.SCHEDULED if busy and not operative else AvailabilityResult.ACCEPTED

    def sample(self, connector_id: int | None) -> list[MeterSampled]:
        """What the meters show now, because the central system asked."""
        chosen = self.connectors if connector_id is None else {connector_id: self.connectors[connector_id]}
        return [connector.sample(Occasion.TRIGGER) for connector in chosen.values()]

    def begin_restart(self, restart: Restart) -> None:
        """Ends what is under way; the session closes the connection and then calls `restarted`."""
        reason = StopReason.HARD_RESET if restart is Restart.HARD else StopReason.SOFT_RESET
        self._stop_all(reason)
        self.restart_wanted = restart

    def switch_off(self) -> None:
        """Ends what is under way, for good."""
        self._stop_all(StopReason.POWER_LOSS)

    def restarted(self) -> None:
        """The station is up again: settings that waited for this are in force."""
        self.restart_wanted = None
        self.configuration.apply_pending()
        for connector in self.connectors.values():
            connector.restart()

    def _stop_all(self, reason: StopReason) -> None:
        for connector in self.connectors.values():
            connector.stop(reason)

    def _free_connector(self) -> Connector | None:
        free = [connector for connector in self.connectors.values() if connector.can_start()]
        # Where a vehicle is plugged in, somebody waits for exactly this.
        return next((one for one in free if one.vehicle is not None), free[0] if free else None)

    def _rules(self) -> Rules:
        return Rules(
            sample_interval_ms=self.configuration.number("MeterValueSampleInterval") * 1000,
            connection_timeout_ms=self.configuration.number("ConnectionTimeOut") * 1000,
            stop_on_ev_disconnect=self.configuration.switch("StopTransactionOnEVSideDisconnect"),
        )
