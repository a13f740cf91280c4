"""Events that name no transaction (quirk 18), when it turns out which one they belong to, or that it is another one.

Told by when things happened, not by when we heard of them: an event that came before its start joins it when that
comes; one that was taken for a transaction's goes to the one that began between, or waits again where a stop shows that
nothing was open. Costs nothing unless a station sends such events: then a start or a stop reads them again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from transaction_svc import fold, neighbours, store, stored_form
from transaction_svc.book import Book
from transaction_svc.contents import events_hash
from transaction_svc.facts import Fact
from transaction_svc.fold import Fold
from transaction_svc.naming import find_match
from transaction_svc.tracked import Key, Tx

Station = tuple[str, str]
_Event = tuple[Tx, store.FactRow, Fact]

# A stop that joins a transaction may set free what was taken for it and came after, and that may be another's.
_PASSES = 3


def read_others(connection: Connection, book: Book, stations: Iterable[Station]) -> None:
    """Reads what is kept of stations that belongs to no transaction, so that more of it finds its place."""
    names = [(tenant_id, station_id, "") for tenant_id, station_id in book.missing(stations)]
    if names:
        rows = [lookup_row(n, *name) for n, name in enumerate(names)]
        book.take_lookups((), store.look_up(connection, rows))


def note_numbers(connection: Connection, book: Book, stations: Iterable[Station]) -> None:
    """Notes which numbers of other systems stations have named."""
    held = [tx for station in sorted(set(stations)) if (tx := book.latest((*station, ""))) and tx.stored]
    for tx, _row, fact in _read(connection, book, [tx.key for tx in held]):
        if not fact.names_none:
            book.note_other((*tx.key[:2], fact.named), fact.frame)


def lookup_row(n: int, tenant_id: str, station_id: str, transaction_id: str) -> dict[str, Any]:
    """What asks for the latest generation of a name."""
    return {
        "n": n,
        "tenant_id": tenant_id,
        "station_id": station_id,
        "content_key": None,  # looked for by name alone
        "transaction_id": transaction_id,
    }


def unsettled(book: Book) -> Sequence[Tx]:
    """Transactions, and what holds events that belong to none, of which events may turn out to belong elsewhere.

    They may belong to a transaction that has just begun: those that wait, and those of the one before it on its
    connector. Or they may be no part of one that ended before the last of them.
    """
    found: list[Tx] = []
    for tx in book.changed():
        state = tx.fold
        if state.matched_us and _is_overrun(tx):
            found.append(tx)
        if state.started and neighbours.has_moved(tx):
            found.extend(_sources(book, tx))
    return found


def settle(connection: Connection, book: Book, unsettled: Sequence[Tx]) -> None:
    """Puts events where they belong now. All of the batch must be written but for the transactions themselves."""
    for _ in range(_PASSES):
        _settle(connection, book, unsettled)
        unsettled = [tx for tx in book.changed() if _is_overrun(tx)]
        if not unsettled:
            return


def _is_overrun(tx: Tx) -> bool:
    """Whether a transaction ended before the last event that was taken for its own."""
    return tx.fold.stopped and tx.fold.matched_us > tx.fold.stop_order_us


def _settle(connection: Connection, book: Book, unsettled: Sequence[Tx]) -> None:
    sources = _read_sources(connection, book, unsettled)
    kept: dict[Key, list[Fact]] = {key: [] for key in sources}
    loose: list[_Event] = []
    for tx, row, fact in _read(connection, book, sorted(sources)):
        if fact.names_none and fact.order_us >= sources[tx.key]:
            loose.append((tx, row, fact))
        else:
            kept[tx.key].append(fact)
    for key, facts in kept.items():
        _refold(book.get(key), facts)
    moves, gaining = _move(book, loose)
    if moves:
        store.move_events(connection, sorted(moves, key=lambda row: (row["station_id"], row["content_key"])))
    settled: dict[Key, list[Fact]] = {key: [] for key in sources.keys() | gaining}
    for tx, _row, fact in _read(connection, book, sorted(settled)):
        settled[tx.key].append(fact)
    for key, facts in settled.items():
        _refold(book.get(key), facts)


def _sources(book: Book, tx: Tx) -> Iterator[Tx]:
    """What may have events of a transaction that begins where it was not known to."""
    tenant_id, station_id = tx.key[:2]
    begin_us, evse_id = tx.fold.begin_us, tx.fold.evse_id
    holder = book.latest((tenant_id, station_id, ""))
    if holder is not None and holder.fold.latest_us >= begin_us:
        yield holder
    for other in book.of_station(tenant_id, station_id):
        state = other.fold
        if other is not tx and state.evse_id == evse_id and state.begin_us <= begin_us <= state.matched_us:
            yield other


def _read_sources(connection: Connection, book: Book, unsettled: Sequence[Tx]) -> Mapping[Key, int]:
    """Reads all that decides where events belong; returns of what, and from which time on, it has to be decided."""
    from_us = {tx.key: 0 for tx in unsettled if not tx.is_holder}
    # What waits may belong to those that begin with this batch, and to those whose events are looked at again.
    begins: dict[Station, int] = {}
    for tx in (*unsettled, *book.changed()):
        if tx.fold.started:
            station = tx.key[:2]
            begins[station] = min(tx.fold.begin_us, begins.get(station, tx.fold.begin_us))
    stations = sorted({tx.key[:2] for tx in unsettled})
    for row in store.open_transactions(connection, stations):
        book.adopt(row)
    read_others(connection, book, stations)
    for station in stations:
        for piece in _pieces(connection, book, station):
            if piece.fold.latest_us >= begins[station]:
                from_us[piece.key] = begins[station]
    return from_us


def _pieces(connection: Connection, book: Book, station: Station) -> Sequence[Tx]:
    """All that holds events of a station that belong to no transaction."""
    latest = book.latest((*station, ""))
    if latest is None or latest.generation == 1:
        return [] if latest is None else [latest]
    asked = {"tenant_id": station[0], "station_id": station[1], "transaction_id": "", "generation": 1}
    pieces = {tx.key: tx for row in store.generations(connection, [asked]) for tx in (book.adopt(row),)}
    return list((pieces | {latest.key: latest}).values())


def _read(connection: Connection, book: Book, keys: Sequence[Key]) -> Sequence[_Event]:
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
    rows = {
        (row.tenant_id, row.station_id, row.content_key, row.repeat_no): row for row in store.facts(connection, asked)
    }
    wanted = set(keys)
    found = []
    for row in rows.values():
        key = (row.tenant_id, row.station_id, row.transaction_id, row.generation)
        if key in wanted:  # and not a later generation
            found.append((book.get(key), row, stored_form.decode_fact(row.fact)))
    return found


def _move(book: Book, loose: Sequence[_Event]) -> tuple[Sequence[dict[str, Any]], set[Key]]:
    """Finds the place of each event, oldest first; returns the rows of those that move, and where they go."""
    moves: list[dict[str, Any]] = []
    gaining: set[Key] = set()
    order = sorted(loose, key=lambda each: (each[2].order_us, each[2].kind, each[2].recorded_us, each[2].arrival))
    for tx, row, fact in order:
        tenant_id, station_id = tx.key[:2]
        target = find_match(book, tenant_id, station_id, fact)
        if target is None:
            target = tx if tx.is_holder else book.holder(tenant_id, station_id)
        if target is not tx:
            fact.arrival = target.arrivals
            target.arrivals += 1
            moves.append(_move_row(row, target, fact))
            gaining.add(target.key)
        if target.is_holder:
            fold.hold(target.fold, fact)
        else:
            # What the next one goes by; where it is out of order, all is folded anew afterwards.
            fold.append(target.fold, fact)
    return moves, gaining


def _move_row(row: store.FactRow, target: Tx, fact: Fact) -> dict[str, Any]:
    return {
        "tenant_id": row.tenant_id,
        "station_id": row.station_id,
        "content_key": row.content_key,
        "repeat_no": row.repeat_no,
        "transaction_id": target.key[2],
        "generation": target.key[3],
        "tx_hash": events_hash(*target.key),
        "fact": stored_form.encode(fact),
    }


def _refold(tx: Tx, facts: Sequence[Fact]) -> None:
    tx.changed = True
    if not tx.is_holder:
        tx.fold = fold.fold_anew(facts, tx.fold)
        return
    # It stays in its place of the list, and knows what was measured last in the pieces before it.
    before = tx.fold
    tx.fold = Fold(latest_us=before.latest_us if tx.generation > 1 else 0)
    for fact in facts:
        fold.hold(tx.fold, fact)
    tx.fold.created_us = before.created_us
