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
from transaction_svc import announcements, fold, naming, neighbours, store, stored_form, unmatched
from transaction_svc.book import Book, Known
from transaction_svc.concurrency import NO_TOKEN, TokenAnswer, answer, identifies, note_concurrent
from transaction_svc.contents import flags_text, name_hash
from transaction_svc.facts import ENDED, STARTED, Fact
from transaction_svc.intake import Incoming
from transaction_svc.meter_profiles import MeterTerms
from transaction_svc.oddities import Oddities
from transaction_svc.tracked import Name, Tx

# A stop that names neither transaction nor connector may come late, when the next start has taken its transaction for
# ended: so each of the connectors that a station may have is asked. Beyond these, only what is open is found.
_CONNECTORS = range(1, 9)

_CONTENT = itemgetter("tenant_id", "station_id", "content_key")
_KEY = attrgetter("key")


class Recorded(msgspec.Struct, frozen=True):
    """What became of one event."""

    transaction_id: str
    repeated: bool
    token: TokenAnswer = NO_TOKEN
    quirks: tuple[str, ...] = ()


def record(
    connection: Connection, items: Sequence[Incoming], now_us: int, meters: MeterTerms, *, may_begin: bool = True
) -> Sequence[Recorded]:
    """Records events; what became of each, in their order. New transactions take their terms from `meters`.

    Unless they `may_begin` transactions, raises MeshError STATION_NOT_ACCEPTED where one does not belong to a
    transaction that was recorded before.
    """
    numbers = _numbers(connection, items)
    book = Book()
    book.take_lookups(items, store.lock_and_look_up(connection, _lock_keys(items), _lookups(items, numbers)))
    strays = _look_around(connection, book, items)
    if beginning := _may_begin_at(book, items):
        book.terms = meters.find(connection, beginning, now_us)
    oddities = Oddities()
    taken = [
        _record_one(book, item, number, oddities, stray=id(item) in strays)
        for item, number in zip(items, numbers, strict=True)
    ]
    if not may_begin:
        _check_known(taken, items)
    if book.event_rows():
        write_back(connection, book, now_us=now_us)
    return [
        Recorded(
            known.tx.transaction_id,
            repeated,
            answer(item, known, repeated=repeated),
            oddities.of(item, known.tx, repeated=repeated),
        )
        for (known, repeated), item in zip(taken, items, strict=True)
    ]


def write_back(connection: Connection, book: Book, *, now_us: int) -> None:
    """Writes the events that a book has, and what has become of its transactions; their stations are locked."""
    events = sorted(book.event_rows(), key=_CONTENT)
    if book.anew:
        store.write(connection, events=events)
        events = []
        fold_names_anew(connection, book)
    neighbours.link(connection, book)
    if unsettled := unmatched.unsettled(book):
        store.write(connection, events=events)
        events = []
        unmatched.settle(connection, book, unsettled)
        neighbours.link(connection, book)  # registers at their ends may be others now
    write_changes(connection, book, events, now_us=now_us)


def _check_known(taken: Iterable[tuple[Known, bool]], items: Iterable[Incoming]) -> None:
    """What waits belongs to no transaction; a second start begins a new one."""
    for (known, repeated), item in zip(taken, items, strict=True):
        tx = known.tx
        if not repeated and (not tx.stored or tx.before.waiting or (item.fact.kind == STARTED and tx.before.started)):
            raise MeshError(
                grpc.StatusCode.FAILED_PRECONDITION,
                "STATION_NOT_ACCEPTED",
                "the station is not accepted, and this belongs to no transaction that it had before",
            )


def _lock_keys(items: Iterable[Incoming]) -> Iterable[str]:
    """Each station, and each token that may begin to hold a transaction."""
    keys = {store.station_lock(item.name[1]) for item in items}
    keys.update(f"token:{item.name[0]}:{match_key(item.fact.id_token)}" for item in items if identifies(item.fact))
    return keys


def _numbers(connection: Connection, items: Sequence[Incoming]) -> Sequence[str]:
    """A number for each 1.6 start, drawn before it is known whether the start is a repeat; empty for all else."""
    numbered = [item.is_numbered_start for item in items]
    if True not in numbered:
        return [""] * len(items)
    drawn = iter(store.allocate_numbers(connection, numbered.count(True)))
    return [str(next(drawn)) if is_start else "" for is_start in numbered]


def _lookups(items: Sequence[Incoming], numbers: Sequence[str]) -> Iterable[dict[str, Any]]:
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


def _may_begin_at(book: Book, items: Iterable[Incoming]) -> set[tuple[str, str]]:
    """Stations of which a transaction may begin with one of the items; no others can (`naming.py`)."""
    return {
        item.name[:2]
        for item in items
        if item.fact.kind == STARTED or (item.fact.seq_no is not None and book.latest(item.name) is None)
    }


def _look_around(connection: Connection, book: Book, items: Sequence[Incoming]) -> Container[int]:
    """Reads what decides where events belong that do not say so; returns which those are, by their `id()`.

    And what is beside the starts, which has to be read for each of them at some time.
    """
    places: list[neighbours.Place] = []
    strays: list[Incoming] = []
    for item in items:
        fact = item.fact
        if fact.kind == STARTED:
            if fact.evse_id and _may_be_new(book, item):
                places.append((*item.name[:2], fact.evse_id, fact.order_us))
        elif fact.seq_no is None and naming.is_stray(book, item):
            strays.append(item)
    if strays:
        unmatched.read_others(connection, book, {item.name[:2] for item in strays})
        for item in strays:
            evses = _CONNECTORS if item.fact.kind == ENDED else (item.fact.evse_id,)
            places.extend((*item.name[:2], evse_id, item.fact.order_us) for evse_id in evses if evse_id)
        if stops := sorted({item.name[:2] for item in strays if item.fact.kind == ENDED}):
            unmatched.note_numbers(connection, book, stops)
            for row in store.open_transactions(connection, stops):
                book.adopt(row)
    if places:
        neighbours.read_beside(connection, book, places)
    return frozenset(id(item) for item in strays)


def _may_be_new(book: Book, item: Incoming) -> bool:
    """Whether a start may begin a transaction, or turn out to be that of one beside it."""
    if item.is_numbered_start:
        # One that is recorded may be another one all the same, where the station has no clock.
        return book.recorded(item) is None or not item.plausible
    return book.latest(item.name) is None


def _record_one(book: Book, item: Incoming, number: str, oddities: Oddities, *, stray: bool) -> tuple[Known, bool]:
    """Adds an event to its transaction, unless it is recorded already."""
    repeat_no = 0
    known = book.recorded(item)
    if known is not None:
        if _is_repeat(book, item, known):
            return known, True
        repeat_no = known.repeat_no + 1
    tx = naming.find_transaction(book, item, number, stray=stray)
    oddities.before(item, tx)
    known = book.add(item, tx, repeat_no)
    # A start that was sent again with another time is kept, and is a repeat all the same.
    return known, bool(number) and tx.transaction_id != number


def _is_repeat(book: Book, item: Incoming, known: Known) -> bool:
    """Whether an event like one that is recorded is the same event, told again.

    A station that lost its clock begins each transaction at the same time, and may tell all of it in the same words as
    the one before. But what was read before the recorded one, or over an older connection, is a copy that comes late.
    """
    if item.plausible or (item.epoch, item.ordinal) <= (known.epoch, known.ordinal):
        return True
    if item.fact.kind == STARTED:
        return not known.tx.fold.ended
    latest = book.latest(item.name)
    begun_anew = latest is not None and latest.name == known.tx.name and latest.generation > known.tx.generation
    return latest is None or not begun_anew or latest.fold.stopped


def fold_names_anew(connection: Connection, book: Book) -> None:
    """Folds anew what came out of order, and puts events into the generation they turn out to belong to."""
    wanted = [
        {
            "tenant_id": name[0],
            "station_id": name[1],
            "transaction_id": name[2],
            "generation": generation,
            "tx_hash": name_hash(*name),
        }
        for name, generation in sorted(book.anew.items())
    ]
    by_name: dict[Name, list[store.FactRow]] = {}
    for row in store.facts(connection, wanted):
        by_name.setdefault((row.tenant_id, row.station_id, row.transaction_id), []).append(row)
    for tx_row in store.generations(connection, wanted):
        book.adopt(tx_row)
    moves: list[dict[str, Any]] = []
    for name, rows in by_name.items():
        moves.extend(_fold_name(book, name, rows))
    if moves:
        store.move_events(connection, sorted(moves, key=_CONTENT))


def _fold_name(book: Book, name: Name, rows: Sequence[store.FactRow]) -> Iterable[dict[str, Any]]:
    """Folds the events of a name anew; returns the rows of those that move to another generation."""
    told = [(stored_form.decode_fact(row.fact), row) for row in rows]
    row_of = {id(fact): row for fact, row in told}
    for generation, use in _uses(told, book.anew[name]):
        tx = book.get((*name, generation))
        tx.fold = fold.fold_anew(use, tx.fold)
        tx.changed = True
        for fact in use:
            row = row_of[id(fact)]
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


def _uses(told: Sequence[tuple[Fact, store.FactRow]], first: int) -> Iterable[tuple[int, Sequence[Fact]]]:
    """The uses of a name with their generations. Where we gave the name (1.6), each event keeps its generation."""
    if any(fact.seq_no is not None for fact, _row in told):
        return enumerate(fold.generations(fact for fact, _row in told), start=first)
    kept: dict[int, list[Fact]] = {}
    for fact, row in told:
        kept.setdefault(row.generation, []).append(fact)
    return kept.items()


def write_changes(connection: Connection, book: Book, events: Sequence[Mapping[str, Any]], *, now_us: int) -> None:
    """Writes events that are not written yet, the transactions that the batch changed, and what the outbox tells."""
    changed = sorted(book.changed(), key=_KEY)
    fresh, known, running, ended = list[Tx](), list[Tx](), list[Tx](), list[Tx]()
    for tx in changed:
        tx.sum_up()
        if not tx.stored:
            fresh.append(tx)
        elif not tx.is_plain or tx.name in book.anew or tx.has_other_columns:
            known.append(tx)
        else:
            (running if tx.is_ordinary else ended).append(tx)
    outbox.append(connection, announcements.announce(changed, now_us=now_us))
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


def _running_row(tx: Tx) -> dict[str, Any]:
    tenant_id, station_id, transaction_id, generation = tx.key
    state = tx.fold
    return {
        "tenant_id": tenant_id,
        "station_id": station_id,
        "transaction_id": transaction_id,
        "generation": generation,
        "fold": stored_form.encode(state),
        "energy_mwh": state.meter.energy_mwh,
        "update_us": state.updated_us,
    }


def _ended_row(tx: Tx) -> dict[str, Any]:
    row = _running_row(tx)
    row["ended"], row["end_us"] = True, tx.fold.end_us
    return row


def _tx_row(tx: Tx) -> dict[str, Any]:
    tenant_id, station_id, transaction_id, generation = tx.key
    state = tx.fold
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


def _new_row(tx: Tx) -> dict[str, Any]:
    row = _tx_row(tx)
    row["station_hash"] = name_hash(*tx.key[:2])
    return row
