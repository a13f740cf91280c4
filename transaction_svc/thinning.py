"""Thins the samples of transactions that ended long ago: the readings between begin and end.

Their events lose what the station sent of meter values, which is for people alone. What else they report, and their
event records, with the readings of the energy register, are packed together. A transaction is rebuilt from records; for
that, and for an event that comes late or again, they are unpacked. So its energy and flags are the same as before, by
whatever meter profile. Begin, end and signed meter values stay as they are. docs/adr/0022.
"""

import asyncio
from functools import partial

import msgspec
from csms.transaction.v1.transaction_event_pb2 import TransactionEvent
from sqlalchemy import Connection

from mesh.database.engine import Database
from transaction_svc import received_items, store, stored_form, thinning_store
from transaction_svc.event_record import UPDATED
from transaction_svc.packed_form import PackedEvent
from transaction_svc.store import Key
from transaction_svc.thinning_store import Position

# Events in one transaction of the database, some milliseconds of work, and a pause, so that messages are recorded
# meanwhile. So many transactions of stations are looked for at once.
_MOST_EVENTS = 500
_MOST = 100
_PAUSE_S = 0.02


async def thin_old(database: Database, *, before_us: int) -> int:
    """Thins transactions that ended, and had no event since a moment; returns their number."""
    count = 0
    while keys := await database.read(partial(thinning_store.find_unthinned, before_us=before_us, limit=_MOST)):
        for key in keys:
            await _thin(database, key, before_us=before_us)
            await asyncio.sleep(_PAUSE_S)
        count += len(keys)
    return count


async def _thin(database: Database, key: Key, *, before_us: int) -> None:
    after: Position | None = None
    while True:
        after = await database.write(partial(_thin_some, key=key, before_us=before_us, after=after))
        if after is None:
            return
        await asyncio.sleep(_PAUSE_S)


def _thin_some(connection: Connection, *, key: Key, before_us: int, after: Position | None) -> Position | None:
    """Thins some events of a transaction; returns the position of the last one, None where there are no more."""
    store.lock_and_look_up(connection, [store.station_lock(key[0], key[1])], ())
    fold = thinning_store.find_state(connection, key, before_us=before_us)
    if fold is None:
        return None
    events = thinning_store.read_events(connection, key, after=after, limit=_MOST_EVENTS)
    state = stored_form.decode_state(fold)
    if thinned := [thin for _position, event in events if (thin := without_samples(event)) is not None]:
        thinning_store.pack_events(connection, key, thinned)
        state.packed = True
    is_last = len(events) < _MOST_EVENTS
    if thinned or is_last:
        thinning_store.save_state(connection, key, stored_form.encode(state), thinned=is_last)
    return None if is_last else events[-1][0]


def without_samples(event: PackedEvent) -> PackedEvent | None:
    """An event between begin and end without its samples; None for others, which stay.

    Events with a signed meter value or an id token stay, and those without their transaction's number, which may move
    to another transaction.
    """
    content = TransactionEvent.FromString(received_items.decode(event.event))
    if content.event_type != UPDATED or content.HasField("id_token"):
        return None
    if any(sample.HasField("signed_meter_value") for value in content.meter_values for sample in value.sampled_values):
        return None
    record = stored_form.decode_record(event.fact)
    if record.named or record.id_token or record.refused_status:
        return None
    content.ClearField("meter_values")
    text = received_items.encode(content.SerializeToString(deterministic=True))
    return msgspec.structs.replace(event, event=text)
