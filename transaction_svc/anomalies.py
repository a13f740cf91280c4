"""Anomalies of the events of a batch; the gateway counts them as quirks (docs/QUIRKS.md). Pure."""

from collections.abc import Iterator

from mesh.contract.quirk_names import QuirkName
from transaction_svc.event_record import ENDED, STARTED, UPDATED
from transaction_svc.received_items import ReceivedEvent
from transaction_svc.tracked_transaction import TrackedTransaction

_REPEATED = (QuirkName.REPEATED_EVENT.value,)


class Anomalies:
    """Notes anomalies as events are added; `of` returns them once all events of the batch are applied.

    An anomaly of the whole transaction (a register that fell, a gap in the sequence numbers) is reported once: with the
    first event of the transaction in the batch that brought it.
    """

    def __init__(self) -> None:
        self._found: dict[int, list[str]] = {}
        self._shown: set[tuple[int, str]] = set()

    def before(self, item: ReceivedEvent, tx: TrackedTransaction) -> None:
        """Notes the anomalies of an event that is about to be added to its transaction."""
        record = item.record
        if record.seq_no is not None or record.kind == STARTED:
            return
        found = []
        if tx.key[2] != item.name[2]:
            found.append(QuirkName.UNKNOWN_TRANSACTION.value)
        if record.kind == UPDATED and tx.state.stopped:
            found.append(QuirkName.VALUES_AFTER_END.value)
        if record.kind == ENDED and any(reading.mwh < 0 for reading in record.readings):
            found.append(QuirkName.METER_ROLLBACK.value)
        if found:
            self._found[id(item)] = found

    def of(self, item: ReceivedEvent, tx: TrackedTransaction, *, repeated: bool) -> tuple[str, ...]:
        """The names of an event's anomalies, with those of its transaction that were not returned before."""
        if repeated:
            return _REPEATED
        found = self._found.get(id(item), ())
        if tx.is_plain:
            return tuple(found)
        return tuple(dict.fromkeys((*found, *self._shown_first(tx))))

    def _shown_first(self, tx: TrackedTransaction) -> Iterator[str]:
        """The anomalies that a transaction did not have before this batch."""
        state, before = tx.state, tx.before
        shown = (
            (QuirkName.METER_ROLLBACK.value, state.meter.fell and not before.fell),
            (QuirkName.SEQ_GAP.value, state.seq_gap and not before.seq_gap),
        )
        for name, is_shown in shown:
            if is_shown and (id(tx), name) not in self._shown:
                self._shown.add((id(tx), name))
                yield name
