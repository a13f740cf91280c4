"""Outbox events about transactions (docs/DESIGN.md, "Transactional outbox"). Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from csms.common.v1.id_token_pb2 import AuthorizationStatus
from csms.transaction.v1.transaction_event_pb2 import ChargingState, StoppedReason
from csms.transaction.v1.transaction_service_pb2 import EnergyBasis, TransactionEndOrigin

from mesh.events.outbox import OutboxEvent
from mesh.runtime.times import SECOND_US
from transaction_svc import ends
from transaction_svc.ends import Closure
from transaction_svc.energy import Basis
from transaction_svc.tracked_transaction import TrackedTransaction
from transaction_svc.transaction_state import TransactionState

# Shortest time between two updates about an open transaction.
UPDATES_APART_US = 10 * SECOND_US

# A gateway asks auth_svc for a start's id token for up to 5 s, and sends its refusal for up to 20 s.
REFUSABLE_US = 30 * SECOND_US

_CHARGING_STATES: Mapping[int, str] = {number: name for name, number in ChargingState.items()}
_ENERGY_BASES: Mapping[int, str] = {number: name for name, number in EnergyBasis.items()}
_END_ORIGINS: Mapping[int, str] = {number: name for name, number in TransactionEndOrigin.items()}
_AUTHORIZATION_STATUSES: Mapping[int, str] = {number: name for name, number in AuthorizationStatus.items()}
_STOPPED_REASONS: Mapping[int, str] = {number: name for name, number in StoppedReason.items()}
# Without a zone: to remove it from the text costs more than all else.
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001


class _TransactionData(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """Data of a transaction's events: the resource's fields by their JSON names; unknown ones are omitted."""

    transaction_id: str
    generation: int
    state: str
    energy_wh: float
    meter_start_wh: float | None = None
    meter_stop_wh: float | None = None
    believed_meter_start_wh: float | None = None
    believed_meter_stop_wh: float | None = None
    energy_basis: str | None = None
    meter_profile_id: str | None = None
    evse: dict[str, int] | None = None
    id_token: dict[str, str] | None = None
    start_time: str | None = None
    end_time: str | None = None
    end_origin: str | None = None
    stopped_reason: str | None = None
    charging_state: str | None = None
    power_w: int | None = None
    remote_start_id: int | None = None
    # Of transactions with anomalies.
    authorization_status: str | None = None
    flags: list[str] | None = None
    reassess_time: str | None = None
    reassessed_by: str | None = None
    hanging: bool | None = None
    hanging_time: str | None = None
    operator_end: dict[str, str | None] | None = None


def to_outbox_events(changed: Iterable[TrackedTransaction], *, now_us: int) -> Iterator[OutboxEvent]:
    """The events about changed transactions; notes on each transaction what was published.

    An end is published at once, and again where a later event changed the outcome; an end by another start only once
    the id token of that start can be refused no more. An update is published at once where a transaction is open again
    after its end was published, or begins or ceases to hang, or one of its tokens was refused.
    """
    # Where the end of a superseded transaction is published at once, it is before the start that supersedes it.
    for tx in sorted(changed, key=lambda tx: tx.state.begin_us):
        state = tx.state
        if now_us - state.last_published_us < UPDATES_APART_US and tx.is_ordinary and tx.before.is_ordinary:
            continue  # nearly all events
        if state.waiting:
            continue
        kinds = []
        if state.started and not tx.before.started:
            kinds.append("transaction.started")
        if _has_end_to_publish(tx, now_us):
            kinds.append("transaction.ended")
            state.end_published = True
        elif not state.ended and not kinds and _has_update_to_publish(tx, now_us):
            kinds.append("transaction.updated")
        for kind in kinds:
            state.last_published_us = now_us
            yield _event(tx, kind, now_us)


def _has_end_to_publish(tx: TrackedTransaction, now_us: int) -> bool:
    """Whether its end is published now; notes until when one is kept back that may be taken back."""
    state = tx.state
    if state.end_origin != ends.SUPERSEDED:
        state.end_due_us = 0
        return state.ended and (not state.end_published or tx.outcome != tx.before.outcome)
    if tx.may_reopen:
        state.end_due_us = now_us + REFUSABLE_US
    if state.end_due_us > now_us:
        return False
    was_kept_back, state.end_due_us = bool(state.end_due_us), 0
    return was_kept_back or not state.end_published or tx.outcome != tx.before.outcome


def _has_update_to_publish(tx: TrackedTransaction, now_us: int) -> bool:
    if now_us - tx.state.last_published_us >= UPDATES_APART_US:
        return True
    is_open_again = tx.before.outcome is not None and tx.state.end_published
    if is_open_again or tx.before.refusals != tx.state.refusals:
        return True
    return tx.before.hanging != tx.state.hanging


def _event(tx: TrackedTransaction, kind: str, now_us: int) -> OutboxEvent:
    tenant_id, station_id, transaction_id, generation = tx.key
    state = tx.state
    change = f"{state.event_count}.{state.end_us or 0}.{state.meter.energy_mwh}"
    if state.refusals:  # of an event that was published before
        change += f".{state.refusals}"
    if state.reassessment is not None:
        change += f".r{state.reassessment.count}"
    if state.mark is not None or state.closure is not None:
        epoch, ordinal = (0, 0) if state.mark is None else state.mark.frame
        change += f".{epoch}.{ordinal}.{int(state.hanging)}{state.end_origin}"
    return OutboxEvent(
        event_id=f"{kind}/{station_id}/{transaction_id}/{generation}/{change}",
        tenant_id=tenant_id,
        type=kind,
        station_id=station_id,
        event_time_us=now_us,
        data=_data(tx),
    )


def _data(tx: TrackedTransaction) -> _TransactionData:
    _tenant_id, _station_id, transaction_id, generation = tx.key
    state, meter = tx.state, tx.state.meter
    energy, by_intervals = meter.energy, meter.stands_on_intervals
    token, token_type = state.held_by
    data = _TransactionData(
        transaction_id=transaction_id,
        generation=generation,
        state="TRANSACTION_STATE_ENDED" if state.ended else "TRANSACTION_STATE_ACTIVE",
        energy_wh=(meter.interval_mwh if by_intervals else energy.mwh) / 1000,
        meter_start_wh=_wh(meter.meter_start_mwh),
        meter_stop_wh=_wh(meter.meter_stop_mwh),
        believed_meter_start_wh=_wh(energy.begin_mwh),
        believed_meter_stop_wh=_wh(energy.end_mwh),
        energy_basis=_word(_ENERGY_BASES, Basis.INTERVALS if by_intervals else energy.basis),
        meter_profile_id=meter.terms.profile_id or None,
        evse={"evseId": state.evse_id, "connectorId": state.connector_id} if state.evse_id else None,
        id_token={"idToken": token, "type": token_type} if token else None,
        start_time=_text(state.start_us),
        charging_state=_word(_CHARGING_STATES, state.charging_state),
        power_w=state.power_w,
        remote_start_id=state.remote_start_id,
    )
    if state.ended:
        data.end_time, data.end_origin = _text(state.end_us), _word(_END_ORIGINS, state.end_origin)
        data.stopped_reason = _word(_STOPPED_REASONS, state.reason)
    if not tx.is_plain or state.reassessment is not None:
        _add_anomalies(data, state, tx.flags)
    return data


def _add_anomalies(data: _TransactionData, state: TransactionState, flags: Sequence[str]) -> None:
    data.authorization_status = _word(_AUTHORIZATION_STATUSES, state.authorization_status)
    data.flags = list(flags) or None
    if state.reassessment is not None:
        data.reassess_time, data.reassessed_by = _text(state.reassessment.at_us), state.reassessment.username
    if state.hanging and state.mark is not None:
        data.hanging, data.hanging_time = True, _text(state.mark.since_us)
    data.operator_end = _operator_end(state.closure)


def _operator_end(closure: Closure | None) -> dict[str, str | None] | None:
    if closure is None or closure.origin != ends.OPERATOR:
        return None
    return {"username": closure.username, "reason": closure.reason, "requestTime": _text(closure.request_us)}


def _text(us: int | None) -> str | None:
    return None if us is None else (_EPOCH + timedelta(microseconds=us)).isoformat() + "Z"


def _wh(mwh: int | None) -> float | None:
    return None if mwh is None else mwh / 1000


def _word(names: Mapping[int, str], number: int) -> str | None:
    """The name of an enumeration's value, None for 0; the number where this version has no name for it."""
    return (names.get(number) or str(number)) if number else None
