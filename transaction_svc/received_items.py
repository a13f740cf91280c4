"""Reads the items that gateways send. Pure: an invalid item is an error about this item alone."""

import binascii

import grpc
import msgspec
from csms.transaction.v1.transaction_event_pb2 import TransactionEvent
from csms.transaction.v1.transaction_ingest_service_pb2 import MeterValuesItem, TransactionEventItem

from mesh.contract.texts import is_storable, without_nul
from mesh.runtime.error_reasons import Reason, reason_of
from mesh.runtime.errors import MeshError, invalid_field
from transaction_svc import idempotency_keys
from transaction_svc.clocks import is_plausible, is_skewed, read_time
from transaction_svc.event_record import ENDED, STARTED, UPDATED, EventRecord, by_event
from transaction_svc.readings import read_meter_values

_KINDS = frozenset((STARTED, UPDATED, ENDED))


class ReceivedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction event that was read, and is to be recorded."""

    name: tuple[str, str, str]  # tenant, station, transaction as the station names it; empty on a 1.6 start
    content: tuple[str, str, str]  # tenant, station, content key
    plausible: bool  # whether the station's time is
    record: EventRecord
    event: str  # serialized, base64
    receive_us: int
    epoch: int
    ordinal: int

    @property
    def is_numbered_start(self) -> bool:
        """Whether it is a start that needs a number (1.6)."""
        return self.record.kind == STARTED and self.record.seq_no is None


class ReceivedMeterValues(msgspec.Struct, frozen=True, kw_only=True):
    """Meter values outside of transactions that were read, and are to be recorded."""

    tenant_id: str
    station_id: str
    content_key: str
    item: str  # serialized, base64
    receive_us: int
    sample_us: int  # the station's time of its first sample; 0 where it has none


def read_event(item: TransactionEventItem, now_us: int) -> ReceivedEvent:
    """Reads an item. Raises MeshError INVALID_FIELD for one that cannot be an event of a transaction.

    Raises MeshError with the gateway's reason for a message that the gateway could not read.
    """
    origin, event = item.origin, item.event
    tenant_id, station_id, named = origin.tenant_id, origin.station_id, event.transaction_id
    check_origin(tenant_id, station_id)
    if item.HasField("raw") and not item.known_transaction_only:
        raise MeshError(
            grpc.StatusCode.INVALID_ARGUMENT,
            reason_of(item.raw.reason or Reason.MESSAGE_UNREADABLE),
            item.raw.message or "unreadable",
        )
    receive_us = read_time(origin, "receive_time")
    if receive_us is None:
        receive_us = now_us
    time_us = read_time(event, "event_time")
    plausible = time_us is not None and is_plausible(time_us, receive_us)
    record = _to_event_record(event, named, time_us=time_us, plausible=plausible, receive_us=receive_us, now_us=now_us)
    data = event.SerializeToString(deterministic=True)
    key = idempotency_keys.event_key(event, record, data, plausible=plausible)
    record.frame = (origin.epoch, origin.ordinal)
    return ReceivedEvent(
        name=(tenant_id, station_id, without_nul(named)),
        content=(tenant_id, station_id, key),
        plausible=plausible,
        record=record,
        event=encode(data),
        receive_us=receive_us,
        epoch=origin.epoch,
        ordinal=origin.ordinal,
    )


def read_values(item: MeterValuesItem, now_us: int) -> ReceivedMeterValues:
    """Reads an item. Raises MeshError INVALID_FIELD for one without a station."""
    origin = item.origin
    check_origin(origin.tenant_id, origin.station_id)
    receive_us = read_time(origin, "receive_time")
    times = [us for value in item.meter_values if (us := read_time(value, "sample_time")) is not None]
    return ReceivedMeterValues(
        tenant_id=origin.tenant_id,
        station_id=origin.station_id,
        content_key=idempotency_keys.meter_values_key(item.evse, item.meter_values),
        item=encode(item.SerializeToString()),
        receive_us=now_us if receive_us is None else receive_us,
        sample_us=min(times, default=0),
    )


def encode(data: bytes) -> str:
    """Bytes as text for a table."""
    return binascii.b2a_base64(data, newline=False).decode()


def decode(text: str) -> bytes:
    """Bytes from a table."""
    return binascii.a2b_base64(text)


def _to_event_record(
    event: TransactionEvent, named: str, *, time_us: int | None, plausible: bool, receive_us: int, now_us: int
) -> EventRecord:
    kind, evse = event.event_type, event.evse
    seq_no = event.seq_no if event.HasField("seq_no") else None
    _check_event(kind, named, seq_no)
    order_us = time_us if plausible and time_us is not None else receive_us
    record = EventRecord(
        kind=kind,
        seq_no=seq_no,
        time_us=time_us,
        order_us=order_us,
        recorded_us=now_us,
        charging_state=event.charging_state,
        stopped_reason=event.stopped_reason,
        skewed=time_us is not None and is_skewed(time_us, receive_us),
        evse_id=evse.evse_id,  # 0 where there is none
        connector_id=evse.connector_id,
    )
    if event.HasField("id_token"):
        record.id_token, record.id_token_type = without_nul(event.id_token.id_token), without_nul(event.id_token.type)
    if event.HasField("remote_start_id"):
        record.remote_start_id = event.remote_start_id
    if values := event.meter_values:
        found = read_meter_values(values, order_us=order_us, receive_us=receive_us)
        record.readings, record.intervals = tuple(by_event(kind, found.readings)), tuple(found.intervals)
        if found.power is not None:
            record.power = found.power[0] - order_us, found.power[1]
    return record


def _check_event(kind: int, named: str, seq_no: int | None) -> None:
    if kind not in _KINDS:
        raise invalid_field("event.event_type", "must be STARTED, UPDATED or ENDED")
    if not named and (kind != STARTED or seq_no is not None):
        raise invalid_field("event.transaction_id", "is required, but for a start without seq_no")
    if seq_no is not None and seq_no < 0:
        raise invalid_field("event.seq_no", "must not be negative")


def check_origin(tenant_id: str, station_id: str) -> None:
    """Raises MeshError INVALID_FIELD for an origin without a station."""
    if not tenant_id or not station_id:
        raise invalid_field("origin", "needs tenant_id and station_id")
    if not is_storable(tenant_id + station_id):
        raise invalid_field("origin", "holds a character that no name may have")
