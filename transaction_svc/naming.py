"""Which transaction an event belongs to. Pure: works on what the batch has read."""

from mesh.id_tokens import match_key
from transaction_svc.book import Book, Tx
from transaction_svc.facts import END, ENDED, STARTED, Fact
from transaction_svc.intake import Incoming
from transaction_svc.register import ROUNDING_MWH


def find_transaction(book: Book, item: Incoming, number: str) -> Tx:
    """The transaction that a new event belongs to, made where there is none. Only a 1.6 start has a `number`."""
    tenant_id, station_id, named = item.name
    if number:
        return book.create((tenant_id, station_id, number))
    latest = book.latest(item.name)
    if item.fact.seq_no is not None:
        return _by_own_name(book, item, latest)
    if latest is not None and not is_nobodys(named):
        return latest
    return _match(book, item) or _orphan(book, item, latest)


def is_nobodys(number: str) -> bool:
    """Whether a 1.6 number is none that we gave: stations that have none say 0 or -1 (quirk 18)."""
    try:
        return int(number) <= 0
    except ValueError:
        return False


def _by_own_name(book: Book, item: Incoming, latest: Tx | None) -> Tx:
    """By the name that a 2.x station gives. A further start is a new use of the name: a new generation."""
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


def _match(book: Book, item: Incoming) -> Tx | None:
    """The station's only open transaction that an event without a usable number can mean; None for none, or several."""
    candidates = [
        tx for tx in book.of_station(*item.name[:2]) if tx.fold.started and not tx.fold.ended and _agrees(tx, item.fact)
    ]
    return candidates[0] if len(candidates) == 1 else None


def _agrees(tx: Tx, fact: Fact) -> bool:
    fold = tx.fold
    if fact.order_us < fold.begin_us:
        return False
    if fact.kind != ENDED:
        return fact.evse_id == fold.evse_id
    if fact.id_token and fold.id_token and match_key(fact.id_token) != match_key(fold.id_token):
        return False
    ends = [reading.mwh for reading in fold.meter.counted(fact) if reading.rank == END and reading.mwh >= 0]
    last = fold.meter.energy.end_mwh
    return not ends or last is None or max(ends) > last - ROUNDING_MWH


def _orphan(book: Book, item: Incoming, latest: Tx | None) -> Tx:
    """A transaction for what belongs to none. What has no number shares one until it is stopped."""
    item.fact.orphan = True
    if latest is not None and latest.fold.orphan and not latest.fold.ended:
        return latest
    return book.create(item.name)
