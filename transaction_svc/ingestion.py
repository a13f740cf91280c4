"""Records a batch of transaction events in one database transaction, with a constant number of statements.

Lock and read, decide and apply in memory, write. The steps have modules of their own: `matching` finds the transaction
of an event, `transaction_state` applies the event, `adjacent_transactions` links the transactions of an EVSE,
`unmatched` reassigns events, `outbox_events` makes the events for other services.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from operator import attrgetter, itemgetter
from typing import Any

import grpc
import msgspec
from sqlalchemy import Connection

from mesh.contract.id_tokens import match_key
from mesh.events import outbox
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from transaction_svc import (
    adjacent_transactions,
    matching,
    number_store,
    outbox_events,
    store,
    stored_form,
    transaction_columns,
    transaction_state,
    unmatched,
)
from transaction_svc.anomalies import Anomalies
from transaction_svc.batch_context import BatchContext, RecordedEvent
from transaction_svc.concurrency import NO_TOKEN, TokenAnswer, answer, identifies, note_concurrent
from transaction_svc.event_record import ENDED, STARTED, EventRecord
from transaction_svc.idempotency_keys import name_hash
from transaction_svc.meter_profiles import MeterTerms
from transaction_svc.pricing import Usage
from transaction_svc.received_items import ReceivedEvent
from transaction_svc.tracked_transaction import Key, Name, TrackedTransaction

# A stop without transaction and connector may come late, when the next start has superseded its transaction. Then its
# transaction is looked for on these connectors; on others only open transactions are found.
_CONNECTORS = range(1, 9)

_CONTENT = itemgetter("tenant_id", "station_id", "content_key")
_KEY = attrgetter("key")

_Transactions = list[TrackedTransaction]


class IngestResult(msgspec.Struct, frozen=True):
    """The outcome of one event."""

    transaction_id: str
    repeated: bool
    token: TokenAnswer = NO_TOKEN
    quirks: tuple[str, ...] = ()
    priced: TrackedTransaction | None = None  # where the station may be answered its cost


def ingest_batch(
    connection: Connection, items: Sequence[ReceivedEvent], now_us: int, meters: MeterTerms, *, may_begin: bool = True
) -> Sequence[IngestResult]:
    """Records events; returns the outcome of each, in order. New transactions get their terms from `meters`.

    Without `may_begin`, raises MeshError STATION_NOT_ACCEPTED where an event does not belong to a transaction that was
    recorded before.
    """
    numbers = _numbers(connection, items)
    batch = BatchContext()
    batch.add_lookups(items, store.lock_and_look_up(connection, _lock_keys(items), _lookups(items, numbers)))
    if packed := _packed(batch, items):
        store.unpack(connection, packed)
        batch = BatchContext()
        batch.add_lookups(items, store.look_up(connection, _lookups(items, numbers)))
    to_match = _read_surroundings(connection, batch, items)
    if beginning := _may_begin_at(batch, items):
        batch.terms = meters.find(connection, beginning, now_us)
    anomalies = Anomalies()
    taken = [
        _ingest_one(batch, item, number, anomalies, by_match=id(item) in to_match)
        for item, number in zip(items, numbers, strict=True)
    ]
    if not may_begin:
        _check_known(taken, items)
    if batch.event_rows():
        write_back(connection, batch, now_us=now_us)
    return [
        IngestResult(
            known.tx.transaction_id,
            repeated,
            answer(item, known, repeated=repeated),
            anomalies.of(item, known.tx, repeated=repeated),
            known.tx if item.record.seq_no is not None and item.record.kind != STARTED else None,
        )
        for (known, repeated), item in zip(taken, items, strict=True)
    ]


def usage_of(tx: TrackedTransaction) -> Usage | None:
    """The usage to price; None for a transaction that has not begun, or that nobody was accepted for."""
    state = tx.state
    if not state.started or state.authorization_status:
        return None
    end_us = state.stop_order_us if state.stopped else state.latest_us
    return Usage(*tx.name, state.meter.energy_mwh, end_us - state.begin_us, state.ended)


def write_back(connection: Connection, batch: BatchContext, *, now_us: int) -> None:
    """Writes the events and transactions of a batch, whose stations must be locked."""
    events = sorted(batch.event_rows(), key=_CONTENT)
    if batch.to_rebuild:
        store.write(connection, events=events)
        events = []
        rebuild_names(connection, batch)
    adjacent_transactions.link(connection, batch)
    if candidates := unmatched.find_candidates(batch):
        store.write(connection, events=events)
        events = []
        unmatched.reassign(connection, batch, candidates)
        adjacent_transactions.link(connection, batch)  # registers at their ends may have changed
    write_changes(connection, batch, events, now_us=now_us)


def _check_known(taken: Iterable[tuple[RecordedEvent, bool]], items: Iterable[ReceivedEvent]) -> None:
    """Refuses events that wait for a transaction, and starts that begin a further one."""
    for (known, repeated), item in zip(taken, items, strict=True):
        tx = known.tx
        if not repeated and (not tx.stored or tx.before.waiting or (item.record.kind == STARTED and tx.before.started)):
            raise MeshError(
                grpc.StatusCode.FAILED_PRECONDITION,
                Reason.STATION_NOT_ACCEPTED,
                "the station is not accepted, and this belongs to no transaction that it had before",
            )


def _packed(batch: BatchContext, items: Iterable[ReceivedEvent]) -> set[Key]:
    """The transactions that events have come for, late or again, and whose events are packed. Starts never are."""
    return {
        tx.key
        for item in items
        if item.record.kind != STARTED and (tx := batch.latest(item.name)) is not None and tx.state.packed
    }


def _lock_keys(items: Iterable[ReceivedEvent]) -> Iterable[str]:
    """A lock for each station, and for each token that may begin to hold a transaction."""
    keys = {store.station_lock(item.name[0], item.name[1]) for item in items}
    keys.update(f"token:{item.name[0]}:{match_key(item.record.id_token)}" for item in items if identifies(item.record))
    return keys


def _numbers(connection: Connection, items: Sequence[ReceivedEvent]) -> Sequence[str]:
    """A number for each 1.6 start, drawn before it is known whether the start is a repeat; empty for other events."""
    numbered = [item.is_numbered_start for item in items]
    if True not in numbered:
        return [""] * len(items)
    drawn = iter(number_store.allocate_numbers(connection, numbered.count(True)))
    return [str(next(drawn)) if is_start else "" for is_start in numbered]


def _lookups(items: Sequence[ReceivedEvent], numbers: Sequence[str]) -> Iterable[dict[str, Any]]:
    """Rows that look up each event and its transaction's name; for a 1.6 start also the unmatched events."""
    rows = [
        {
            "n": n,
            "tenant_id": item.name[0],
            "station_id": item.name[1],
            "content_key": item.content[2],
            "transaction_id": numbers[n] or item.name[2],
        }
        for n, item in enumerate(items)
    ]
    rows.extend(unmatched.lookup_row(n, *item.name[:2], "") for n, item in enumerate(items) if numbers[n])
    return rows


def _may_begin_at(batch: BatchContext, items: Iterable[ReceivedEvent]) -> set[tuple[str, str]]:
    """The stations of items that may begin a transaction (`matching.py`)."""
    return {
        item.name[:2]
        for item in items
        if item.record.kind == STARTED or (item.record.seq_no is not None and batch.latest(item.name) is None)
    }


def _read_surroundings(connection: Connection, batch: BatchContext, items: Sequence[ReceivedEvent]) -> Container[int]:
    """Reads the transactions that matching needs; returns the `id()` of items that are matched by content.

    Also reads the transactions adjacent to starts, which `adjacent_transactions.link` needs later.
    """
    positions: list[adjacent_transactions.EvsePosition] = []
    to_match: list[ReceivedEvent] = []
    for item in items:
        record = item.record
        if record.kind == STARTED:
            if record.evse_id and _may_be_new(batch, item):
                positions.extend(_positions_of_start(item))
        elif record.seq_no is None and matching.needs_matching(batch, item):
            to_match.append(item)
    if to_match:
        unmatched.read_unmatched(connection, batch, {item.name[:2] for item in to_match})
        for item in to_match:
            evses = _CONNECTORS if item.record.kind == ENDED else (item.record.evse_id,)
            positions.extend((*item.name[:2], evse_id, item.record.order_us) for evse_id in evses if evse_id)
        if stops := sorted({item.name[:2] for item in to_match if item.record.kind == ENDED}):
            unmatched.note_foreign_numbers(connection, batch, stops)
            for row in store.open_transactions(connection, stops):
                batch.adopt(row)
    if positions:
        adjacent_transactions.read_adjacent(connection, batch, positions)
    return frozenset(id(item) for item in to_match)


def _positions_of_start(item: ReceivedEvent) -> Iterable[adjacent_transactions.EvsePosition]:
    record = item.record
    yield *item.name[:2], record.evse_id, record.order_us
    if item.is_numbered_start:  # a refused one may be sent again, with another time
        yield *item.name[:2], -record.evse_id, record.order_us


def _may_be_new(batch: BatchContext, item: ReceivedEvent) -> bool:
    """Whether a start may begin a transaction, or may be the start of an adjacent one sent again."""
    if item.is_numbered_start:
        # Without a plausible clock, a start with the content of a recorded one may be another one.
        return batch.recorded(item) is None or not item.plausible
    return batch.latest(item.name) is None


def _ingest_one(
    batch: BatchContext, item: ReceivedEvent, number: str, anomalies: Anomalies, *, by_match: bool
) -> tuple[RecordedEvent, bool]:
    """Adds an event to its transaction, unless it is recorded already; returns it, and whether it is a repeat."""
    repeat_no = 0
    known = batch.recorded(item)
    if known is not None:
        if _is_repeat(batch, item, known):
            return known, True
        repeat_no = known.repeat_no + 1
    tx = matching.find_transaction(batch, item, number, by_match=by_match)
    anomalies.before(item, tx)
    known = batch.add(item, tx, repeat_no)
    # A start that is sent again with another time is recorded too, and is answered as a repeat.
    return known, bool(number) and tx.transaction_id != number


def _is_repeat(batch: BatchContext, item: ReceivedEvent, known: RecordedEvent) -> bool:
    """Whether an event with the content of a recorded one is the same event, sent again.

    A station without a clock begins each transaction at the same time, and may send two with the same content. But an
    event that was read before the recorded one, or over an older connection, is a copy that comes late.
    """
    if item.plausible or (item.epoch, item.ordinal) <= (known.epoch, known.ordinal):
        return True
    if item.record.kind == STARTED:
        return not known.tx.state.ended
    latest = batch.latest(item.name)
    has_newer_use = latest is not None and latest.name == known.tx.name and latest.generation > known.tx.generation
    return latest is None or not has_newer_use or latest.state.stopped


def rebuild_names(connection: Connection, batch: BatchContext) -> None:
    """Rebuilds transactions whose events came out of order, and moves events between generations."""
    wanted = [
        {
            "tenant_id": name[0],
            "station_id": name[1],
            "transaction_id": name[2],
            "generation": generation,
            "tx_hash": name_hash(*name),
        }
        for name, generation in sorted(batch.to_rebuild.items())
    ]
    txs = (batch.adopt(tx_row) for tx_row in store.generations(connection, wanted))
    if packed := [tx.key for tx in txs if tx.state.packed]:
        store.unpack(connection, packed)
    by_name: dict[Name, list[store.EventRecordRow]] = {}
    for row in store.event_records(connection, wanted):
        by_name.setdefault((row.tenant_id, row.station_id, row.transaction_id), []).append(row)
    moves: list[dict[str, Any]] = []
    for name, rows in by_name.items():
        moves.extend(_rebuild_name(batch, name, rows))
    if moves:
        store.move_events(connection, sorted(moves, key=_CONTENT))


def _rebuild_name(batch: BatchContext, name: Name, rows: Sequence[store.EventRecordRow]) -> Iterable[dict[str, Any]]:
    """Rebuilds the transactions of a name; returns the rows of events that move to another generation."""
    decoded = [(stored_form.decode_record(row.fact), row) for row in rows]
    row_of = {id(record): row for record, row in decoded}
    for generation, use in _uses(decoded, batch.to_rebuild[name]):
        tx = batch.get((*name, generation))
        tx.state = transaction_state.rebuild(use, tx.state)
        tx.changed = True
        for record in use:
            row = row_of[id(record)]
            if row.generation != generation:
                yield {
                    "tenant_id": row.tenant_id,
                    "station_id": row.station_id,
                    "content_key": row.content_key,
                    "repeat_no": row.repeat_no,
                    "transaction_id": row.transaction_id,
                    "generation": generation,
                    "tx_hash": name_hash(*name),
                    "fact": row.fact,
                }


def _uses(
    decoded: Sequence[tuple[EventRecord, store.EventRecordRow]], first: int
) -> Iterable[tuple[int, Sequence[EventRecord]]]:
    """The uses of a name with their generations. In 1.6, where names are unique, each event keeps its generation."""
    if any(record.seq_no is not None for record, _row in decoded):
        return enumerate(transaction_state.generations(record for record, _row in decoded), start=first)
    kept: dict[int, list[EventRecord]] = {}
    for record, row in decoded:
        kept.setdefault(row.generation, []).append(record)
    return kept.items()


def write_changes(
    connection: Connection, batch: BatchContext, events: Sequence[Mapping[str, Any]], *, now_us: int
) -> None:
    """Writes events that are not written yet, the changed transactions of the batch, and their outbox events."""
    changed = sorted(batch.changed(), key=_KEY)
    fresh, known, running, ended = _Transactions(), _Transactions(), _Transactions(), _Transactions()
    for tx in changed:
        tx.sum_up()
        if not tx.stored:
            fresh.append(tx)
        elif not tx.is_plain or tx.name in batch.to_rebuild or tx.has_other_columns:
            known.append(tx)
        else:
            (running if tx.is_ordinary else ended).append(tx)
    outbox.append(connection, outbox_events.to_outbox_events(changed, now_us=now_us))
    store.write(
        connection,
        events=events,
        fresh=[transaction_columns.new_row(tx) for tx in fresh],
        known=[transaction_columns.full_row(tx) for tx in known],
        running=[transaction_columns.running_row(tx) for tx in running],
        ended=[transaction_columns.ended_row(tx) for tx in ended],
    )
    if noted := note_concurrent(connection, changed):
        store.write(connection, known=[transaction_columns.full_row(tx) for tx in sorted(noted, key=_KEY)])
