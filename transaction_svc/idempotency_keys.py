"""What makes two messages the same: keys by content, unique in the database. Pure.

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
    """The content key of an event, as the station named its transaction. `offline` is no part of it.

    With seq_no: transaction, seq_no, kind, trigger, time; what was measured only where no clock tells events apart.
    A start without: connector, time, meter in mWh, token. All else without: everything it says, serialized in `data`.
    """
    kind, time_us = record.kind, record.time_us
    if record.seq_no is not None:
        parts = ["seq", event.transaction_id, str(record.seq_no), str(kind), str(event.trigger_reason), str(time_us)]
        return _digest(parts, () if plausible or kind == STARTED else event.meter_values)
    if kind == STARTED:
        meter = next((reading.mwh for reading in record.readings if reading.rank == BEGIN), None)
        token = event.id_token.id_token.lower()
        parts = ["start", f"{record.evse_id}.{record.connector_id}", str(time_us), str(meter), token]
        # Without a register to tell starts apart, what was measured has to.
        return _digest(parts, event.meter_values if meter is None else ())
    if event.offline:
        bare = TransactionEvent()
        bare.CopyFrom(event)
        bare.offline = False
        data = bare.SerializeToString(deterministic=True)
    return raw_key(data)


def meter_values_key(evse: EvseRef, values: Iterable[MeterValue]) -> str:
    """The content key of meter values outside of any transaction."""
    return _digest(["values", str(evse.evse_id), str(evse.connector_id)], values)


@lru_cache(maxsize=16_384)
def name_hash(*parts: str) -> int:
    """What stands for a name in an index: a bigint, the same everywhere. Names decide where two have the same."""
    digest = hashlib.blake2b(_SEPARATOR.join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def flags_text(flags: Iterable[str]) -> str:
    """Flags as a column has them, to be searched: each between two commas, nothing where there are none."""
    joined = ",".join(flags)
    return f",{joined}," if joined else ""


def events_hash(tenant_id: str, station_id: str, transaction_id: str, generation: int) -> int:
    """What stands for a transaction in the index of events: for its name, since events may change their generation.

    What belongs to no transaction has no name, and a hash for each generation: it is read a piece at a time.
    """
    if transaction_id:
        return name_hash(tenant_id, station_id, transaction_id)
    return name_hash(tenant_id, station_id, "", str(generation))


def raw_key(data: bytes) -> str:
    """The key of something as it came."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _digest(parts: Iterable[str], values: Iterable[MeterValue]) -> str:
    digest = hashlib.blake2b(_SEPARATOR.join(parts).encode(), digest_size=16)
    for value in values:
        data = value.SerializeToString(deterministic=True)
        digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()
