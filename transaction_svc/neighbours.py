"""Transactions next to each other on an EVSE: a start ends the one before, and its register goes on from there.

Their begins decide (docs/DESIGN.md, "Derived state"), by the station's clock, and not when they were recorded: any
order of arrival comes to the same.
"""

from collections.abc import Container, Iterable, Sequence
from itertools import zip_longest
from typing import Any

from sqlalchemy import Connection

from transaction_svc import store
from transaction_svc.book import Book
from transaction_svc.contents import name_hash
from transaction_svc.tracked import Key, Tx

# Transactions without energy that follow each other on an EVSE, in one batch.
_MOST_ROUNDS = 16
Place = tuple[str, str, int, int]
"""Tenant, station, EVSE, time."""


def link(connection: Connection, book: Book) -> None:
    """Links each transaction that was given a place with the one before and the one after it on its EVSE.

    The place that one has left, because its true start became known, is closed again. Where one ends with another
    register than before, the one after it begins with that.
    """
    moved = [tx for tx in book.changed() if has_moved(tx)]
    ended = [tx for tx in book.changed() if _has_another_end(tx)]
    for _round in range(_MOST_ROUNDS):
        if not moved and not ended:
            return
        _link(connection, book, moved, ended)
        # One that was never told above 0 hands on the register of the one before it.
        moved, ended = [], [tx for tx in book.changed() if _hands_on(tx)]


def _link(connection: Connection, book: Book, moved: Sequence[Tx], ended: Sequence[Tx]) -> None:
    left = [(tx, place) for tx in moved if (place := tx.before.place) is not None and place[0]]
    linked = dict.fromkeys((*moved, *ended))
    rows = [_row(tx.key, tx.fold.evse_id, tx.fold.begin_us) for tx in linked if not _is_known(book, tx)]
    rows += [_row(tx.key, *place) for tx, place in left]
    if rows:
        for row in store.neighbours(connection, rows):
            book.adopt(row)
    evses = {(tx.key[0], tx.key[1], tx.fold.evse_id) for tx in linked}
    evses.update((tx.key[0], tx.key[1], evse_id) for tx, (evse_id, _begin_us) in left)
    fresh = {id(tx) for tx in linked}
    for tenant_id, station_id, evse_id in sorted(evses):
        of_evse = [tx for tx in book.of_station(tenant_id, station_id) if tx.fold.counts and tx.fold.evse_id == evse_id]
        left_us = {place[1] for tx, place in left if (*tx.key[:2], place[0]) == (tenant_id, station_id, evse_id)}
        _link_evse(of_evse, fresh, left_us)
    for tx in linked:
        tx.hand_on()


def read_beside(connection: Connection, book: Book, places: Iterable[Place]) -> None:
    """Reads the transactions before and after places, so that it can be decided what to make of an event there."""
    for tenant_id, station_id, evse_id, us in places:
        book.places.add((tenant_id, station_id, evse_id, us))
    rows = [_row((tenant_id, station_id, "", 0), evse_id, us) for tenant_id, station_id, evse_id, us in book.places]
    if rows:
        for row in store.neighbours(connection, rows):
            book.adopt(row)


def has_moved(tx: Tx) -> bool:
    """Whether this batch has given a transaction its place, or another one."""
    state = tx.fold
    return (state.evse_id, state.begin_us) != tx.before.place and bool(state.evse_id) and state.counts


def _may_be_followed(tx: Tx) -> bool:
    """Whether the next transaction may have begun: after a stop nothing tells, unless that comes with this batch."""
    return tx.fold.next_begin_us is not None or tx.before.outcome is not None


def _has_another_end(tx: Tx) -> bool:
    return tx.reassessed or (_may_be_followed(tx) and tx.fold.meter.at_end != tx.at_end)


def _hands_on(tx: Tx) -> bool:
    return _may_be_followed(tx) and tx.fold.meter.at_end != tx.at_end


def _is_known(book: Book, tx: Tx) -> bool:
    """Whether those beside a new transaction have been read. One that was there would have been read for its own."""
    return not tx.stored and (*tx.key[:2], tx.fold.evse_id, tx.fold.begin_us) in book.places


def _row(key: Key, evse_id: int, begin_us: int) -> dict[str, Any]:
    tenant_id, station_id, transaction_id, generation = key
    return {
        "tenant_id": tenant_id,
        "station_id": station_id,
        "transaction_id": transaction_id,
        "generation": generation,
        "evse_id": evse_id,
        "evse_hash": name_hash(tenant_id, station_id, str(evse_id)),
        "begin_us": begin_us,
    }


def _link_evse(transactions: Iterable[Tx], fresh: Container[int], left_us: Container[int]) -> None:
    # Of two that began at once, the one we knew before counts as the earlier; of two new ones, the first told.
    line = sorted(transactions, key=lambda tx: (tx.fold.begin_us, not tx.stored))
    if line and id(line[0]) in fresh:
        _follow(None, line[0])
    for earlier, later in zip_longest(line, line[1:]):
        is_between_fresh = later is not None and (id(earlier) in fresh or id(later) in fresh)
        is_last = later is None and id(earlier) in fresh
        if is_between_fresh or is_last or earlier.fold.next_begin_us in left_us:
            _overtake(earlier, None if later is None else later.fold.begin_us)
            if later is not None:
                _follow(earlier, later)


def _follow(earlier: Tx | None, later: Tx) -> None:
    if later.fold.meter.follow(earlier.fold.meter.at_end if earlier else None):
        later.changed = True


def _overtake(tx: Tx, begin_us: int | None) -> None:
    state = tx.fold
    if begin_us is not None and state.stopped and state.stop_order_us <= begin_us and state.next_begin_us is None:
        return
    if state.next_begin_us != begin_us:
        state.next_begin_us = begin_us
        tx.changed = True
