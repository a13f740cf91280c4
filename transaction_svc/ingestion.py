"""Records a batch of transaction events in one database transaction, with a constant number of statements.

Lock, read, decide and fold in memory, write. docs of each step: naming (which transaction), fold (what it comes to),
neighbours (what the next start on an EVSE ends), announcements (what the outbox tells).
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from operator import attrgetter, itemgetter
from typing import Any

import grpc
import msgspec
from sqlalchemy import Connection

from mesh import outbox
from mesh.errors import MeshError
from mesh.id_tokens import match_key
from transaction_svc import (
    adjacent_transactions,
    matching,
    outbox_events,
    store,
    stored_form,
    transaction_state,
    unmatched,
)
from transaction_svc.anomalies import Anomalies
from transaction_svc.batch_context import BatchContext, RecordedEvent
from transaction_svc.concurrency import NO_TOKEN, TokenAnswer, answer, identifies, note_concurrent
from transaction_svc.event_record import ENDED, STARTED, EventRecord
from transaction_svc.idempotency_keys import flags_text, name_hash
from transaction_svc.meter_profiles import MeterTerms
from transaction_svc.received_items import ReceivedEvent
from transaction_svc.tracked_transaction import Name, TrackedTransaction

# A stop that names neither transaction nor connector may come late, when the next start has taken its transaction for
# ended: so each of the connectors that a station may have is asked. Beyond these, only what is open is found.
_CONNECTORS = range(1, 9)

_CONTENT = itemgetter("tenant_id", "station_id", "content_key")
_KEY = attrgetter("key")

_Transactions = list[TrackedTransaction]


class IngestResult(msgspec.Struct, frozen=True):
    """What became of one event."""

    transaction_id: str
    repeated: bool
    token: TokenAnswer = NO_TOKEN
    quirks: tuple[str, ...] = ()


def ingest_batch(
    connection: Connection, items: Sequence[ReceivedEvent], now_us: int, meters: MeterTerms, *, may_begin: bool = True
) -> Sequence[IngestResult]:
    """Records events; what became of each, in their order. New transactions take their terms from `meters`.

    Unless they `may_begin` transactions, raises MeshError STATION_NOT_ACCEPTED where one does not belong to a
    transaction that was recorded before.
    """
    numbers = _numbers(connection, items)
    batch = BatchContext()
    batch.add_lookups(items, store.lock_and_look_up(connection, _lock_keys(items), _lookups(items, numbers)))
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
        )
        for (known, repeated), item in zip(taken, items, strict=True)
    ]


def write_back(connection: Connection, batch: BatchContext, *, now_us: int) -> None:
    """Writes the events that a book has, and what has become of its transactions; their stations are locked."""
    events = sorted(batch.event_rows(), key=_CONTENT)
    if batch.to_rebuild:
        store.write(connection, events=events)
        events = []
        rebuild_names(connection, batch)
    adjacent_transactions.link(connection, batch)
    if to_reassign := unmatched.to_reassign(batch):
        store.write(connection, events=events)
        events = []
        unmatched.reassign(connection, batch, to_reassign)
        adjacent_transactions.link(connection, batch)  # registers at their ends may be others now
    write_changes(connection, batch, events, now_us=now_us)


def _check_known(taken: Iterable[tuple[RecordedEvent, bool]], items: Iterable[ReceivedEvent]) -> None:
    """What waits belongs to no transaction; a second start begins a new one."""
    for (known, repeated), item in zip(taken, items, strict=True):
        tx = known.tx
        if not repeated and (not tx.stored or tx.before.waiting or (item.record.kind == STARTED and tx.before.started)):
            raise MeshError(
                grpc.StatusCode.FAILED_PRECONDITION,
                "STATION_NOT_ACCEPTED",
                "the station is not accepted, and this belongs to no transaction that it had before",
            )


def _lock_keys(items: Iterable[ReceivedEvent]) -> Iterable[str]:
    """Each station, and each token that may begin to hold a transaction."""
    keys = {store.station_lock(item.name[1]) for item in items}
    keys.update(f"token:{item.name[0]}:{match_key(item.record.id_token)}" for item in items if identifies(item.record))
    return keys


def _numbers(connection: Connection, items: Sequence[ReceivedEvent]) -> Sequence[str]:
    """A number for each 1.6 start, drawn before it is known whether the start is a repeat; empty for all else."""
    numbered = [item.is_numbered_start for item in items]
    if True not in numbered:
        return [""] * len(items)
    drawn = iter(store.allocate_numbers(connection, numbered.count(True)))
    return [str(next(drawn)) if is_start else "" for is_start in numbered]


def _lookups(items: Sequence[ReceivedEvent], numbers: Sequence[str]) -> Iterable[dict[str, Any]]:
    """What asks for each event, and for the name that it has; with a 1.6 start, also for what may wait for it."""
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
    """Stations of which a transaction may begin with one of the items; no others can (`naming.py`)."""
    return {
        item.name[:2]
        for item in items
        if item.record.kind == STARTED or (item.record.seq_no is not None and batch.latest(item.name) is None)
    }


def _read_surroundings(connection: Connection, batch: BatchContext, items: Sequence[ReceivedEvent]) -> Container[int]:
    """Reads what decides where events belong that do not say so; returns which those are, by their `id()`.

    And what is beside the starts, which has to be read for each of them at some time.
    """
    positions: list[adjacent_transactions.EvsePosition] = []
    to_match: list[ReceivedEvent] = []
    for item in items:
        record = item.record
        if record.kind == STARTED:
            if record.evse_id and _may_be_new(batch, item):
                positions.append((*item.name[:2], record.evse_id, record.order_us))
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


def _may_be_new(batch: BatchContext, item: ReceivedEvent) -> bool:
    """Whether a start may begin a transaction, or turn out to be that of one beside it."""
    if item.is_numbered_start:
        # One that is recorded may be another one all the same, where the station has no clock.
        return batch.recorded(item) is None or not item.plausible
    return batch.latest(item.name) is None


def _ingest_one(
    batch: BatchContext, item: ReceivedEvent, number: str, anomalies: Anomalies, *, by_match: bool
) -> tuple[RecordedEvent, bool]:
    """Adds an event to its transaction, unless it is recorded already."""
    repeat_no = 0
    known = batch.recorded(item)
    if known is not None:
        if _is_repeat(batch, item, known):
            return known, True
        repeat_no = known.repeat_no + 1
    tx = matching.find_transaction(batch, item, number, by_match=by_match)
    anomalies.before(item, tx)
    known = batch.add(item, tx, repeat_no)
    # A start that was sent again with another time is kept, and is a repeat all the same.
    return known, bool(number) and tx.transaction_id != number


def _is_repeat(batch: BatchContext, item: ReceivedEvent, known: RecordedEvent) -> bool:
    """Whether an event like one that is recorded is the same event, told again.

    A station that lost its clock begins each transaction at the same time, and may tell all of it in the same words as
    the one before. But what was read before the recorded one, or over an older connection, is a copy that comes late.
    """
    if item.plausible or (item.epoch, item.ordinal) <= (known.epoch, known.ordinal):
        return True
    if item.record.kind == STARTED:
        return not known.tx.state.ended
    latest = batch.latest(item.name)
    has_newer_use = latest is not None and latest.name == known.tx.name and latest.generation > known.tx.generation
    return latest is None or not has_newer_use or latest.state.stopped


def rebuild_names(connection: Connection, batch: BatchContext) -> None:
    """Folds anew what came out of order, and puts events into the generation they turn out to belong to."""
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
    by_name: dict[Name, list[store.EventRecordRow]] = {}
    for row in store.event_records(connection, wanted):
        by_name.setdefault((row.tenant_id, row.station_id, row.transaction_id), []).append(row)
    for tx_row in store.generations(connection, wanted):
        batch.adopt(tx_row)
    moves: list[dict[str, Any]] = []
    for name, rows in by_name.items():
        moves.extend(_rebuild_name(batch, name, rows))
    if moves:
        store.move_events(connection, sorted(moves, key=_CONTENT))


def _rebuild_name(batch: BatchContext, name: Name, rows: Sequence[store.EventRecordRow]) -> Iterable[dict[str, Any]]:
    """Folds the events of a name anew; returns the rows of those that move to another generation."""
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
    """The uses of a name with their generations. Where we gave the name (1.6), each event keeps its generation."""
    if any(record.seq_no is not None for record, _row in decoded):
        return enumerate(transaction_state.generations(record for record, _row in decoded), start=first)
    kept: dict[int, list[EventRecord]] = {}
    for record, row in decoded:
        kept.setdefault(row.generation, []).append(record)
    return kept.items()


def write_changes(
    connection: Connection, batch: BatchContext, events: Sequence[Mapping[str, Any]], *, now_us: int
) -> None:
    """Writes events that are not written yet, the transactions that the batch changed, and what the outbox tells."""
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
        fresh=[_new_row(tx) for tx in fresh],
        known=[_tx_row(tx) for tx in known],
        running=[_running_row(tx) for tx in running],
        ended=[_ended_row(tx) for tx in ended],
    )
    if noted := note_concurrent(connection, changed):
        store.write(connection, known=[_tx_row(tx) for tx in sorted(noted, key=_KEY)])


def _running_row(tx: TrackedTransaction) -> dict[str, Any]:
    tenant_id, station_id, transaction_id, generation = tx.key
    state = tx.state
    return {
        "tenant_id": tenant_id,
        "station_id": station_id,
        "transaction_id": transaction_id,
        "generation": generation,
        "fold": stored_form.encode(state),
        "energy_mwh": state.meter.energy_mwh,
        "update_us": state.updated_us,
    }


def _ended_row(tx: TrackedTransaction) -> dict[str, Any]:
    row = _running_row(tx)
    row["ended"], row["end_us"] = True, tx.state.end_us
    return row


def _tx_row(tx: TrackedTransaction) -> dict[str, Any]:
    tenant_id, station_id, transaction_id, generation = tx.key
    state = tx.state
    is_open = tx.is_ordinary
    # What is no transaction (yet) is found by no rule about transactions: it has no place, no token, and is not open.
    evse_id = state.evse_id if is_open or state.counts else 0
    return {
        "tenant_id": tenant_id,
        "station_id": station_id,
        "transaction_id": transaction_id,
        "generation": generation,
        "fold": stored_form.encode(state),
        "ended": not is_open and (state.ended or state.waiting),
        "token_key": match_key(state.holder[0]) if is_open or not state.waiting else "",
        "evse_id": evse_id,
        "evse_hash": name_hash(tenant_id, station_id, str(evse_id)),
        "waiting": not is_open and state.waiting,
        "begin_us": state.begin_us,
        "start_us": state.start_us,
        "end_us": None if is_open else state.end_us,
        "energy_mwh": state.meter.energy_mwh,
        "create_us": state.created_us,
        "update_us": state.updated_us,
        "token_held": bool(state.id_token) if is_open else state.holds_token,
        "flags": flags_text(tx.flags),
        "hanging_due_us": None if is_open else state.hanging_due_us,
    }


def _new_row(tx: TrackedTransaction) -> dict[str, Any]:
    row = _tx_row(tx)
    row["station_hash"] = name_hash(*tx.key[:2])
    return row
