"""What one batch works on: the transactions it touches and the events it adds, between reading and writing them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from transaction_svc import fold, stored_form
from transaction_svc.contents import events_hash
from transaction_svc.ends import Frame
from transaction_svc.energy import Terms
from transaction_svc.fold import Fold
from transaction_svc.intake import Incoming
from transaction_svc.metering import Metering
from transaction_svc.store import Lookup, TxRow
from transaction_svc.tracked import Key, Name, Tx

HELD_TOGETHER = 500
"""Events of one station that belong to no transaction and are kept, and read again, as one piece."""


class Known(msgspec.Struct, frozen=True):
    """Where an event is recorded already: for the time after `repeat_no` others, in `tx`; and as what it came."""

    repeat_no: int
    tx: Tx
    epoch: int
    ordinal: int
    fact: str = ""  # what it says, encoded; empty where this batch has recorded it


class Book:
    """The transactions and events of one batch."""

    def __init__(self) -> None:
        self._txs: dict[Key, Tx] = {}
        self._latest: dict[Name, Tx] = {}
        self._by_station: dict[tuple[str, str], list[Tx]] = {}
        self._recorded: dict[tuple[str, str, str], Known] = {}
        self._rows: list[dict[str, Any]] = []
        self.anew: dict[Name, int] = {}  # names to be folded anew, from which generation on
        # Numbers of other systems of which something is kept, with the first frame that named each.
        self.others: dict[Name, Frame] = {}
        self.places: set[tuple[str, str, int, int]] = set()  # tenant, station, EVSE, time: those beside are read
        self.terms: Mapping[tuple[str, str], Terms] = {}  # of transactions that are new, by station

    def take_lookups(self, items: Sequence[Incoming], lookups: Iterable[Lookup]) -> None:
        """Takes in what the database knows of the items."""
        for lookup in lookups:
            tx = self.adopt(lookup.tx)
            if lookup.repeat_no is None:
                self._latest[tx.name] = tx
                continue
            content = items[lookup.n].content
            known = self._recorded.get(content)
            if known is None or known.repeat_no < lookup.repeat_no:
                self._recorded[content] = Known(
                    lookup.repeat_no, tx, lookup.epoch or 0, lookup.ordinal or 0, lookup.fact or ""
                )

    def adopt(self, row: TxRow) -> Tx:
        """The transaction of a row; as this batch has changed it, if it has."""
        key = (row.tenant_id, row.station_id, row.transaction_id, row.generation)
        tx = self._txs.get(key)
        return self._keep(Tx(key=key, state=stored_form.decode_fold(row.fold), found=row.fold)) if tx is None else tx

    def get(self, key: Key) -> Tx:
        """The transaction with this key, made where it is not there."""
        tx = self._txs.get(key)
        if tx is not None:
            return tx
        terms = self.terms.get(key[:2])
        state = Fold() if terms is None else Fold(meter=Metering(terms=msgspec.structs.replace(terms)))
        return self._keep(Tx(key=key, state=state))

    def create(self, name: Name) -> Tx:
        """A new transaction: the next generation of its name."""
        latest = self._latest.get(name)
        tx = self.get((*name, 1 if latest is None else latest.generation + 1))
        self._latest[name] = tx
        return tx

    def latest(self, name: Name) -> Tx | None:
        """The latest generation of a name; None for a name never used."""
        return self._latest.get(name)

    def missing(self, stations: Iterable[tuple[str, str]]) -> Sequence[tuple[str, str]]:
        """Those stations of which this batch knows no events that belong to no transaction."""
        return sorted(station for station in set(stations) if (*station, "") not in self._latest)

    def holder(self, tenant_id: str, station_id: str) -> Tx:
        """Where a station's next event goes that belongs to no transaction. What there is must have been looked up."""
        name = (tenant_id, station_id, "")
        latest = self._latest.get(name)
        if latest is not None and latest.fold.event_count < HELD_TOGETHER:
            return latest
        fresh = self.create(name)
        # What was measured last, of this piece or one before it.
        fresh.fold.latest_us = latest.fold.latest_us if latest is not None else 0
        return fresh

    def recorded(self, item: Incoming) -> Known | None:
        """Where an event is recorded already; of several that say the same, the last."""
        return self._recorded.get(item.content)

    def note_other(self, name: Name, frame: Frame) -> None:
        """Notes that a frame named a number of another system."""
        self.others[name] = min(frame, self.others.get(name, frame))

    def of_station(self, tenant_id: str, station_id: str) -> Sequence[Tx]:
        """The transactions of a station that this batch has seen."""
        return self._by_station.get((tenant_id, station_id), ())

    def changed(self) -> Iterator[Tx]:
        """The transactions to be written."""
        return (tx for tx in self._txs.values() if tx.changed)

    def event_rows(self) -> Sequence[Mapping[str, Any]]:
        """The events to be recorded."""
        return self._rows

    def add(self, item: Incoming, tx: Tx, repeat_no: int) -> Known:
        """Adds an event to a transaction, and folds it in where it came in order; returns where it is recorded."""
        fact = item.fact
        fact.arrival = tx.arrivals
        tx.arrivals += 1
        tx.changed = True
        known = self._recorded[item.content] = Known(repeat_no, tx, item.epoch, item.ordinal)
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
                "fact": stored_form.encode(fact),
                "event": item.event,
                "receive_us": item.receive_us,
                "epoch": item.epoch,
                "ordinal": item.ordinal,
            }
        )
        if tx.is_holder:
            fold.hold(tx.fold, fact)
        elif tx.name not in self.anew and not fold.append(tx.fold, fact):
            self.fold_anew(tx.name, tx.generation)
        return known

    def fold_anew(self, name: Name, generation: int) -> None:
        """Notes that a name has to be folded anew from a generation on."""
        self.anew[name] = min(generation, self.anew.get(name, generation))

    def take_terms(self, tx: Tx, terms: Terms) -> None:
        """Has a transaction folded anew, with other terms of its meter."""
        before = tx.fold.meter.terms
        tx.fold.meter.terms = msgspec.structs.replace(
            terms, previous_mwh=before.previous_mwh, previous_series=before.previous_series
        )
        tx.changed = tx.reassessed = True
        self.fold_anew(tx.name, tx.generation)

    def _keep(self, tx: Tx) -> Tx:
        self._txs[tx.key] = tx
        self._by_station.setdefault(tx.key[:2], []).append(tx)
        return tx
