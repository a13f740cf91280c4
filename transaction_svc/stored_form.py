"""The stored form of event records and states: JSON with a version, `{"v":3,"k":1,…}`; defaults are omitted.

The keys are short (`stored_names.py`). Version 2 had the names of fields as keys. Version 1 was an array without keys.
Rows of every version stay readable, since bills depend on them. A state of version 1 keeps its figures until the next
event of its transaction, with which it is rebuilt from the event records.
"""

from typing import Any

import msgspec

from transaction_svc.energy import Basis, Energy, EnergyFlag
from transaction_svc.event_record import EventRecord, Interval, Reading, by_event, series_number
from transaction_svc.metering import Metering
from transaction_svc.stored_names import VERSION_2
from transaction_svc.transaction_state import TransactionState

_VERSION_2 = '{"v":2,'


class _Record1(msgspec.Struct, array_like=True):
    """Version 1 of `EventRecord`. Never changed."""

    kind: int
    seq_no: int | None
    time_us: int | None
    order_us: int
    recorded_us: int
    arrival: int = 0
    evse_id: int = 0
    connector_id: int = 0
    id_token: str = ""
    id_token_type: str = ""
    charging_state: int = 0
    stopped_reason: int = 0
    skewed: bool = False
    orphan: bool = False
    readings: tuple[tuple[int, int, int, int], ...] = ()
    intervals: tuple[Interval, ...] = ()


class _Register1(msgspec.Struct, array_like=True):
    """Version 1 of `Register`. Never changed."""

    count: int = 0
    first: int = 0
    settled: int = 0
    bottom: int = 0
    before: int | None = None
    top: int = 0
    low: int | None = None
    fell: bool = False


class _State1(msgspec.Struct, array_like=True):
    """Version 1 of `TransactionState`. Never changed."""

    event_count: int = 0
    created_us: int = 0
    updated_us: int = 0
    last_key: tuple[int, int, int, int] | None = None
    latest_us: int = 0
    begin_us: int = 0
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
    next_seq: int = 0
    seq_gap: bool = False
    skewed: bool = False
    orphan: bool = False
    conflicting: bool = False
    broken: bool = False
    register: _Register1 = msgspec.field(default_factory=_Register1)
    last_reading: tuple[int, int, int, int] | None = None
    source: int | None = None
    meter_begun: bool = False
    meter_ended: bool = False
    interval_source: int | None = None
    interval_mwh: int = 0
    interval_us: int | None = None
    next_begin_us: int | None = None
    concurrent: bool = False
    last_published_us: int = 0
    end_published: bool = False


def encode(thing: EventRecord | TransactionState) -> str:
    """Encodes an event record or a state."""
    return _encoder.encode(thing).decode()


def decode_record(text: str) -> EventRecord:
    """Decodes an event record of any version."""
    if text.startswith("["):
        return _record_1(_record_1_decoder.decode(text))
    if text.startswith(_VERSION_2):
        return msgspec.convert(_of_version_2(text), EventRecord, str_keys=True)
    return _record_decoder.decode(text)


def decode_state(text: str) -> TransactionState:
    """Decodes a state of any version."""
    if text.startswith("["):
        return _state_1(_state_1_decoder.decode(text))
    if text.startswith(_VERSION_2):
        return msgspec.convert(_of_version_2(text), TransactionState, str_keys=True)
    return _state_decoder.decode(text)


def _of_version_2(text: str) -> dict[str, Any]:
    """An object of version 2 with the keys of version 3."""
    return {**_renamed(msgspec.json.decode(text)), "v": 3}


def _renamed(value: Any) -> Any:
    if isinstance(value, dict):
        return {VERSION_2.get(name, name): _renamed(inner) for name, inner in value.items()}
    return [_renamed(inner) for inner in value] if isinstance(value, list) else value


def _record_1(old: _Record1) -> EventRecord:
    fields = msgspec.structs.asdict(old)
    readings = [
        Reading(at_us=at, mwh=mwh, rank=rank, series=_series_1(source)) for rank, at, source, mwh in old.readings
    ]
    fields["readings"] = tuple(by_event(old.kind, readings))
    fields["intervals"] = tuple((at, _series_1(source), mwh) for at, source, mwh in old.intervals)
    return EventRecord(**fields)


def _series_1(source: int) -> int:
    """Version 1 had 0 for the outlet, 1 for a sum of its phases, 2 and 3 for other locations."""
    return series_number(source // 2, source % 2)


_SAME_1 = (
    *("event_count", "created_us", "updated_us", "last_key", "latest_us", "begin_us", "started", "start_us"),
    *("stopped", "stop_us", "stop_order_us", "stopped_reason", "evse_id", "connector_id", "id_token", "id_token_type"),
    *("stop_token", "stop_token_type", "charging_state", "skewed", "orphan", "conflicting"),
    *("next_begin_us", "concurrent", "last_published_us", "end_published"),
)


def _state_1(old: _State1) -> TransactionState:
    state = TransactionState(**{name: getattr(old, name) for name in _SAME_1}, is_stale=True)
    count = state.seq_count = old.next_seq + old.seq_gap
    state.seq_most, state.seq_squares = old.next_seq - 1, (count - 1) * count * (2 * count - 1) // 6
    state.meter = _meter_1(old)
    return state


def _meter_1(old: _State1) -> Metering:
    register, last = old.register, _last_1(old.register)
    meter = Metering(broken=old.broken)
    if old.meter_begun:
        meter.reported_begin = 0, register.first
    is_over = old.stopped or old.next_begin_us is not None
    if is_over and (old.meter_ended or register.count > int(old.meter_begun)):
        meter.reported_end = 0, last
    meter.assessed = Energy(
        mwh=register.settled + last - register.bottom,
        begin_mwh=register.first if register.count else None,
        end_mwh=last if register.count else None,
        basis=Basis.REGISTER if register.count else Basis.UNSPECIFIED,
        flags=(EnergyFlag.METER_ROLLBACK,) if register.fell else (),
    )
    if register.count <= 1:
        meter.interval_mwh, meter.interval_us = old.interval_mwh, old.interval_us
    return meter


def _last_1(register: _Register1) -> int:
    low, before = register.low, register.before
    return low if low is not None and before is not None and low >= before else register.top


_encoder = msgspec.json.Encoder()
_record_decoder = msgspec.json.Decoder(EventRecord)
_state_decoder = msgspec.json.Decoder(TransactionState)
_record_1_decoder = msgspec.json.Decoder(_Record1)
_state_1_decoder = msgspec.json.Decoder(_State1)
