"""What is odd about the events of a batch, for the gateway to count (docs/QUIRKS.md). Pure."""

from mesh.quirks import QuirkName
from transaction_svc.book import Key, Tx
from transaction_svc.facts import ENDED, STARTED, UPDATED
from transaction_svc.fold import Fold
from transaction_svc.intake import Incoming


class Oddities:
    """Notes what is odd as events are added; `of` tells it once all of the batch are folded in.

    What the transaction as a whole shows (a register that fell, a gap in the numbers) is told with the first event of
    the batch that belongs to it, the first time that it shows.
    """

    def __init__(self) -> None:
        self._raised: dict[Key, tuple[bool, bool]] = {}
        self._found: dict[int, list[str]] = {}

    def before(self, item: Incoming, tx: Tx) -> None:
        """An event is about to be added to its transaction."""
        if tx.key not in self._raised:
            self._raised[tx.key] = _raised(tx.fold)
        fact = item.fact
        if fact.seq_no is not None or fact.kind == STARTED:
            return
        found = []
        if fact.orphan or tx.key[2] != item.name[2]:
            found.append(QuirkName.UNKNOWN_TRANSACTION.value)
        if fact.kind == UPDATED and tx.fold.stopped:
            found.append(QuirkName.VALUES_AFTER_END.value)
        if fact.kind == ENDED and any(value < 0 for _rank, _at_us, _source, value in fact.readings):
            found.append(QuirkName.METER_ROLLBACK.value)
        if found:
            self._found[id(item)] = found

    def of(self, item: Incoming, tx: Tx, *, repeated: bool) -> tuple[str, ...]:
        """What is odd about an event, by name; about its transaction only once."""
        if repeated:
            return (QuirkName.REPEATED_EVENT.value,)
        found = self._found.get(id(item), [])
        fell, gap = self._raised.get(tx.key, (True, True))
        if not (fell and gap):
            fell_now, gap_now = _raised(tx.fold)
            if fell_now and not fell and QuirkName.METER_ROLLBACK not in found:
                found = [*found, QuirkName.METER_ROLLBACK.value]
            if gap_now and not gap:
                found = [*found, QuirkName.SEQ_GAP.value]
            self._raised[tx.key] = fell_now, gap_now
        return tuple(found)


def _raised(fold: Fold) -> tuple[bool, bool]:
    return fold.broken or fold.register.fell, fold.seq_gap
