"""Which transaction an event belongs to. Pure: works on what the batch has read.

A 2.x station names its transactions itself, so that each event says where it belongs. In 1.6 we give the numbers, and
an event belongs by its number only where we had given it (`is_stray` tells). Of the others, those that name 0 or -1
are found by what they say; values and stops of any other number are another back end's. Reasons: docs/adr/0015.
"""

from collections.abc import Collection

from mesh.id_tokens import match_key
from transaction_svc.book import Book
from transaction_svc.facts import BEGIN, END, ENDED, STARTED, Fact, names_none
from transaction_svc.fold import Fold
from transaction_svc.intake import Incoming
from transaction_svc.register import ROUNDING_MWH
from transaction_svc.tracked import Tx

# A 1.6 station that gets no answer may send its start again with the time of that moment.
_SENT_AGAIN_WITHIN_US = 300_000_000
# Values may be taken a moment before the start that they are sent with, and times may be cut to the second.
_BEFORE_START_US = 60_000_000


def find_transaction(book: Book, item: Incoming, number: str, *, stray: bool) -> Tx:
    """The transaction that a new event belongs to, made where there is none; where none fits, what holds such events.

    Only a 1.6 start has a `number`. `stray` is what `is_stray` said of the event before the batch was recorded.
    """
    if item.fact.seq_no is not None:
        return _by_own_name(book, item)
    tenant_id, station_id, named = item.name
    if number:
        return _started_before(book, item) or book.create((tenant_id, station_id, number))
    latest = book.latest(item.name)
    if latest is not None and latest.stored and (not stray or _is_our_stop(book, item, latest.fold)):
        return latest
    item.fact.named = named
    found = None if item.name in book.others else find_match(book, tenant_id, station_id, item.fact)
    if found is None and not item.fact.names_none:
        book.note_other(item.name, item.fact.frame)
    return found or book.holder(tenant_id, station_id)


def is_stray(book: Book, item: Incoming) -> bool:
    """Whether values or a stop of 1.6 do not belong to a transaction by the number that they name."""
    latest = book.latest(item.name)
    if latest is None or not latest.fold.started or names_none(item.name[2]):
        return True
    return _is_of_another_system(item.fact, latest.fold)


def find_match(book: Book, tenant_id: str, station_id: str, fact: Fact) -> Tx | None:
    """The transaction that an event means which does not name it; None where none fits, or several do.

    Values belong to the transaction that was open on their connector when they were measured. A stop names no
    connector: it belongs to the station's only open transaction whose tag and meter agree.
    """
    known = [tx for tx in book.of_station(tenant_id, station_id) if tx.fold.started]
    if fact.kind == ENDED:
        return _match_stop(known, fact)
    return _match_values(known, fact) if fact.names_none else None


def _by_own_name(book: Book, item: Incoming) -> Tx:
    """By the name that a 2.x station gives. A further start is a new use of the name: a new generation."""
    latest = book.latest(item.name)
    if latest is None:
        return book.create(item.name)
    fact, fold = item.fact, latest.fold
    if fact.kind == STARTED:
        if latest.generation == 1 and not fold.started:
            return latest
        if fold.started and fact.order_us > fold.latest_us:
            return book.create(item.name)
        book.fold_anew(item.name, 1)
    elif latest.generation > 1 and fact.order_us < fold.begin_us:
        book.fold_anew(item.name, 1)
    return latest


def _started_before(book: Book, item: Incoming) -> Tx | None:
    """The transaction whose start this is, sent again with another time: all else is the same, and nothing is between.

    Told by the times that the station gives, so that it makes no difference which of them comes first.
    """
    fact = item.fact
    meter = next((reading.mwh for reading in fact.readings if reading.rank == BEGIN), None)
    of_station = book.of_station(*item.name[:2])
    if meter is None or not fact.evse_id or not any(_is_same_start(tx.fold, fact, meter) for tx in of_station):
        return None
    line = [tx for tx in of_station if tx.fold.counts and tx.fold.evse_id == fact.evse_id]
    before = max((tx for tx in line if tx.fold.begin_us <= fact.order_us), key=_begin, default=None)
    after = min((tx for tx in line if tx.fold.begin_us > fact.order_us), key=_begin, default=None)
    for tx in (before, after):
        if tx is not None and _is_same_start(tx.fold, fact, meter):
            return tx
    return None


def _begin(tx: Tx) -> tuple[int, bool]:
    return tx.fold.begin_us, not tx.stored


def _is_same_start(fold: Fold, fact: Fact, meter_mwh: int) -> bool:
    return (
        fold.started
        and not fold.seq_count  # 2.x numbers its events
        and abs(fold.begin_us - fact.order_us) <= _SENT_AGAIN_WITHIN_US
        and fold.meter.meter_start_mwh == meter_mwh
        and (fold.evse_id, fold.connector_id) == (fact.evse_id, fact.connector_id)
        and _tag(fold) == match_key(fact.id_token)
        and not (fold.stopped and fold.stop_order_us < fact.order_us)
    )


def _is_of_another_system(fact: Fact, fold: Fold) -> bool:
    """Whether an event that names a number was measured before we gave it: the number is the same by accident.

    A clock that was set back says the same. Then the event fits what it names: on its connector the register is above
    the begin, which a session before cannot have reached; or the stop has its tag, and is not below the begin. Of other
    stops, `_is_our_stop` decides.
    """
    if fact.order_us >= min(fold.begin_us, fold.given_us or fold.created_us) - _BEFORE_START_US:
        return False
    begin = fold.meter.meter_start_mwh
    values = [reading.mwh for reading in fact.readings]
    if begin is None or not values:
        return True
    if fact.kind == ENDED:
        return not _has_same_tag(fact, fold) or max(values) < begin
    if fact.evse_id != fold.evse_id:
        return True
    return min(values) < begin if fold.was_named else min(values) <= begin


def _is_our_stop(book: Book, item: Incoming, fold: Fold) -> bool:
    """Whether a stop with another tag or none, from before its number was given, is ours: the clock was set back.

    It is where the register is above the begin, or the station has named the number in the transaction before, and tag
    or register agree; unless the number was named before that start was read, by a session of another system.
    """
    fact = item.fact
    if fact.kind != ENDED or not fold.started or fold.stopped or names_none(item.name[2]):
        return False
    named_frame = book.others.get(item.name)
    if named_frame is not None and (fold.first_frame is None or named_frame < fold.first_frame):
        return False
    begin = fold.meter.meter_start_mwh
    stop = max((reading.mwh for reading in fact.readings), default=None)
    if begin is not None and stop is not None and stop > begin:
        return True
    has_another_tag = bool(fact.id_token and _tag(fold)) and not _has_same_tag(fact, fold)
    is_below = begin is not None and stop is not None and stop < begin
    return fold.was_named and not (has_another_tag and is_below)


def _match_values(known: Collection[Tx], fact: Fact) -> Tx | None:
    line = [tx for tx in known if tx.fold.evse_id == fact.evse_id and tx.fold.begin_us <= fact.order_us]
    latest = max(line, key=_begin, default=None)
    if latest is None or (latest.fold.stopped and latest.fold.stop_order_us < fact.order_us):
        return None
    # The next one, if it is not among the known, would have had it.
    next_us = latest.fold.next_begin_us
    return latest if next_us is None or fact.order_us < next_us else None


def _match_stop(known: Collection[Tx], fact: Fact) -> Tx | None:
    candidates = [tx for tx in known if _is_open_at(tx.fold, fact.order_us) and _agrees(tx.fold, fact)]
    # Of two on one connector, the stop is not that of the one that begins at its very time.
    if len(candidates) > 1:
        candidates = [tx for tx in candidates if tx.fold.begin_us < fact.order_us]
    return candidates[0] if len(candidates) == 1 else None


def _is_open_at(fold: Fold, us: int) -> bool:
    return not fold.stopped and fold.begin_us <= us and (fold.next_begin_us is None or us <= fold.next_begin_us)


def _agrees(fold: Fold, fact: Fact) -> bool:
    """Whether tag and meter of a stop are those of a transaction. A number of another system asks for its very tag."""
    if not _has_same_tag(fact, fold) and ((fact.id_token and _tag(fold)) or not fact.names_none):
        return False
    ends = [reading.mwh for reading in fold.meter.counted(fact) if reading.rank == END and reading.mwh >= 0]
    last = fold.meter.energy.end_mwh
    return not ends or last is None or max(ends) > last - ROUNDING_MWH


def _has_same_tag(fact: Fact, fold: Fold) -> bool:
    return bool(fact.id_token) and match_key(fact.id_token) == _tag(fold)


def _tag(fold: Fold) -> str:
    """The tag of the start, refused or not."""
    return match_key(fold.id_token or fold.refused_token)
