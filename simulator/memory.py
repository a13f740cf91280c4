"""What a station has yet to say, over all its connections: the part of it that outlives a socket."""

import asyncio
from collections import deque

from simulator.connector import MeterSampled, StatusChanged, TransactionStarted, TransactionStopped
from simulator.station import AuthorizationNeeded, StationEvent
from simulator.transaction_queue import TransactionQueue

TransactionMessage = TransactionStarted | MeterSampled | TransactionStopped


class Memory:
    """Sorts a station's events by how they are sent, and wakes the session that sends them."""

    def __init__(self) -> None:
        self.transactions: TransactionQueue[TransactionMessage] = TransactionQueue()
        self.statuses: deque[StatusChanged] = deque()
        self.questions: deque[AuthorizationNeeded] = deque()
        self.names: dict[int, str] = {}  # the central system's names of transactions, by the station's own keys
        self.accepted = False  # the central system has accepted a boot since the station was switched on
        self.changed = asyncio.Event()

    def add(self, event: StationEvent) -> None:
        """Takes note of one event."""
        match event:
            case StatusChanged():
                self.statuses.append(event)
            case AuthorizationNeeded():
                self.questions.append(event)
            case _:
                self.transactions.add(event)
        self.changed.set()

    def key_of(self, name: str) -> int | None:
        """The station's key of a transaction that the central system named so."""
        return next((key for key, known in self.names.items() if known == name), None)
