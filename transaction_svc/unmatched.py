"""Reassignment of events that name no transaction (quirk 18), when a start or a stop changes their match.

The times of events decide, not their arrival: an event that came before its start joins it when the start comes; an
event that was matched moves to a transaction that began between, or waits again where a stop shows that none was open.
Only stations with such events cost time: a start or a stop reads the events again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from transaction_svc import adjacent_transactions, store, stored_form, transaction_state
from transaction_svc.batch_context import BatchContext
from transaction_svc.event_record import EventRecord
from transaction_svc.idempotency_keys import events_hash
from transaction_svc.matching import find_match
from transaction_svc.tracked_transaction import Key, TrackedTransaction
from transaction_svc.transaction_state import TransactionState

Station = tuple[str, str]
_Event = tuple[TrackedTransaction, store.EventRecordRow, EventRecord]

# A stop that joins a transaction may release later events that were matched to it; these may match another one.
_PASSES = 3


def read_unmatched(connection: Connection, batch: BatchContext, stations: Iterable[Station]) -> None:
    """Reads the latest holders of unmatched events of stations."""
    names = [(tenant_id, station_id, "") for tenant_id, station_id in batch.missing(stations)]
    if names:
        rows = [lookup_row(n, *name) for n, name in enumerate(names)]
        batch.add_lookups((), store.look_up(connection, rows))


def note_foreign_numbers(connection: Connection, batch: BatchContext, stations: Iterable[Station]) -> None:
    """Notes the transaction numbers of other systems that stations have named."""
    held = [tx for station in sorted(set(stations)) if (tx := batch.latest((*station, ""))) and tx.stored]
    for tx, _row, record in _read(connection, batch, [tx.key for tx in held]):
        if not record.names_none:
            batch.note_foreign_number((*tx.key[:2], record.named), record.frame)


def lookup_row(n: int, tenant_id: str, station_id: str, transaction_id: str) -> dict[str, Any]:
    """A row that looks up the latest generation of a name."""
    return {
        "n": n,
        "tenant_id": tenant_id,
        "station_id": station_id,
        "content_key": None,  # looked for by name alone
        "transaction_id": transaction_id,
    }


def find_candidates(batch: BatchContext) -> Sequence[TrackedTransaction]:
    """Transactions and holders of unmatched events whose events may belong to another transaction now.

    Events that wait, and those of the previous transaction on the EVSE, may belong to a transaction that has begun. The
    events of a transaction that ended before them may belong to none.
    """
    found: list[TrackedTransaction] = []
    for tx in batch.changed():
        state = tx.state
        if state.matched_us and _is_overrun(tx):
            found.append(tx)
        if state.started and adjacent_transactions.has_new_position(tx):
            found.extend(_sources(batch, tx))
    return found


def reassign(connection: Connection, batch: BatchContext, candidates: Sequence[TrackedTransaction]) -> None:
    """Moves events to the transactions that they match now. All of the batch but its transactions must be written."""
    for _ in range(_PASSES):
        _reassign_once(connection, batch, candidates)
        candidates = [tx for tx in batch.changed() if _is_overrun(tx)]
        if not candidates:
            return


def _is_overrun(tx: TrackedTransaction) -> bool:
    """Whether a transaction ended before the latest event that was matched to it."""
    return tx.state.stopped and tx.state.matched_us > tx.state.stop_order_us


def _reassign_once(connection: Connection, batch: BatchContext, candidates: Sequence[TrackedTransaction]) -> None:
    sources = _read_sources(connection, batch, candidates)
    kept: dict[Key, list[EventRecord]] = {key: [] for key in sources}
    loose: list[_Event] = []
    for tx, row, record in _read(connection, batch, sorted(sources)):
        if record.names_none and record.order_us >= sources[tx.key]:
            loose.append((tx, row, record))
        else:
            kept[tx.key].append(record)
    for key, records in kept.items():
        _rebuild(batch.get(key), records)
    moves, gaining = _move(batch, loose)
    if moves:
        store.move_events(connection, sorted(moves, key=lambda row: (row["station_id"], row["content_key"])))
    events_of: dict[Key, list[EventRecord]] = {key: [] for key in sources.keys() | gaining}
    for tx, _row, record in _read(connection, batch, sorted(events_of)):
        events_of[tx.key].append(record)
    for key, records in events_of.items():
        _rebuild(batch.get(key), records)


def _sources(batch: BatchContext, tx: TrackedTransaction) -> Iterator[TrackedTransaction]:
    """Transactions and holders that may have events of a transaction with a new position."""
    tenant_id, station_id = tx.key[:2]
    begin_us, evse_id = tx.state.begin_us, tx.state.evse_id
    holder = batch.latest((tenant_id, station_id, ""))
    if holder is not None and holder.state.latest_us >= begin_us:
        yield holder
    for other in batch.of_station(tenant_id, station_id):
        state = other.state
        if other is not tx and state.evse_id == evse_id and state.begin_us <= begin_us <= state.matched_us:
            yield other


def _read_sources(
    connection: Connection, batch: BatchContext, candidates: Sequence[TrackedTransaction]
) -> Mapping[Key, int]:
    """Reads the transactions that matching needs; returns those whose events are matched again, with the first time."""
    from_us = {tx.key: 0 for tx in candidates if not tx.is_unmatched_holder}
    # Waiting events may match transactions that begin with this batch, and those whose events are matched again.
    begins: dict[Station, int] = {}
    for tx in (*candidates, *batch.changed()):
        if tx.state.started:
            station = tx.key[:2]
            begins[station] = min(tx.state.begin_us, begins.get(station, tx.state.begin_us))
    stations = sorted({tx.key[:2] for tx in candidates})
    for row in store.open_transactions(connection, stations):
        batch.adopt(row)
    read_unmatched(connection, batch, stations)
    for station in stations:
        for holder in _holders(connection, batch, station):
            if holder.state.latest_us >= begins[station]:
                from_us[holder.key] = begins[station]
    return from_us


def _holders(connection: Connection, batch: BatchContext, station: Station) -> Sequence[TrackedTransaction]:
    """The holders of unmatched events of a station."""
    latest = batch.latest((*station, ""))
    if latest is None or latest.generation == 1:
        return [] if latest is None else [latest]
    asked = {"tenant_id": station[0], "station_id": station[1], "transaction_id": "", "generation": 1}
    holders = {tx.key: tx for row in store.generations(connection, [asked]) for tx in (batch.adopt(row),)}
    return list((holders | {latest.key: latest}).values())


def _read(connection: Connection, batch: BatchContext, keys: Sequence[Key]) -> Sequence[_Event]:
    """The events of transactions."""
    asked = [
        {
            "tenant_id": tenant_id,
            "station_id": station_id,
            "transaction_id": transaction_id,
            "generation": generation,
            "tx_hash": events_hash(tenant_id, station_id, transaction_id, generation),
        }
        for tenant_id, station_id, transaction_id, generation in keys
    ]
    if not asked:
        return []
    if packed := [key for key in keys if batch.get(key).state.packed]:
        store.unpack(connection, packed)
    rows = {
        (row.tenant_id, row.station_id, row.content_key, row.repeat_no): row
        for row in store.event_records(connection, asked)
    }
    wanted = set(keys)
    found = []
    for row in rows.values():
        key = (row.tenant_id, row.station_id, row.transaction_id, row.generation)
        if key in wanted:  # and not a later generation
            found.append((batch.get(key), row, stored_form.decode_record(row.fact)))
    return found


def _move(batch: BatchContext, loose: Sequence[_Event]) -> tuple[Sequence[dict[str, Any]], set[Key]]:
    """Matches events, oldest first; returns the rows of those that move, and the keys of their new transactions."""
    moves: list[dict[str, Any]] = []
    gaining: set[Key] = set()
    order = sorted(loose, key=lambda each: (each[2].order_us, each[2].kind, each[2].recorded_us, each[2].arrival))
    for tx, row, record in order:
        tenant_id, station_id = tx.key[:2]
        target = find_match(batch, tenant_id, station_id, record)
        if target is None:
            target = tx if tx.is_unmatched_holder else batch.unmatched_holder(tenant_id, station_id)
        if target is not tx:
            record.arrival = target.arrivals
            target.arrivals += 1
            moves.append(_move_row(row, target, record))
            gaining.add(target.key)
        if target.is_unmatched_holder:
            transaction_state.count_unmatched(target.state, record)
        else:
            # The next event is matched by this state; it is rebuilt afterwards, so that the order does not matter.
            transaction_state.apply(target.state, record)
    return moves, gaining


def _move_row(row: store.EventRecordRow, target: TrackedTransaction, record: EventRecord) -> dict[str, Any]:
    return {
        "tenant_id": row.tenant_id,
        "station_id": row.station_id,
        "content_key": row.content_key,
        "repeat_no": row.repeat_no,
        "transaction_id": target.key[2],
        "generation": target.key[3],
        "tx_hash": events_hash(*target.key),
        "fact": stored_form.encode(record),
    }


def _rebuild(tx: TrackedTransaction, records: Sequence[EventRecord]) -> None:
    tx.changed = True
    if not tx.is_unmatched_holder:
        tx.state = transaction_state.rebuild(records, tx.state)
        return
    # A holder keeps its position in lists, and the latest time of the holders before it.
    before = tx.state
    tx.state = TransactionState(latest_us=before.latest_us if tx.generation > 1 else 0)
    for record in records:
        transaction_state.count_unmatched(tx.state, record)
    tx.state.created_us = before.created_us
