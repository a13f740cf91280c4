"""Thins the samples of transactions that ended long ago: the readings between begin and end, as stations sent them.

What is thinned is for people alone. The event record beside each event stays, with its readings of the energy
register, and a transaction is rebuilt from records: its energy and flags are the same as before, by whatever meter
profile. Events of begin and end stay whole, as do those with a signed meter value. docs/adr/0022.
"""

import asyncio
from functools import partial

from csms.transaction.v1.transaction_event_pb2 import TransactionEvent
from sqlalchemy import Connection

from mesh.database.engine import Database
from transaction_svc import received_items, thinning_store
from transaction_svc.event_record import UPDATED
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
    events = thinning_store.read_events(connection, key, before_us=before_us, after=after, limit=_MOST_EVENTS)
    tenant_id, station_id, _transaction_id, _generation = key
    thinned = [
        {
            "tenant_id": tenant_id,
            "station_id": station_id,
            "content_key": content_key,
            "repeat_no": repeat_no,
            "event": received_items.encode(event),
        }
        for (_receive_us, content_key, repeat_no), text in events
        if (event := without_samples(received_items.decode(text))) is not None
    ]
    if thinned:
        # In the order of those who move events, so that neither waits for the other.
        thinning_store.replace_events(connection, sorted(thinned, key=lambda row: row["content_key"]))
    if len(events) == _MOST_EVENTS:
        return events[-1][0]
    thinning_store.mark_thinned(connection, key)
    return None


def without_samples(data: bytes) -> bytes | None:
    """An event without its samples; None where it stays as it is."""
    event = TransactionEvent.FromString(data)
    if event.event_type != UPDATED or not event.meter_values:
        return None
    if any(sample.HasField("signed_meter_value") for value in event.meter_values for sample in value.sampled_values):
        return None
    event.ClearField("meter_values")
    return event.SerializeToString(deterministic=True)
