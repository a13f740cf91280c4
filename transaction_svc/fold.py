"""A transaction as a fold over its events (design 4.2). Pure, and the same whatever the order of arrival.

What comes in order is appended; `append` says where something did not, and the transaction must be folded anew.
"""

from collections.abc import Iterable, Sequence

import msgspec

from transaction_svc.facts import BEGIN, BETWEEN, END, ENDED, STARTED, UPDATED, Fact, Reading
from transaction_svc.register import Register

# csms.transaction.v1.StoppedReason.
SUPERSEDED = 25

ReadingKey = tuple[int, int, int, int]
"""Rank, time, kind of event, register: the order in which readings are pushed."""


class Fold(msgspec.Struct, tag_field="v", tag=2, omit_defaults=True):
    """The state of a fold, stored as `stored_form.py` says. A new field needs a default."""

    event_count: int = 0
    created_us: int = 0
    updated_us: int = 0
    last_key: tuple[int, int, int, int] | None = None
    latest_us: int = 0  # latest order_us
    begin_us: int = 0  # order_us of the start, or the earliest where the start is missing: its place on the connector
    started: bool = False
    start_us: int | None = None
    stopped: bool = False
    stop_us: int | None = None
    stop_order_us: int = 0
    stopped_reason: int = 0
    evse_id: int = 0
    connector_id: int = 0
    id_token: str = ""
    id_token_type: str = ""
    stop_token: str = ""
    stop_token_type: str = ""
    charging_state: int = 0
    # What does not add up.
    next_seq: int = 0
    seq_gap: bool = False
    skewed: bool = False
    orphan: bool = False
    conflicting: bool = False
    broken: bool = False  # a register below zero
    # Energy.
    register: Register = msgspec.field(default_factory=Register)
    last_reading: ReadingKey | None = None
    source: int | None = None  # best source of the readings between begin and end; others are left out
    meter_begun: bool = False  # whether a reading told the register at the start
    meter_ended: bool = False  # whether a trustworthy one told it at the end
    interval_source: int | None = None
    interval_mwh: int = 0
    interval_us: int | None = None
    # What is told from outside: not folded from the transaction's own events.
    next_begin_us: int | None = None  # when the next transaction on the same EVSE began
    concurrent: bool = False
    told_us: int = 0  # when an event about it last went to the outbox
    told_end: bool = False

    @property
    def ended(self) -> bool:
        """Whether it is over, by its own account or because the next one began."""
        return self.stopped or self.next_begin_us is not None

    @property
    def end_us(self) -> int | None:
        """When it ended, by the station's clock."""
        return self.stop_us if self.stopped else self.next_begin_us

    @property
    def holder(self) -> tuple[str, str]:
        """Token and type of who started it; where the start is missing, of who stopped it."""
        if self.id_token or self.started:
            return self.id_token, self.id_token_type
        return self.stop_token, self.stop_token_type

    @property
    def reason(self) -> int:
        """Why it ended, as csms.transaction.v1.StoppedReason."""
        return self.stopped_reason if self.stopped else SUPERSEDED * self.ended

    @property
    def energy_mwh(self) -> int:
        """Energy delivered; from the intervals only where the register tells nothing."""
        if self.register.count > 1 or self.interval_us is None:
            return self.register.energy
        return self.interval_mwh

    @property
    def meter_start_mwh(self) -> int | None:
        """The register at the start."""
        return self.register.first if self.meter_begun else None

    @property
    def meter_stop_mwh(self) -> int | None:
        """The register at the end: the last reading that can be trusted."""
        if not self.ended or not (self.meter_ended or self.register.count > int(self.meter_begun)):
            return None
        return self.register.last

    @property
    def flags(self) -> Sequence[str]:
        """What does not add up, sorted."""
        overtaken = self.next_begin_us
        raised = (
            ("clock_skew", self.skewed),
            ("conflicting_stop", self.conflicting),
            ("late_stop", self.stopped and overtaken is not None and self.stop_order_us > overtaken),
            ("meter_rollback", self.fell),
            ("missing_start", not self.started),
            ("orphan", self.orphan),
            ("seq_gap", self.seq_gap),
            ("superseded", not self.stopped and overtaken is not None),
        )
        return [flag for flag, is_raised in raised if is_raised]

    @property
    def fell(self) -> bool:
        """Whether its register ever fell, or was below zero."""
        return self.broken or self.register.fell


def append(fold: Fold, fact: Fact) -> bool:
    """Folds one more event in. False where it came out of order: then `fold` is spoilt, and must be folded anew."""
    key = fact.key
    if fold.last_key is None or key > fold.last_key:
        counts = _take_event(fold, fact, key)
    elif _says_nothing_new(fold, fact):
        _count(fold, fact)
        counts = True
    else:
        return False
    if not counts:
        return True
    for reading in fact.readings:
        if not _take_reading(fold, reading, fact.kind):
            return False
    return not fact.intervals or _take_intervals(fold, fact)


def fold_anew(facts: Iterable[Fact], outside: Fold) -> Fold:
    """Folds all events of a transaction; what is told from outside stays as in `outside`."""
    fold = Fold(
        next_begin_us=outside.next_begin_us,
        concurrent=outside.concurrent,
        told_us=outside.told_us,
        told_end=outside.told_end,
    )
    counting = [fact for fact in sorted(facts, key=lambda fact: fact.key) if _take_event(fold, fact, fact.key)]
    _fold_readings(fold, [(reading, fact.kind) for fact in counting for reading in fact.readings])
    _fold_intervals(fold, counting)
    return fold


def generations(facts: Iterable[Fact]) -> Sequence[Sequence[Fact]]:
    """Splits the events of one name into its uses, oldest first: each start begins one (stations reuse names)."""
    by_time = sorted(facts, key=lambda fact: (fact.order_us, fact.kind, fact.arrival))
    uses: list[list[Fact]] = [[]]
    started = False
    for fact in by_time:
        if fact.kind == STARTED:
            if started:
                uses.append([])
            started = True
        uses[-1].append(fact)
    return uses


def _take_event(fold: Fold, fact: Fact, key: tuple[int, int, int, int]) -> bool:
    """Takes all but the readings, of an event that comes after all others. False where its readings do not count."""
    _count(fold, fact)
    fold.last_key = key
    if fact.seq_no is not None:
        fold.seq_gap = fold.seq_gap or fact.seq_no != fold.next_seq
        fold.next_seq = max(fold.next_seq, fact.seq_no + 1)
    if fact.kind == ENDED and fold.stopped:
        fold.conflicting = True
        return False
    if fact.evse_id and not fold.evse_id:
        fold.evse_id, fold.connector_id = fact.evse_id, fact.connector_id
    if fact.charging_state:
        fold.charging_state = fact.charging_state
    if fact.kind == ENDED:
        _stop(fold, fact)
    elif fact.id_token and not fold.id_token:
        fold.id_token, fold.id_token_type = fact.id_token, fact.id_token_type
    if fact.kind == STARTED and not fold.started:
        fold.started, fold.start_us, fold.begin_us = True, fact.time_us, fact.order_us
    return True


def _count(fold: Fold, fact: Fact) -> None:
    """Takes what does not depend on order. Comparisons, where `min` and `max` would cost twice as much."""
    first = not fold.event_count
    fold.event_count += 1
    if first or fact.recorded_us < fold.created_us:
        fold.created_us = fact.recorded_us
    fold.updated_us = max(fold.updated_us, fact.recorded_us)
    fold.latest_us = max(fold.latest_us, fact.order_us)
    if not fold.started and (first or fact.order_us < fold.begin_us):
        fold.begin_us = fact.order_us
    if fact.skewed:
        fold.skewed = True
    if fact.orphan:
        fold.orphan = True


def _stop(fold: Fold, fact: Fact) -> None:
    fold.stopped = True
    fold.stop_us, fold.stop_order_us = fact.time_us, fact.order_us
    fold.stopped_reason = fact.stopped_reason
    fold.stop_token, fold.stop_token_type = fact.id_token, fact.id_token_type


def _says_nothing_new(fold: Fold, fact: Fact) -> bool:
    """Whether an event's place among the others makes no difference, but for its readings."""
    if fact.kind != UPDATED or fact.seq_no is not None or fact.charging_state or fact.id_token:
        return False
    return not fact.evse_id or (fact.evse_id, fact.connector_id) == (fold.evse_id, fold.connector_id)


def _take_reading(fold: Fold, reading: Reading, kind: int) -> bool:
    """Takes a reading; False where it came out of order."""
    rank, at_us, source, value = reading
    if value < 0:
        fold.broken = True
        return True
    last = fold.last_reading
    if rank == BETWEEN:
        if fold.source is None:
            fold.source = source
        if source < fold.source:
            return False
        after_end = fold.meter_ended and last is not None and at_us > last[1]
        if source > fold.source or after_end:
            return True
    elif rank == END and last is not None and last[0] == BETWEEN and last[1] > at_us:
        return False
    key = (rank, at_us, kind, value)
    if last is not None and key <= last:
        return key == last
    _push(fold, key)
    return True


def _push(fold: Fold, key: ReadingKey) -> None:
    rank, _at_us, kind, value = key
    fold.register.push(value)
    fold.last_reading = key
    if rank == BEGIN or kind == STARTED:
        fold.meter_begun = True
    elif rank == END:
        fold.meter_ended = fold.register.last == value


def _fold_readings(fold: Fold, readings: Sequence[tuple[Reading, int]]) -> None:
    fold.broken = any(reading[3] < 0 for reading, _kind in readings)
    sound = [(reading, kind) for reading, kind in readings if reading[3] >= 0]
    fold.source = min((source for (rank, _at, source, _value), _kind in sound if rank == BETWEEN), default=None)
    keys = sorted(
        {
            (rank, at_us, kind, value)
            for (rank, at_us, source, value), kind in sound
            if rank != BETWEEN or source == fold.source
        }
    )
    _push_all(fold, _up_to_end(keys))
    if keys and keys[-1][0] == END and not fold.meter_ended:
        # The end cannot be trusted, so what came after it counts too.
        _push_all(fold, keys)
        fold.meter_ended = False


def _push_all(fold: Fold, keys: Sequence[ReadingKey]) -> None:
    fold.register, fold.last_reading, fold.meter_begun, fold.meter_ended = Register(), None, False, False
    for key in keys:
        _push(fold, key)


def _up_to_end(keys: Sequence[ReadingKey]) -> Sequence[ReadingKey]:
    """Leaves out what was measured after the end (quirk 22: closing meter values)."""
    if not keys or keys[-1][0] != END:
        return keys
    end_us = keys[-1][1]
    return [key for key in keys if key[0] != BETWEEN or key[1] <= end_us]


def _take_intervals(fold: Fold, fact: Fact) -> bool:
    """Takes intervals; False where one came out of order."""
    for at_us, source, energy in fact.intervals:
        if energy < 0 or (fold.interval_source is not None and source > fold.interval_source):
            continue
        if fold.interval_us is not None and (at_us <= fold.interval_us or source != fold.interval_source):
            return False
        fold.interval_us, fold.interval_source = at_us, source
        fold.interval_mwh += energy
    return True


def _fold_intervals(fold: Fold, facts: Iterable[Fact]) -> None:
    intervals = [interval for fact in facts for interval in fact.intervals if interval[2] >= 0]
    if not intervals:
        return
    fold.interval_source = min(source for _at_us, source, _energy in intervals)
    # A stop may tell once more what was told before: each interval counts once.
    by_time = {at_us: energy for at_us, source, energy in sorted(intervals) if source == fold.interval_source}
    fold.interval_us, fold.interval_mwh = max(by_time), sum(by_time.values())
