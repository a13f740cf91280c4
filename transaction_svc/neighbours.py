"""What a start does to others on the same EVSE: the one before it is over, if nothing else ended it (design 4.2).

Told by when transactions began, not by when we heard of it: so the order of arrival makes no difference.
"""

from collections.abc import Iterable
from itertools import pairwise

from sqlalchemy import Connection

from transaction_svc import store
from transaction_svc.book import Book, Tx
from transaction_svc.contents import name_hash


def link(connection: Connection, book: Book) -> None:
    """Tells each transaction that was given a place, and the one before it, when the next one on its EVSE began."""
    moved = [tx for tx in book.changed() if tx.fold.evse_id and (tx.fold.evse_id, tx.fold.begin_us) != tx.place]
    if not moved:
        return
    rows = (
        {
            "tenant_id": tx.key[0],
            "station_id": tx.key[1],
            "transaction_id": tx.key[2],
            "generation": tx.key[3],
            "evse_id": tx.fold.evse_id,
            "evse_hash": name_hash(tx.key[0], tx.key[1], str(tx.fold.evse_id)),
            "begin_us": tx.fold.begin_us,
        }
        for tx in moved
    )
    for row in store.neighbours(connection, rows):
        book.adopt(row)
    for tenant_id, station_id, evse_id in sorted({(tx.key[0], tx.key[1], tx.fold.evse_id) for tx in moved}):
        of_evse = [tx for tx in book.of_station(tenant_id, station_id) if tx.fold.evse_id == evse_id]
        _link_evse(of_evse, moved)


def _link_evse(transactions: Iterable[Tx], moved: Iterable[Tx]) -> None:
    # Of two that began at once, the one we knew before counts as the earlier; of two new ones, the first told.
    line = sorted(transactions, key=lambda tx: (tx.fold.begin_us, not tx.stored))
    fresh = {id(tx) for tx in moved}
    for earlier, later in pairwise(line):
        if id(earlier) in fresh or id(later) in fresh:
            _overtake(earlier, later.fold.begin_us)


def _overtake(tx: Tx, begin_us: int) -> None:
    state = tx.fold
    if state.stopped and state.stop_order_us <= begin_us and state.next_begin_us is None:
        return
    if state.next_begin_us != begin_us:
        state.next_begin_us = begin_us
        tx.changed = True
