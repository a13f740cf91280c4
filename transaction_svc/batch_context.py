"""The transactions and events of one batch, between reading and writing them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from transaction_svc import stored_form, transaction_state
from transaction_svc.ends import FramePosition
from transaction_svc.energy import Terms
from transaction_svc.idempotency_keys import events_hash
from transaction_svc.received_items import ReceivedEvent
from transaction_svc.store import Lookup, TransactionRow
from transaction_svc.tracked_transaction import Key, Name, TrackedTransaction
from transaction_svc.transaction_state import TransactionState

HOLDER_SIZE = 500
"""Most unmatched events of a station in one row of `tx`; more begin another generation."""


class RecordedEvent(msgspec.Struct, frozen=True):
    """A recorded event: in `tx`, after `repeat_no` events with the same content; and the frame that brought it."""

    repeat_no: int
    tx: TrackedTransaction
    epoch: int
    ordinal: int
    stored_record: str = ""  # encoded; empty where this batch has recorded it


class BatchContext:
    """The transactions and events of one batch."""

    def __init__(self) -> None:
        self._txs: dict[Key, TrackedTransaction] = {}
        self._latest: dict[Name, TrackedTransaction] = {}
        self._by_station: dict[tuple[str, str], list[TrackedTransaction]] = {}
        self._recorded: dict[tuple[str, str, str], RecordedEvent] = {}
        self._rows: list[dict[str, Any]] = []
        self.to_rebuild: dict[Name, int] = {}  # names to rebuild, with the first generation
        # Transaction numbers of other systems that unmatched events name, with the first frame that named each.
        self.foreign_numbers: dict[Name, FramePosition] = {}
        # Tenant, station, EVSE and time of positions whose adjacent transactions have been read.
        self.evse_positions: set[tuple[str, str, int, int]] = set()
        self.terms: Mapping[tuple[str, str], Terms] = {}  # of new transactions, by station

    def add_lookups(self, items: Sequence[ReceivedEvent], lookups: Iterable[Lookup]) -> None:
        """Adds the rows that were found for the items."""
        for lookup in lookups:
            tx = self.adopt(lookup.tx)
            if lookup.repeat_no is None:
                self._latest[tx.name] = tx
                continue
            content = items[lookup.n].content
            known = self._recorded.get(content)
            if known is None or known.repeat_no < lookup.repeat_no:
                self._recorded[content] = RecordedEvent(
                    lookup.repeat_no, tx, lookup.epoch or 0, lookup.ordinal or 0, lookup.fact or ""
                )

    def adopt(self, row: TransactionRow) -> TrackedTransaction:
        """The transaction of a row, with the changes of this batch."""
        key = (row.tenant_id, row.station_id, row.transaction_id, row.generation)
        tx = self._txs.get(key)
        if tx is not None:
            return tx
        return self._track(TrackedTransaction(key=key, state=stored_form.decode_state(row.fold), found=row.fold))

    def get(self, key: Key) -> TrackedTransaction:
        """The transaction with this key; a new one where the batch has none."""
        tx = self._txs.get(key)
        if tx is not None:
            return tx
        terms = self.terms.get(key[:2])
        state = TransactionState()
        if terms is not None:
            state.meter.terms = msgspec.structs.replace(terms)
        return self._track(TrackedTransaction(key=key, state=state))

    def create(self, name: Name) -> TrackedTransaction:
        """A new transaction: the next generation of its name."""
        latest = self._latest.get(name)
        tx = self.get((*name, 1 if latest is None else latest.generation + 1))
        self._latest[name] = tx
        return tx

    def latest(self, name: Name) -> TrackedTransaction | None:
        """The latest generation of a name; None for a name never used."""
        return self._latest.get(name)

    def missing(self, stations: Iterable[tuple[str, str]]) -> Sequence[tuple[str, str]]:
        """The stations whose unmatched events the batch has not read."""
        return sorted(station for station in set(stations) if (*station, "") not in self._latest)

    def unmatched_holder(self, tenant_id: str, station_id: str) -> TrackedTransaction:
        """The holder of a station's next unmatched event. The latest one must have been looked up."""
        name = (tenant_id, station_id, "")
        latest = self._latest.get(name)
        if latest is not None and latest.state.event_count < HOLDER_SIZE:
            return latest
        fresh = self.create(name)
        # The latest time of this holder's events and of those before it.
        fresh.state.latest_us = latest.state.latest_us if latest is not None else 0
        return fresh

    def recorded(self, item: ReceivedEvent) -> RecordedEvent | None:
        """The recorded event with the same content; the last one of several."""
        return self._recorded.get(item.content)

    def note_foreign_number(self, name: Name, frame: FramePosition) -> None:
        """Notes that a frame named a transaction number of another system."""
        self.foreign_numbers[name] = min(frame, self.foreign_numbers.get(name, frame))

    def of_station(self, tenant_id: str, station_id: str) -> Sequence[TrackedTransaction]:
        """The transactions of a station that the batch has read or made."""
        return self._by_station.get((tenant_id, station_id), ())

    def changed(self) -> Iterator[TrackedTransaction]:
        """The transactions to be written."""
        return (tx for tx in self._txs.values() if tx.changed)

    def event_rows(self) -> Sequence[Mapping[str, Any]]:
        """The events to be recorded."""
        return self._rows

    def add(self, item: ReceivedEvent, tx: TrackedTransaction, repeat_no: int) -> RecordedEvent:
        """Adds an event to a transaction, and applies it where it came in order."""
        record = item.record
        record.arrival = tx.arrivals
        tx.arrivals += 1
        tx.changed = True
        known = self._recorded[item.content] = RecordedEvent(repeat_no, tx, item.epoch, item.ordinal)
        tenant_id, station_id, content_key = item.content
        self._rows.append(
            {
                "tenant_id": tenant_id,
                "station_id": station_id,
                "content_key": content_key,
                "repeat_no": repeat_no,
                "transaction_id": tx.key[2],
                "generation": tx.key[3],
                "tx_hash": events_hash(*tx.key),
                "fact": stored_form.encode(record),
                "event": item.event,
                "receive_us": item.receive_us,
                "epoch": item.epoch,
                "ordinal": item.ordinal,
            }
        )
        if tx.is_unmatched_holder:
            transaction_state.count_unmatched(tx.state, record)
        elif tx.name not in self.to_rebuild and not transaction_state.apply(tx.state, record):
            self.mark_for_rebuild(tx.name, tx.generation)
        return known

    def mark_for_rebuild(self, name: Name, generation: int) -> None:
        """Has the transactions of a name rebuilt, from a generation on."""
        self.to_rebuild[name] = min(generation, self.to_rebuild.get(name, generation))

    def set_terms(self, tx: TrackedTransaction, terms: Terms) -> None:
        """Has a transaction rebuilt with other terms of its meter."""
        before = tx.state.meter.terms
        tx.state.meter.terms = msgspec.structs.replace(
            terms, previous_mwh=before.previous_mwh, previous_series=before.previous_series
        )
        tx.changed = tx.reassessed = True
        self.mark_for_rebuild(tx.name, tx.generation)

    def _track(self, tx: TrackedTransaction) -> TrackedTransaction:
        self._txs[tx.key] = tx
        self._by_station.setdefault(tx.key[:2], []).append(tx)
        return tx
