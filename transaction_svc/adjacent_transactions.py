"""Transactions next to each other on an EVSE: a start ends the one before, and its register goes on from there.

Their begins by the station's clock decide (docs/DESIGN.md, "Derived state"), not the times of their recording: any
order of arrival gives the same result.
"""

from collections.abc import Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet
from itertools import zip_longest
from typing import Any

from sqlalchemy import Connection

from transaction_svc import store
from transaction_svc.batch_context import BatchContext
from transaction_svc.idempotency_keys import name_hash
from transaction_svc.tracked_transaction import Key, TrackedTransaction

# A register is propagated through this many transactions without energy in one batch.
_MOST_ROUNDS = 16
EvsePosition = tuple[str, str, int, int]
"""Tenant, station, EVSE, time. Minus the EVSE: among the transactions that did not take it."""


def link(connection: Connection, batch: BatchContext) -> None:
    """Links each transaction with a new position to the ones before and after it on its EVSE.

    A position that a transaction has left, since its true start became known or its token was refused, is closed
    again. Where a transaction ends with another register than before, the next one begins with that register.
    """
    moved = [tx for tx in batch.changed() if has_new_position(tx) or _has_left(tx)]
    ended = [tx for tx in batch.changed() if _has_another_end(tx)]
    for _round in range(_MOST_ROUNDS):
        if not moved and not ended:
            return
        _link(connection, batch, moved, ended)
        # A transaction whose register was never above 0 passes on the register of the one before it.
        moved, ended = [], [tx for tx in batch.changed() if _has_unpropagated_end(tx)]


def _link(
    connection: Connection,
    batch: BatchContext,
    moved: Sequence[TrackedTransaction],
    ended: Sequence[TrackedTransaction],
) -> None:
    for tx in moved:
        if not tx.state.takes_evse:
            _supersede(tx, None)
            _follow(None, tx)
    left = [(tx, position) for tx in moved if (position := tx.before.evse_position) is not None and position[0]]
    linked = dict.fromkeys(tx for tx in (*moved, *ended) if tx.state.takes_evse)
    rows = [_row(tx.key, tx.state.evse_id, tx.state.begin_us) for tx in linked if not _is_known(batch, tx)]
    rows += [_row(tx.key, *position) for tx, position in left]
    if rows:
        for row in store.adjacent_transactions(connection, rows):
            batch.adopt(row)
    evses = {(tx.key[0], tx.key[1], tx.state.evse_id) for tx in linked}
    evses.update((tx.key[0], tx.key[1], evse_id) for tx, (evse_id, _begin_us) in left)
    fresh = {id(tx) for tx in linked}
    for tenant_id, station_id, evse_id in sorted(evses):
        of_station = batch.of_station(tenant_id, station_id)
        of_evse = [tx for tx in of_station if tx.state.takes_evse and tx.state.evse_id == evse_id]
        left_us = {
            begin_us for tx, (left_id, begin_us) in left if (*tx.key[:2], left_id) == (tenant_id, station_id, evse_id)
        }
        _link_evse(of_evse, fresh, left_us)
    for tx in (*moved, *ended):
        tx.note_propagated_end()


def read_adjacent(connection: Connection, batch: BatchContext, evse_positions: Iterable[EvsePosition]) -> None:
    """Reads the transactions before and after EVSE positions; matching decides by them."""
    batch.evse_positions.update(evse_positions)
    rows = [_row((tenant, station, "", 0), evse_id, us) for tenant, station, evse_id, us in batch.evse_positions]
    if rows:
        for row in store.adjacent_transactions(connection, rows):
            batch.adopt(row)


def has_new_position(tx: TrackedTransaction) -> bool:
    """Whether this batch has given a transaction its position on an EVSE, or another one."""
    state = tx.state
    return (state.evse_id, state.begin_us) != tx.before.evse_position and bool(state.evse_id) and state.takes_evse


def _has_left(tx: TrackedTransaction) -> bool:
    """Whether this batch has shown that a transaction never took its EVSE."""
    return tx.before.evse_position is not None and not tx.state.takes_evse


def _may_be_followed(tx: TrackedTransaction) -> bool:
    """Whether the next transaction may have begun: after a stop of an earlier batch this is not known."""
    return tx.state.next_begin_us is not None or tx.before.outcome is not None


def _has_another_end(tx: TrackedTransaction) -> bool:
    return tx.reassessed or (_may_be_followed(tx) and tx.state.meter.at_end != tx.propagated_end)


def _has_unpropagated_end(tx: TrackedTransaction) -> bool:
    return _may_be_followed(tx) and tx.state.meter.at_end != tx.propagated_end


def _is_known(batch: BatchContext, tx: TrackedTransaction) -> bool:
    """Whether a new transaction's adjacent ones have been read. At its own position a stored one finds itself."""
    return not tx.stored and (*tx.key[:2], tx.state.evse_id, tx.state.begin_us) in batch.evse_positions


def _row(key: Key, evse_id: int, begin_us: int) -> dict[str, Any]:
    tenant_id, station_id, transaction_id, generation = key
    return {
        "tenant_id": tenant_id,
        "station_id": station_id,
        "transaction_id": transaction_id,
        "generation": generation,
        "evse_id": abs(evse_id),
        "evse_hash": name_hash(tenant_id, station_id, str(evse_id)),
        "begin_us": begin_us,
    }


def _link_evse(transactions: Iterable[TrackedTransaction], fresh: AbstractSet[int], left_us: Collection[int]) -> None:
    # Of two that began at the same time, the stored one is the earlier; of two new ones, the first of the batch.
    line = sorted(transactions, key=lambda tx: (tx.state.begin_us, not tx.stored))
    # The next one after a position that was left is the next one of another transaction, or the first.
    behind = [next((tx for tx in line if tx.state.begin_us >= begin_us), None) for begin_us in left_us]
    fresh = fresh | {id(tx) for tx in behind}
    if line and id(line[0]) in fresh:
        _follow(None, line[0])
    for earlier, later in zip_longest(line, line[1:]):
        is_between_fresh = later is not None and (id(earlier) in fresh or id(later) in fresh)
        is_last = later is None and id(earlier) in fresh
        if is_between_fresh or is_last or earlier.state.next_begin_us in left_us:
            _supersede(earlier, later)
            if later is not None:
                _follow(earlier, later)


def _follow(earlier: TrackedTransaction | None, later: TrackedTransaction) -> None:
    if later.state.meter.follow(earlier.state.meter.at_end if earlier else None):
        later.changed = True


def _supersede(tx: TrackedTransaction, later: TrackedTransaction | None) -> None:
    state = tx.state
    begin_us = None if later is None else later.state.begin_us
    if begin_us is not None and state.stopped and state.stop_order_us <= begin_us and state.next_begin_us is None:
        return
    if state.next_begin_us != begin_us:
        state.next_begin_us = begin_us
        tx.changed = True
        tx.may_reopen = later is not None and has_new_position(later) and bool(later.state.id_token)
