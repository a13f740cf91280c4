"""Idempotency keys: messages with the same content have the same key, which is unique in the database. Pure.

See docs/DESIGN.md, "Idempotence by content".
"""

import hashlib
from collections.abc import Iterable
from functools import lru_cache

from csms.common.v1.evse_pb2 import EvseRef
from csms.common.v1.meter_value_pb2 import MeterValue
from csms.transaction.v1.transaction_event_pb2 import TransactionEvent

from transaction_svc.event_record import BEGIN, STARTED, EventRecord

_SEPARATOR = "\x1f"


def event_key(event: TransactionEvent, record: EventRecord, data: bytes, *, plausible: bool) -> str:
    """The content key of an event. The transaction in it is the one that the station named; `offline` is left out.

    With seq_no: transaction, seq_no, kind, trigger, time; and the meter values where the time is not plausible.
    A start without seq_no: connector, time, meter in mWh, token. Others without it: the whole event (`data`).
    """
    kind, time_us = record.kind, record.time_us
    if record.seq_no is not None:
        parts = ["seq", event.transaction_id, str(record.seq_no), str(kind), str(event.trigger_reason), str(time_us)]
        return _digest(parts, () if plausible or kind == STARTED else event.meter_values)
    if kind == STARTED:
        meter = next((reading.mwh for reading in record.readings if reading.rank == BEGIN), None)
        token = event.id_token.id_token.lower()
        parts = ["start", f"{record.evse_id}.{record.connector_id}", str(time_us), str(meter), token]
        # Starts without a register differ in their meter values alone.
        return _digest(parts, event.meter_values if meter is None else ())
    if event.offline:
        bare = TransactionEvent()
        bare.CopyFrom(event)
        bare.offline = False
        data = bare.SerializeToString(deterministic=True)
    return raw_key(data)


def meter_values_key(evse: EvseRef, values: Iterable[MeterValue]) -> str:
    """The content key of meter values outside of transactions."""
    return _digest(["values", str(evse.evse_id), str(evse.connector_id)], values)


@lru_cache(maxsize=16_384)
def name_hash(*parts: str) -> int:
    """The bigint of a name in an index. Queries compare the names too, since hashes may collide."""
    digest = hashlib.blake2b(_SEPARATOR.join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def events_hash(tenant_id: str, station_id: str, transaction_id: str, generation: int) -> int:
    """The bigint of a transaction in the index of events: by name, as events may change their generation.

    Holders of unmatched events have no name. Each generation has a hash of its own, so that one can be read alone.
    """
    if transaction_id:
        return name_hash(tenant_id, station_id, transaction_id)
    return name_hash(tenant_id, station_id, "", str(generation))


def raw_key(data: bytes) -> str:
    """The content key of serialized data."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _digest(parts: Iterable[str], values: Iterable[MeterValue]) -> str:
    digest = hashlib.blake2b(_SEPARATOR.join(parts).encode(), digest_size=16)
    for value in values:
        data = value.SerializeToString(deterministic=True)
        digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()
