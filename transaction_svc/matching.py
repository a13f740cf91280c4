"""Which transaction an event belongs to. Pure: works on what the batch has read.

A 2.x station names its transactions itself, so that each event says where it belongs. In 1.6 we give the numbers, and
an event belongs by its number only where we had given it (`is_stray` tells). Of the others, those that name 0 or -1
are found by what they say; values and stops of any other number are another back end's. Reasons: docs/adr/0015.
"""

from collections.abc import Collection

from mesh.id_tokens import match_key
from transaction_svc.batch_context import BatchContext
from transaction_svc.event_record import BEGIN, END, ENDED, STARTED, EventRecord, names_none
from transaction_svc.received_items import ReceivedEvent
from transaction_svc.register import ROUNDING_MWH
from transaction_svc.tracked_transaction import TrackedTransaction
from transaction_svc.transaction_state import TransactionState

# A 1.6 station that gets no answer may send its start again with the time of that moment.
_SENT_AGAIN_WITHIN_US = 300_000_000
# Values may be taken a moment before the start that they are sent with, and times may be cut to the second.
_BEFORE_START_US = 60_000_000


def find_transaction(batch: BatchContext, item: ReceivedEvent, number: str, *, by_match: bool) -> TrackedTransaction:
    """The transaction that a new event belongs to, made where there is none; where none fits, what holds such events.

    Only a 1.6 start has a `number`. `stray` is what `is_stray` said of the event before the batch was recorded.
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
    return found or batch.unmatched_piece(tenant_id, station_id)


def needs_matching(batch: BatchContext, item: ReceivedEvent) -> bool:
    """Whether values or a stop of 1.6 do not belong to a transaction by the number that they name."""
    latest = batch.latest(item.name)
    if latest is None or not latest.state.started or names_none(item.name[2]):
        return True
    return _is_of_another_system(item.record, latest.state)


def find_match(batch: BatchContext, tenant_id: str, station_id: str, record: EventRecord) -> TrackedTransaction | None:
    """The transaction that an event means which does not name it; None where none fits, or several do.

    Values belong to the transaction that was open on their connector when they were measured. A stop names no
    connector: it belongs to the station's only open transaction whose tag and meter agree.
    """
    known = [tx for tx in batch.of_station(tenant_id, station_id) if tx.state.started]
    if record.kind == ENDED:
        return _match_stop(known, record)
    return _match_values(known, record) if record.names_none else None


def _by_own_name(batch: BatchContext, item: ReceivedEvent) -> TrackedTransaction:
    """By the name that a 2.x station gives. A further start is a new use of the name: a new generation."""
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
    """The transaction whose start this is, sent again with another time: all else is the same, and nothing is between.

    Told by the times that the station gives, so that it makes no difference which of them comes first.
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
        and not state.seq_count  # 2.x numbers its events
        and abs(state.begin_us - record.order_us) <= _SENT_AGAIN_WITHIN_US
        and state.meter.meter_start_mwh == meter_mwh
        and (state.evse_id, state.connector_id) == (record.evse_id, record.connector_id)
        and _tag(state) == match_key(record.id_token)
        and not (state.stopped and state.stop_order_us < record.order_us)
    )


def _is_of_another_system(record: EventRecord, state: TransactionState) -> bool:
    """Whether an event that names a number was measured before we gave it: the number is the same by accident.

    A clock that was set back says the same. Then the event fits what it names: on its connector the register is above
    the begin, which a session before cannot have reached; or the stop has its tag, and is not below the begin. Of other
    stops, `_is_our_stop` decides.
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
    """Whether a stop with another tag or none, from before its number was given, is ours: the clock was set back.

    It is where the register is above the begin, or the station has named the number in the transaction before, and tag
    or register agree; unless the number was named before that start was read, by a session of another system.
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
    # The next one, if it is not among the known, would have had it.
    next_us = latest.state.next_begin_us
    return latest if next_us is None or record.order_us < next_us else None


def _match_stop(known: Collection[TrackedTransaction], record: EventRecord) -> TrackedTransaction | None:
    candidates = [tx for tx in known if _is_open_at(tx.state, record.order_us) and _agrees(tx.state, record)]
    # Of two on one connector, the stop is not that of the one that begins at its very time.
    if len(candidates) > 1:
        candidates = [tx for tx in candidates if tx.state.begin_us < record.order_us]
    return candidates[0] if len(candidates) == 1 else None


def _is_open_at(state: TransactionState, us: int) -> bool:
    return not state.stopped and state.begin_us <= us and (state.next_begin_us is None or us <= state.next_begin_us)


def _agrees(state: TransactionState, record: EventRecord) -> bool:
    """Whether tag and meter of a stop are those of a transaction. A number of another system asks for its very tag."""
    if not _has_same_tag(record, state) and ((record.id_token and _tag(state)) or not record.names_none):
        return False
    ends = [reading.mwh for reading in state.meter.counted(record) if reading.rank == END and reading.mwh >= 0]
    last = state.meter.energy.end_mwh
    return not ends or last is None or max(ends) > last - ROUNDING_MWH


def _has_same_tag(record: EventRecord, state: TransactionState) -> bool:
    return bool(record.id_token) and match_key(record.id_token) == _tag(state)


def _tag(state: TransactionState) -> str:
    """The tag of the start, refused or not."""
    return match_key(state.id_token or state.refused_token)
