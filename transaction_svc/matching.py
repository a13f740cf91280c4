"""Matching: the transaction that an event belongs to. Pure: works on the transactions that the batch has read.

A 2.x station names its transactions itself, and each event has the name. In 1.6 the CSMS gives the numbers, and an
event belongs to its number's transaction only if the number had been given when it was measured (`needs_matching`).
Other events with 0 or -1 are matched by their content; other values and stops are those of another system. Reasons:
docs/adr/0015.
"""

from collections.abc import Collection

from mesh.contract.id_tokens import match_key
from transaction_svc.batch_context import BatchContext
from transaction_svc.event_record import BEGIN, END, ENDED, STARTED, EventRecord, names_none
from transaction_svc.received_items import ReceivedEvent
from transaction_svc.register import ROUNDING_MWH
from transaction_svc.tracked_transaction import TrackedTransaction
from transaction_svc.transaction_state import TransactionState

# A 1.6 station that gets no answer may send its start again with the current time.
_SENT_AGAIN_WITHIN_US = 300_000_000
# Values may be measured a moment before their start, and times may be cut to the second.
_BEFORE_START_US = 60_000_000


def find_transaction(batch: BatchContext, item: ReceivedEvent, number: str, *, by_match: bool) -> TrackedTransaction:
    """The transaction of a new event, made where there is none; the holder of unmatched events where none fits.

    Only a 1.6 start has a `number`. `by_match`: `needs_matching` of the event, before the batch was applied.
    """
    if item.record.seq_no is not None:
        return _by_own_name(batch, item)
    tenant_id, station_id, named = item.name
    if number:
        return _started_before(batch, item) or batch.create((tenant_id, station_id, number))
    latest = batch.latest(item.name)
    if latest is not None and latest.stored and (not by_match or _is_our_stop(batch, item, latest.state)):
        return latest
    item.record.named = named
    found = None if item.name in batch.foreign_numbers else find_match(batch, tenant_id, station_id, item.record)
    if found is None and not item.record.names_none:
        batch.note_foreign_number(item.name, item.record.frame)
    return found or batch.unmatched_holder(tenant_id, station_id)


def needs_matching(batch: BatchContext, item: ReceivedEvent) -> bool:
    """Whether values or a stop of 1.6 do not belong to the transaction of their number."""
    latest = batch.latest(item.name)
    if latest is None or not latest.state.started or names_none(item.name[2]):
        return True
    return _is_of_another_system(item.record, latest.state)


def find_match(batch: BatchContext, tenant_id: str, station_id: str, record: EventRecord) -> TrackedTransaction | None:
    """The transaction of an event that does not name it; None where none fits, or several do.

    Values belong to the transaction that was open on their connector when they were measured. A stop has no connector:
    it belongs to the station's only open transaction whose id tag and meter agree.
    """
    known = [tx for tx in batch.of_station(tenant_id, station_id) if tx.state.started]
    if record.kind == ENDED:
        return _match_stop(known, record)
    return _match_values(known, record) if record.names_none else None


def _by_own_name(batch: BatchContext, item: ReceivedEvent) -> TrackedTransaction:
    """The transaction with the event's name (2.x). A further start is a new use of the name: a new generation."""
    latest = batch.latest(item.name)
    if latest is None:
        return batch.create(item.name)
    record, state = item.record, latest.state
    if record.kind == STARTED:
        if latest.generation == 1 and not state.started:
            return latest
        if state.started and record.order_us > state.latest_us:
            return batch.create(item.name)
        batch.mark_for_rebuild(item.name, 1)
    elif latest.generation > 1 and record.order_us < state.begin_us:
        batch.mark_for_rebuild(item.name, 1)
    return latest


def _started_before(batch: BatchContext, item: ReceivedEvent) -> TrackedTransaction | None:
    """The transaction whose start is sent again with another time: the content is the same, and no event is between.

    The station's times decide, so that the starts may come in any order.
    """
    record = item.record
    meter = next((reading.mwh for reading in record.readings if reading.rank == BEGIN), None)
    of_station = batch.of_station(*item.name[:2])
    if meter is None or not record.evse_id or not any(_is_same_start(tx.state, record, meter) for tx in of_station):
        return None
    line = [tx for tx in of_station if tx.state.counts and tx.state.evse_id == record.evse_id]
    before = max((tx for tx in line if tx.state.begin_us <= record.order_us), key=_begin, default=None)
    after = min((tx for tx in line if tx.state.begin_us > record.order_us), key=_begin, default=None)
    for tx in (before, after):
        if tx is not None and _is_same_start(tx.state, record, meter):
            return tx
    return None


def _begin(tx: TrackedTransaction) -> tuple[int, bool]:
    return tx.state.begin_us, not tx.stored


def _is_same_start(state: TransactionState, record: EventRecord, meter_mwh: int) -> bool:
    return (
        state.started
        and not state.seq_count  # not one of 2.x, which has seq_no
        and abs(state.begin_us - record.order_us) <= _SENT_AGAIN_WITHIN_US
        and state.meter.meter_start_mwh == meter_mwh
        and (state.evse_id, state.connector_id) == (record.evse_id, record.connector_id)
        and _tag(state) == match_key(record.id_token)
        and not (state.stopped and state.stop_order_us < record.order_us)
    )


def _is_of_another_system(record: EventRecord, state: TransactionState) -> bool:
    """Whether an event was measured before its number was given: another system gave the same number.

    Times are also before it where a clock was set back. Then the event fits its number's transaction: on its connector
    the register is above the begin, which an earlier session cannot have reached; or the stop has its id tag, and is
    not below the begin. `_is_our_stop` decides about other stops.
    """
    if record.order_us >= min(state.begin_us, state.given_us or state.created_us) - _BEFORE_START_US:
        return False
    begin = state.meter.meter_start_mwh
    values = [reading.mwh for reading in record.readings]
    if begin is None or not values:
        return True
    if record.kind == ENDED:
        return not _has_same_tag(record, state) or max(values) < begin
    if record.evse_id != state.evse_id:
        return True
    return min(values) < begin if state.was_named else min(values) <= begin


def _is_our_stop(batch: BatchContext, item: ReceivedEvent, state: TransactionState) -> bool:
    """Whether a stop with another id tag or none, timed before its number was given, belongs to the number.

    It does where the register is above the begin, or an event of the transaction has named the number, and id tag or
    register agree. It does not where a session of another system named the number before the start was read.
    """
    record = item.record
    if record.kind != ENDED or not state.started or state.stopped or names_none(item.name[2]):
        return False
    named_frame = batch.foreign_numbers.get(item.name)
    if named_frame is not None and (state.first_frame is None or named_frame < state.first_frame):
        return False
    begin = state.meter.meter_start_mwh
    stop = max((reading.mwh for reading in record.readings), default=None)
    if begin is not None and stop is not None and stop > begin:
        return True
    has_another_tag = bool(record.id_token and _tag(state)) and not _has_same_tag(record, state)
    is_below = begin is not None and stop is not None and stop < begin
    return state.was_named and not (has_another_tag and is_below)


def _match_values(known: Collection[TrackedTransaction], record: EventRecord) -> TrackedTransaction | None:
    line = [tx for tx in known if tx.state.evse_id == record.evse_id and tx.state.begin_us <= record.order_us]
    latest = max(line, key=_begin, default=None)
    if latest is None or (latest.state.stopped and latest.state.stop_order_us < record.order_us):
        return None
    # The next transaction, even if it was not read, began before the event.
    next_us = latest.state.next_begin_us
    return latest if next_us is None or record.order_us < next_us else None


def _match_stop(known: Collection[TrackedTransaction], record: EventRecord) -> TrackedTransaction | None:
    candidates = [tx for tx in known if _is_open_at(tx.state, record.order_us) and _agrees(tx.state, record)]
    # Of two on one connector, the stop does not belong to the one that begins at its own time.
    if len(candidates) > 1:
        candidates = [tx for tx in candidates if tx.state.begin_us < record.order_us]
    return candidates[0] if len(candidates) == 1 else None


def _is_open_at(state: TransactionState, us: int) -> bool:
    return not state.stopped and state.begin_us <= us and (state.next_begin_us is None or us <= state.next_begin_us)


def _agrees(state: TransactionState, record: EventRecord) -> bool:
    """Whether id tag and meter of a stop fit a transaction. With a number of another system, the tag must be equal."""
    if not _has_same_tag(record, state) and ((record.id_token and _tag(state)) or not record.names_none):
        return False
    ends = [reading.mwh for reading in state.meter.counted(record) if reading.rank == END and reading.mwh >= 0]
    last = state.meter.energy.end_mwh
    return not ends or last is None or max(ends) > last - ROUNDING_MWH


def _has_same_tag(record: EventRecord, state: TransactionState) -> bool:
    return bool(record.id_token) and match_key(record.id_token) == _tag(state)


def _tag(state: TransactionState) -> str:
    """The id tag of the start, refused or not."""
    return match_key(state.id_token or state.refused_token)
