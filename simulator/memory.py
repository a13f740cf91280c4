"""Messages that a station has yet to send, over all its connections: the part of it that outlives a socket."""

import asyncio
from collections import deque
from collections.abc import Iterable

from simulator.events import ChargingStateChanged, MeterSampled, StatusChanged, TransactionStarted, TransactionStopped
from simulator.notices import (
    CertificateRequest,
    DownloadWanted,
    FirmwareReport,
    Notice,
    SecurityEvent,
    Transfer,
    UploadReport,
    UploadWanted,
)
from simulator.station import AuthorizationNeeded, StationEvent
from simulator.transaction_queue import TransactionQueue

_MOST_NOTICES = 500  # kept while offline; the oldest go first

TransactionMessage = TransactionStarted | ChargingStateChanged | MeterSampled | TransactionStopped


class Memory:
    """Sorts a station's events by how they are sent, and wakes the session that sends them.

    `has_charging_states`: its version has messages for them.
    """

    def __init__(self, *, has_charging_states: bool = False) -> None:
        self._has_charging_states = has_charging_states
        self.transactions: TransactionQueue[TransactionMessage] = TransactionQueue()
        self.statuses: deque[StatusChanged] = deque()
        self.questions: deque[AuthorizationNeeded] = deque()
        self.notices: deque[Notice] = deque(maxlen=_MOST_NOTICES)
        self.transfers: deque[Transfer] = deque()
        self.names: dict[int, str] = {}  # of transactions, as the central system knows them, by the station's own keys
        self.accepted = False  # the central system has accepted a boot since the station was switched on
        self.changed = asyncio.Event()

    def add(self, event: StationEvent) -> None:
        """Takes note of one event."""
        match event:
            case StatusChanged():
                self.statuses.append(event)
            case AuthorizationNeeded():
                self.questions.append(event)
            case FirmwareReport() | UploadReport() | SecurityEvent() | CertificateRequest():
                self.notices.append(event)
            case DownloadWanted() | UploadWanted():
                self.transfers.append(event)
            case ChargingStateChanged() if not self._has_charging_states:
                return
            case TransactionStarted() | ChargingStateChanged() | MeterSampled() | TransactionStopped():
                self.transactions.add(event)
        self.changed.set()

    def take(self, events: Iterable[StationEvent]) -> None:
        """Takes note of several events."""
        for event in events:
            self.add(event)

    def key_of(self, name: str) -> int | None:
        """The station's key of a transaction that the central system named so."""
        return next((key for key, known in self.names.items() if known == name), None)
