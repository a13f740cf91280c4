"""Transactions next to each other on an EVSE: a start ends the one before, and its register goes on from there.

Their begins decide (design 4.2), by the station's clock, and not when they were recorded: any order of arrival comes to
the same.
"""

from collections.abc import Container, Iterable
from itertools import zip_longest
from typing import Any

from sqlalchemy import Connection

from transaction_svc import store
from transaction_svc.book import Book, Tx
from transaction_svc.contents import name_hash


def link(connection: Connection, book: Book) -> None:
    """Links each transaction that was given a place with the one before and the one after it on its EVSE.

    The place that one has left, because its true start became known, is closed again. Where one ends with another
    register than before, the one after it begins with that.
    """
    changed = list(book.changed())
    moved = [tx for tx in changed if tx.fold.evse_id and (tx.fold.evse_id, tx.fold.begin_us) != tx.place]
    ended = [tx for tx in changed if _has_another_end(tx)]
    if not moved and not ended:
        return
    left = [(tx, tx.place) for tx in moved if tx.place is not None and tx.place[0]]
    rows = [_row(tx, tx.fold.evse_id, tx.fold.begin_us) for tx in {*moved, *ended}]
    for row in store.neighbours(connection, rows + [_row(tx, *place) for tx, place in left]):
        book.adopt(row)
    evses = {(tx.key[0], tx.key[1], tx.fold.evse_id) for tx in {*moved, *ended}}
    evses.update((tx.key[0], tx.key[1], evse_id) for tx, (evse_id, _begin_us) in left)
    fresh = {id(tx) for tx in {*moved, *ended}}
    for tenant_id, station_id, evse_id in sorted(evses):
        of_evse = [tx for tx in book.of_station(tenant_id, station_id) if tx.fold.evse_id == evse_id]
        left_us = {place[1] for tx, place in left if (*tx.key[:2], place[0]) == (tenant_id, station_id, evse_id)}
        _link_evse(of_evse, fresh, left_us)


def _has_another_end(tx: Tx) -> bool:
    return tx.reassessed or (tx.fold.next_begin_us is not None and tx.fold.meter.at_end != tx.at_end)


def _row(tx: Tx, evse_id: int, begin_us: int) -> dict[str, Any]:
    tenant_id, station_id, transaction_id, generation = tx.key
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
