"""The state of a transaction, derived from its events. Pure, and the same in any order of arrival.

See docs/DESIGN.md, "Derived state".

`apply` adds an event that came in order. For one that did not it returns False, and the state must be rebuilt.
"""

from collections.abc import Iterable, Sequence

import msgspec

from mesh.contract.id_tokens import match_key
from transaction_svc import ends
from transaction_svc.ends import Closure, FramePosition, Mark
from transaction_svc.energy import EnergyFlag
from transaction_svc.event_record import END, ENDED, STARTED, UPDATED, EventRecord, Power
from transaction_svc.metering import Metering
from transaction_svc.stored_names import SHORT

# csms.transaction.v1.ChargingState: EV_CONNECTED, SUSPENDED_EV, SUSPENDED_EVSE, IDLE.
_NOT_CHARGING = frozenset({2, 3, 4, 5})


class Reassessment(msgspec.Struct, frozen=True, rename=SHORT, omit_defaults=True):
    """The latest reassessment by an operator."""

    count: int  # number of reassessments
    at_us: int
    username: str


class TransactionState(msgspec.Struct, tag_field="v", tag=3, rename=SHORT, omit_defaults=True):
    """The state, stored in the form of `stored_form.py`. A new field needs a default.

    Fields that nearly every row has come first: JSON is read faster where its order is that of the fields.
    """

    event_count: int = 0
    created_us: int = 0
    updated_us: int = 0
    last_key: tuple[int, int, int, int] | None = None
    latest_us: int = 0  # latest order_us
    begin_us: int = 0  # order_us of the start, else the earliest: its position on the EVSE
    started: bool = False
    start_us: int | None = None
    evse_id: int = 0
    connector_id: int = 0
    id_token: str = ""
    id_token_type: str = ""
    meter: Metering = msgspec.field(default_factory=Metering)
    first_frame: FramePosition | None = None
    last_frame: FramePosition = (0, 0)
    last_published_us: int = 0  # time of its latest outbox event
    given_us: int = 0  # 1.6: when its number was given
    was_named: bool = False  # 1.6: whether another event has named its number
    charging_state: int = 0
    power: Power | None = None  # the latest that the station measured
    remote_start_id: int | None = None  # of the RequestStart command that began it (2.x), from the first event with one
    # Sequence numbers (2.x).
    seq_count: int = 0
    seq_most: int = -1
    seq_us: int = 0  # order_us of the last event with a seq_no
    seq_squares: int = 0  # sum of the squares, which shows whether each number from 0 on came once
    stopped: bool = False
    stop_us: int | None = None
    stop_order_us: int = 0
    stopped_reason: int = 0
    stop_token: str = ""
    stop_token_type: str = ""
    reported_stop_mwh: int | None = None  # 1.6's meterStop
    end_published: bool = False
    skewed: bool = False
    orphan: bool = False
    conflicting: bool = False
    is_stale: bool = False  # stored by an older version: the next event rebuilds it
    went_on: bool = False  # whether an event contradicts the mark
    # Set from outside: not derived from the transaction's own events.
    next_begin_us: int | None = None  # when the next transaction on the same EVSE began
    concurrent: bool = False  # in states stored before concurrent_count
    concurrent_count: int = 0  # other open transactions of id_token when it began to hold this one
    reassessment: Reassessment | None = None
    mark: Mark | None = None
    closure: Closure | None = None
    # Refused id tokens, which hold no transaction.
    refused_token: str = ""  # the first
    refused_token_type: str = ""
    refused_status: int = 0  # csms.common.v1.AuthorizationStatus
    judged_arrival: int = 0  # arrival of the start whose token was authorized last
    refusals: int = 0
    packed: bool = False  # whether events are packed (thinning.py): they are unpacked before it is rebuilt
    # When its end by another start is published: until then the id token of that start may be refused, which takes the
    # end back. 0 where it is published, or it has no such end.
    end_due_us: int = 0
    matched_us: int = 0  # 1.6: the latest order_us of events with a placeholder in the place of its number

    @property
    def waiting(self) -> bool:
        """Whether it is not a transaction yet: a start or an end has to come, values alone make none."""
        return not self.started and not self.stopped

    @property
    def counts(self) -> bool:
        """Whether it is at its EVSE and may hold a token. An orphan of former versions does not."""
        return self.started or (self.stopped and not self.orphan)

    @property
    def takes_evse(self) -> bool:
        """Whether it has a position on its EVSE that ends the transaction before it.

        A start that was refused does not: the driver of the live transaction is still there.
        """
        return self.counts and not self.authorization_status

    @property
    def ended(self) -> bool:
        """Whether it has ended, by an event of its own or from outside."""
        return self.stopped or self.next_begin_us is not None or self.end_origin != 0

    @property
    def end_origin(self) -> int:
        """The origin of its end, as csms.transaction.v1.TransactionEndOrigin; 0 while it is open.

        The station's own end has precedence.
        """
        if self.stopped:
            return ends.STATION
        if self.closure is not None:
            return self.closure.origin
        if self.mark is not None and self.mark.expired and not self.went_on:
            return ends.ABANDONED
        return ends.SUPERSEDED if self.next_begin_us is not None else 0

    @property
    def end_us(self) -> int | None:
        """The time of its end by the station's clock; the time of its latest event where an end is not known."""
        origin = self.end_origin
        if origin in (0, ends.STATION, ends.SUPERSEDED):
            return self.stop_us if self.stopped else self.next_begin_us
        return self.latest_us

    @property
    def hanging(self) -> bool:
        """Whether it is open, and its station has booted or freed the connector since its last event."""
        return self.mark is not None and not self.went_on and not self.ended

    @property
    def hanging_due_us(self) -> int | None:
        """The end of a hanging transaction's grace period, which begins with the mark, or with a later event."""
        if self.mark is None or not self.hanging:
            return None
        return max(self.mark.since_us, self.updated_us) + self.mark.grace_us

    @property
    def due_us(self) -> int | None:
        """When `expiry.py` goes on with it: the end of its grace period, or the publication of its end."""
        return self.hanging_due_us if not self.end_due_us else self.end_due_us

    @property
    def held_by(self) -> tuple[str, str]:
        """The id token that it belongs to, and its type: the first accepted one, else the first refused one.

        Without a start and any of these, the token of the stop.
        """
        if self.id_token:
            return self.id_token, self.id_token_type
        if self.refused_token:
            return self.refused_token, self.refused_token_type
        return ("", "") if self.started else (self.stop_token, self.stop_token_type)

    @property
    def authorization_status(self) -> int:
        """The refusal of `held_by`, as csms.common.v1.AuthorizationStatus; 0 where it was accepted."""
        return 0 if self.id_token else self.refused_status

    @property
    def power_w(self) -> int | None:
        """Present power in watts; None where it is not known, and once it has ended."""
        if self.stopped or not self.started:
            return None
        # `ended` costs more than all else here, and this is computed with each event.
        may_be_ended = self.next_begin_us is not None or self.mark is not None or self.closure is not None
        if may_be_ended and self.ended:
            return None
        power_w = self.meter.power_w if self.power is None else self.meter.measured_w(*self.power)
        return 0 if self.charging_state in _NOT_CHARGING and power_w is not None else power_w

    @property
    def holds_token(self) -> bool:
        """Whether it counts for its token's limit while it is open; not while it is hanging."""
        return bool(self.id_token) and not self.hanging

    @property
    def reason(self) -> int:
        """The reason of its end, as csms.transaction.v1.StoppedReason."""
        return self.stopped_reason if self.stopped else ends.REASONS.get(self.end_origin, 0)

    @property
    def seq_gap(self) -> bool:
        """Whether the sequence numbers are not 0, 1, 2, …, each once."""
        count = self.seq_count
        return self.seq_most + 1 != count or self.seq_squares != (count - 1) * count * (2 * count - 1) // 6

    @property
    def flags(self) -> Sequence[str]:
        """The flags that are raised, sorted."""
        if self.is_plain:
            return ()
        raised = (flag for flag, is_raised in self.raised() if is_raised)
        return sorted([*raised, *self.meter.flags])

    @property
    def is_ordinary(self) -> bool:
        """Whether it is open and without anomalies, as nearly all events leave it."""
        return not self.stopped and self.is_plain

    @property
    def is_plain(self) -> bool:
        """Whether it is without anomalies, and open or ended by its station."""
        if self.mark is not None or self.next_begin_us is not None or self.closure is not None or self.refused_status:
            return False
        if self.skewed or self.orphan or self.conflicting or (self.seq_count and self.seq_gap):
            return False
        return self.started and self.meter.is_sound

    def raised(self) -> Sequence[tuple[str, bool]]:
        """All flags but those of its energy, with whether each is raised."""
        origin = self.end_origin
        return (
            ("abandoned", origin == ends.ABANDONED),
            ("clock_skew", self.skewed),
            ("conflicting_stop", self.conflicting),
            ("late_stop", self.stopped and self._was_ended()),
            ("missing_start", not self.started),
            ("operator_end", origin == ends.OPERATOR),
            ("orphan", self.orphan),
            ("refused_token", self.authorization_status != 0 and self.meter.energy_mwh > 0),
            ("seq_gap", self.seq_gap),
            ("station_deleted", origin == ends.STATION_DELETED),
            ("superseded", origin == ends.SUPERSEDED),
        )

    def _was_ended(self) -> bool:
        """Whether it had been ended from outside before its station reported the end."""
        if self.closure is not None or (self.mark is not None and self.mark.expired):
            return True
        return self.next_begin_us is not None and self.stop_order_us > self.next_begin_us


FLAGS = tuple(sorted({*(flag for flag, _is_raised in TransactionState().raised()), *EnergyFlag}))
"""All flags that a transaction may have."""


def apply(state: TransactionState, record: EventRecord) -> bool:
    """Applies one more event. False where it came out of order: then `state` is not valid, and must be rebuilt."""
    key = record.key
    if state.is_stale:
        return False
    if state.last_key is None or key > state.last_key:
        was_by_sequence = state.meter.by_sequence
        counts = _take_event(state, record, key)
        if state.meter.by_sequence != was_by_sequence or _ended_before_others(state, record):
            return False
    elif _says_nothing_new(state, record):
        _count(state, record)
        counts = True
    else:
        return False
    return not counts or state.meter.take(record)


def count_unmatched(state: TransactionState, record: EventRecord) -> None:
    """Counts an event that belongs to no transaction."""
    _count(state, record)


def rebuild(records: Iterable[EventRecord], outside: TransactionState) -> TransactionState:
    """Derives the state from all events of a transaction; fields that are set from outside are those of `outside`."""
    state = TransactionState(
        next_begin_us=outside.next_begin_us,
        mark=outside.mark,
        closure=outside.closure,
        concurrent=outside.concurrent,
        concurrent_count=outside.concurrent_count,
        reassessment=outside.reassessment,
        last_published_us=outside.last_published_us,
        end_published=outside.end_published,
        end_due_us=outside.end_due_us,
        meter=Metering(terms=msgspec.structs.replace(outside.meter.terms, started_at=None)),
    )
    state.meter.rebuild(
        [record for record in sorted(records, key=lambda record: record.key) if _take_event(state, record, record.key)]
    )
    return state


def generations(records: Iterable[EventRecord]) -> Sequence[Sequence[EventRecord]]:
    """Splits the events of a name into its uses, oldest first. Each start begins one, since stations reuse names."""
    by_time = sorted(records, key=lambda record: (record.order_us, record.kind, record.arrival))
    uses: list[list[EventRecord]] = [[]]
    started = False
    for record in by_time:
        if record.kind == STARTED:
            if started:
                uses.append([])
            started = True
        uses[-1].append(record)
    return uses


def _take_event(state: TransactionState, record: EventRecord, key: tuple[int, int, int, int]) -> bool:
    """Applies an event that comes after all others, without its readings. False where these do not count."""
    _count(state, record)
    state.last_key = key
    if record.seq_no is not None:
        _count_position(state, record, record.seq_no)
    if record.kind == ENDED and state.stopped:
        state.conflicting = state.conflicting or not _is_same_stop(state, record)
        return False
    if record.kind == STARTED:
        state.given_us = min(state.given_us or record.recorded_us, record.recorded_us)
        if state.started:
            _start_again(state, record)
            return False
    _describe(state, record)
    if record.kind == ENDED:
        _stop(state, record)
    elif record.id_token:
        _identify(state, record)
    if record.kind == STARTED:
        state.started, state.start_us, state.begin_us = True, record.time_us, record.order_us
        state.judged_arrival = record.arrival
        state.meter.begin(record)
    return True


def _describe(state: TransactionState, record: EventRecord) -> None:
    """Applies facts that an event may have beside its readings and its token."""
    if record.evse_id and not state.evse_id:
        state.evse_id, state.connector_id = record.evse_id, record.connector_id
    if record.charging_state:
        state.charging_state = record.charging_state
    if record.remote_start_id is not None and state.remote_start_id is None:
        state.remote_start_id = record.remote_start_id


def _start_again(state: TransactionState, record: EventRecord) -> None:
    """Applies a 1.6 start that was sent again with another time: the token's latest authorization counts."""
    if record.arrival < state.judged_arrival or not record.id_token:
        return
    state.judged_arrival = record.arrival
    state.id_token, state.id_token_type = "", ""
    _identify(state, record)


def _count_position(state: TransactionState, record: EventRecord, seq_no: int) -> None:
    if state.seq_count and record.order_us < state.seq_us:
        state.meter.by_sequence = True
    state.seq_us = record.order_us
    state.seq_count += 1
    state.seq_most = max(state.seq_most, seq_no)
    state.seq_squares += seq_no * seq_no


def _identify(state: TransactionState, record: EventRecord) -> None:
    """Applies an event's token: the first accepted one holds the transaction."""
    if record.refused_status:
        state.refusals += 1
        if not state.refused_status:
            state.refused_token, state.refused_token_type = record.id_token, record.id_token_type
            state.refused_status = record.refused_status
    elif not state.id_token:
        state.id_token, state.id_token_type = record.id_token, record.id_token_type


def _count(state: TransactionState, record: EventRecord) -> None:
    """Applies the fields that do not depend on order. Comparisons, since `min` and `max` would cost twice as much."""
    first = not state.event_count
    state.event_count += 1
    if first or record.recorded_us < state.created_us:
        state.created_us = record.recorded_us
    state.updated_us = max(state.updated_us, record.recorded_us)
    state.latest_us = max(state.latest_us, record.order_us)
    if not state.started and (first or record.order_us < state.begin_us):
        state.begin_us = record.order_us
    if record.power is not None:
        _measure(state, record.order_us, *record.power)
    if record.skewed:
        state.skewed = True
    if record.orphan:
        state.orphan = True
    if record.named or record.seq_no is None:
        _note_name(state, record)
    if state.first_frame is None or record.frame < state.first_frame:
        state.first_frame = record.frame
    state.last_frame = max(state.last_frame, record.frame)
    if state.mark is not None and state.mark.precedes(record.frame, record.order_us):
        state.went_on = True


def _measure(state: TransactionState, order_us: int, after_us: int, watts: int) -> None:
    power = order_us + after_us, watts
    if state.power is None or power > state.power:
        state.power = power


def _note_name(state: TransactionState, record: EventRecord) -> None:
    """Applies the transactionId of a 1.6 message."""
    if record.named:
        if record.names_none:
            state.matched_us = max(state.matched_us, record.order_us)
    elif record.kind != STARTED:
        state.was_named = True


def _stop(state: TransactionState, record: EventRecord) -> None:
    state.stopped = True
    state.stop_us, state.stop_order_us = record.time_us, record.order_us
    state.meter.end(record)
    state.stopped_reason = record.stopped_reason
    state.stop_token, state.stop_token_type = record.id_token, record.id_token_type
    state.reported_stop_mwh = _meter_stop(record)


def _is_same_stop(state: TransactionState, record: EventRecord) -> bool:
    """Whether a further end is the known 1.6 stop, sent again with another time."""
    if record.seq_no is not None or match_key(record.id_token) != match_key(state.stop_token):
        return False
    return _meter_stop(record) == state.reported_stop_mwh


def _meter_stop(record: EventRecord) -> int | None:
    if record.seq_no is not None:
        return None
    return next((reading.mwh for reading in record.readings if reading.rank == END), None)


def _says_nothing_new(state: TransactionState, record: EventRecord) -> bool:
    """Whether an event's position among the others matters for its readings alone."""
    if record.kind != UPDATED or record.seq_no is not None or record.charging_state or record.id_token:
        return False
    return not record.evse_id or (record.evse_id, record.connector_id) == (state.evse_id, state.connector_id)


def _ended_before_others(state: TransactionState, record: EventRecord) -> bool:
    """Whether an end came after events that are later by the station's order."""
    if record.kind != ENDED:
        return False
    return state.seq_most > record.seq_no if record.seq_no else state.latest_us > record.order_us
