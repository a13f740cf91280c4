"""Events that name no transaction (quirk 18), when it turns out which one they belong to, or that it is another one.

Told by when things happened, not by when we heard of them: an event that came before its start joins it when that
comes; one that was taken for a transaction's goes to the one that began between, or waits again where a stop shows that
nothing was open. Costs nothing unless a station sends such events: then a start or a stop reads them again.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from transaction_svc import fold, neighbours, store, stored_form
from transaction_svc.book import Book, Key, Tx
from transaction_svc.contents import events_hash
from transaction_svc.facts import Fact
from transaction_svc.fold import Fold
from transaction_svc.naming import find_match

Station = tuple[str, str]


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
            book.others.add((*tx.key[:2], fact.named))


def lookup_row(n: int, tenant_id: str, station_id: str, transaction_id: str) -> dict[str, Any]:
    """What asks for the latest generation of a name."""
    return {
        "n": n,
        "tenant_id": tenant_id,
        "station_id": station_id,
        "content_key": "",
        "transaction_id": transaction_id,
    }


def unsettled(book: Book) -> Sequence[tuple[Tx, int]]:
    """The transactions of which events have to be looked at again, each with the time from which on they are.

    That is, of what holds events that may belong to a transaction that has just begun; of the one before it on its
    connector; and of one that ended before the last event that was taken for its own.
    """
    found: list[tuple[Tx, int]] = []
    for tx in book.changed():
        state = tx.fold
        if state.stopped and state.matched_us > state.stop_order_us:
            found.append((tx, state.stop_order_us))
        if state.started and neighbours.has_moved(tx):
            found.extend((source, state.begin_us) for source in _sources(book, tx))
    return found


def settle(connection: Connection, book: Book, unsettled: Iterable[tuple[Tx, int]]) -> None:
    """Puts events where they belong now. All of the batch must be written but for the transactions themselves."""
    from_us: dict[Key, int] = {}
    for tx, us in unsettled:
        from_us[tx.key] = min(us, from_us.get(tx.key, us))
    stations = sorted({key[:2] for key in from_us})
    for row in store.open_transactions(connection, stations):
        book.adopt(row)
    read_others(connection, book, stations)
    for station in stations:
        if (holder := book.latest((*station, ""))) is not None and holder.key in from_us:
            for piece in _pieces(connection, book, holder, from_us[holder.key]):
                from_us.setdefault(piece.key, from_us[holder.key])
    told = _read(connection, book, sorted(from_us))
    loose = [each for each in told if each[2].names_none and each[2].order_us >= from_us[each[0].key]]
    kept: dict[Key, list[Fact]] = {key: [] for key in from_us}
    taken = {id(fact) for _tx, _row, fact in loose}
    for tx, _row, fact in told:
        if id(fact) not in taken:
            kept[tx.key].append(fact)
    for key in from_us:
        _refold(book.get(key), kept[key])
    moves, gaining = _move(book, loose)
    if moves:
        store.move_events(connection, sorted(moves, key=lambda row: (row["station_id"], row["content_key"])))
    after: dict[Key, list[Fact]] = {}
    for tx, _row, fact in _read(connection, book, sorted(from_us.keys() | gaining)):
        after.setdefault(tx.key, []).append(fact)
    for key in from_us.keys() | gaining:
        _refold(book.get(key), after.get(key, []))


def _sources(book: Book, tx: Tx) -> Iterable[Tx]:
    """What may hold events of a transaction that begins where it was not known to."""
    tenant_id, station_id = tx.key[:2]
    state = tx.fold
    holder = book.latest((tenant_id, station_id, ""))
    if holder is not None and holder.fold.event_count and holder.fold.latest_us >= state.begin_us:
        yield holder
    for other in book.of_station(tenant_id, station_id):
        if other is not tx and other.fold.evse_id == state.evse_id and other.fold.begin_us <= state.begin_us:
            if other.fold.matched_us >= state.begin_us:
                yield other


def _pieces(connection: Connection, book: Book, latest: Tx, from_us: int) -> Iterable[Tx]:
    """All that holds events of a station which were measured since, or later ones."""
    if latest.generation == 1:
        return [latest]
    tenant_id, station_id, name, _generation = latest.key
    asked = [{"tenant_id": tenant_id, "station_id": station_id, "transaction_id": name, "generation": 1}]
    pieces = [book.adopt(row) for row in store.generations(connection, asked)]
    return [tx for tx in pieces if tx.fold.latest_us >= from_us]


def _read(connection: Connection, book: Book, keys: Sequence[Key]) -> Sequence[tuple[Tx, store.FactRow, Fact]]:
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
    rows = {(row.tenant_id, row.station_id, row.content_key, row.repeat_no): row for row in store.facts(connection, asked)}
    wanted = set(keys)
    found = []
    for row in rows.values():
        key = (row.tenant_id, row.station_id, row.transaction_id, row.generation)
        if key in wanted:  # and not a later generation
            found.append((book.get(key), row, stored_form.decode_fact(row.fact)))
    return found


def _move(
    book: Book, loose: Sequence[tuple[Tx, store.FactRow, Fact]]
) -> tuple[Sequence[dict[str, Any]], set[Key]]:
    """Finds the place of each event, oldest first; returns the rows of those that move, and where they go."""
    moves, gaining = [], set()
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
