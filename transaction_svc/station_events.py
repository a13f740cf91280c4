"""Events of stations that concern their open transactions: boots, available connectors, removals.

A boot is stored with the station. Each event may mark the station's open transactions as hanging (`ends.py`). Where
none is open, as at most connectors that are reported as available, nothing is written.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import msgspec
from csms.transaction.v1.transaction_ingest_service_pb2 import StationBooted, StationEventItem
from sqlalchemy import Connection

from mesh.contract.texts import without_nul
from mesh.database.engine import Database, commit_batch
from mesh.runtime.errors import MeshError, invalid_field
from mesh.runtime.times import Clock
from transaction_svc import ends, ingestion, station_store, store, stored_form
from transaction_svc.batch_context import BatchContext
from transaction_svc.clocks import is_plausible, read_time
from transaction_svc.ends import Closure, FramePosition, Mark
from transaction_svc.grace import Grace, MessageAttempts
from transaction_svc.meter_profiles import MeterTerms
from transaction_svc.received_items import check_origin
from transaction_svc.tracked_transaction import TrackedTransaction
from transaction_svc.transaction_state import TransactionState

_StationKey = tuple[str, str]


class StationEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a station that was read, and is to be applied."""

    station: _StationKey  # tenant, station
    frame: FramePosition
    receive_us: int


class Boot(StationEvent, frozen=True, kw_only=True):
    """The station booted."""

    vendor_name: str
    model: str
    firmware_version: str
    message_attempts: MessageAttempts | None = None  # None where it is not known


class Available(StationEvent, frozen=True, kw_only=True):
    """The station reported a connector as available; connector 0 is any of the EVSE."""

    evse_id: int
    connector_id: int
    time_us: int  # the station's time where plausible, else the receive time, as for events


class Removal(StationEvent, frozen=True, kw_only=True):
    """An operator removed the station; the frame has the epoch of its last connection."""


def read(item: StationEventItem, now_us: int) -> StationEvent:
    """Reads an item. Raises MeshError INVALID_FIELD."""
    origin = item.origin
    check_origin(origin.tenant_id, origin.station_id)
    receive_us = read_time(origin, "receive_time")
    common: dict[str, Any] = {
        "station": (origin.tenant_id, origin.station_id),
        "frame": (origin.epoch, origin.ordinal),
        "receive_us": now_us if receive_us is None else receive_us,
    }
    reader = _READERS.get(item.WhichOneof("event") or "")
    if reader is None:
        raise invalid_field("event", "must be one that this service knows")
    return reader(item, common)


def read_all(item: StationEventItem, now_us: int) -> Sequence[StationEvent]:
    """Reads an item, which has several events where a frame reports several connectors. Raises MeshError."""
    others = [
        StationEventItem(origin=item.origin, connector_available=connector) for connector in item.further_connectors
    ]
    return [read(one, now_us) for one in (item, *others)]


def _read_boot(item: StationEventItem, common: dict[str, Any]) -> StationEvent:
    boot = item.boot
    return Boot(
        vendor_name=without_nul(boot.vendor_name),
        model=without_nul(boot.model),
        firmware_version=without_nul(boot.firmware_version),
        message_attempts=_read_attempts(boot),
        **common,
    )


def _read_attempts(boot: StationBooted) -> MessageAttempts | None:
    """Attempts and interval, if both are known and valid."""
    if not boot.HasField("message_attempts") or not boot.HasField("message_attempt_interval_s"):
        return None
    if boot.message_attempts < 1 or boot.message_attempt_interval_s < 0:
        return None
    return MessageAttempts(count=boot.message_attempts, interval_s=boot.message_attempt_interval_s)


def _read_available(item: StationEventItem, common: dict[str, Any]) -> StationEvent:
    available = item.connector_available
    time_us = read_time(available, "status_time")
    if time_us is None or not is_plausible(time_us, common["receive_us"]):
        time_us = common["receive_us"]
    return Available(
        evse_id=available.evse.evse_id, connector_id=available.evse.connector_id, time_us=time_us, **common
    )


def _read_removal(_item: StationEventItem, common: dict[str, Any]) -> StationEvent:
    return Removal(**common)


_READERS: dict[str, Callable[[StationEventItem, dict[str, Any]], StationEvent]] = {
    "boot": _read_boot,
    "connector_available": _read_available,
    "removal": _read_removal,
}


class StationEvents:
    """Applies events of stations to their open transactions. `grace` has the grace periods."""

    def __init__(self, *, database: Database, clock: Clock, meters: MeterTerms, grace: Grace) -> None:
        self._database = database
        self._clock = clock
        self._meters = meters
        self._grace = grace

    async def ingest(self, items: Sequence[StationEventItem]) -> Sequence[MeshError | None]:
        """Applies the items; returns the error of each, None for most. Raises MeshError UNAVAILABLE."""
        now_us = self._clock()
        outcomes: list[MeshError | None] = [None] * len(items)
        readable: list[tuple[int, StationEvent]] = []
        for index, item in enumerate(items):
            try:
                readable += [(index, event) for event in read_all(item, now_us)]
            except MeshError as error:
                outcomes[index] = error
        relevant = await self._relevant([event for _index, event in readable])
        indexes = [index for index, event in readable if id(event) in relevant]
        events = [event for _index, event in readable if id(event) in relevant]
        work = partial(_ingest, meters=self._meters, grace=self._grace, now_us=now_us)
        for index, outcome in zip(indexes, await commit_batch(self._database, events, work), strict=True):
            outcomes[index] = outcomes[index] or outcome
        return outcomes

    async def _relevant(self, events: Sequence[StationEvent]) -> set[int]:
        """The `id()` of events that may change rows: most are of connectors without an open transaction."""
        stations = sorted({event.station for event in events})
        if not stations:
            return set()
        rows = await self._database.read(partial(store.find_open_transactions, stations=stations))
        open_at: dict[_StationKey, list[TransactionState]] = {}
        for row in rows:
            open_at.setdefault((row.tenant_id, row.station_id), []).append(stored_form.decode_state(row.fold))
        return {
            id(event)
            for event in events
            if isinstance(event, Boot) or any(_changes(event, state) for state in open_at.get(event.station, ()))
        }


def _ingest(
    connection: Connection, events: Sequence[StationEvent], *, meters: MeterTerms, grace: Grace, now_us: int
) -> Sequence[MeshError | None]:
    batch = BatchContext()
    for row in store.lock_open_transactions(connection, {event.station for event in events}):
        batch.adopt(row)
    for event in sorted(events, key=lambda event: event.frame):
        for tx in batch.of_station(*event.station):
            _apply(batch, tx, event)
    if boots := _latest_boots(events):
        station_store.write_stations(connection, [_station_row(boot, now_us) for boot in boots])
        _set_terms(connection, batch, boots, meters, now_us)
    _set_grace(connection, batch, sorted({event.station for event in events}), grace)
    if any(batch.changed()):
        ingestion.write_back(connection, batch, now_us=now_us)
    return [None] * len(events)


def _set_grace(connection: Connection, batch: BatchContext, stations: Iterable[_StationKey], grace: Grace) -> None:
    """Sets the grace period of each mark at these stations by the latest boot, in any order of the events."""
    marked = [
        (tx, tx.state.mark)
        for station in stations
        for tx in batch.of_station(*station)
        if tx.state.mark is not None and not tx.state.ended
    ]
    if not marked:
        return
    attempts = station_store.find_attempts(connection, sorted({tx.key[:2] for tx, _mark in marked}))
    for tx, mark in marked:
        grace_us = grace.of(attempts.get(tx.key[:2]))
        if mark.grace_us != grace_us:
            tx.state.mark = msgspec.structs.replace(mark, grace_us=grace_us)
            tx.changed = True


def _set_terms(
    connection: Connection, batch: BatchContext, boots: Iterable[Boot], meters: MeterTerms, now_us: int
) -> None:
    """Gives the meter profile by a boot to transactions that began after it, and were recorded before it."""
    begun_after = [tx for boot in boots for tx in batch.of_station(*boot.station) if _is_after(boot, tx.state)]
    if not begun_after:
        return
    terms = meters.find(connection, {tx.name[:2] for tx in begun_after}, now_us)
    for tx in begun_after:
        if terms[tx.name[:2]].pinned != tx.state.meter.terms.pinned:
            batch.set_terms(tx, terms[tx.name[:2]])


def _is_after(boot: Boot, state: TransactionState) -> bool:
    return state.first_frame is not None and boot.frame < state.first_frame and state.reassessment is None


def _changes(event: StationEvent, state: TransactionState) -> bool:
    """Whether an event changes a transaction."""
    if state.ended:
        return False
    if isinstance(event, Removal):
        return state.last_frame[0] <= event.frame[0]
    if isinstance(event, Available) and not _is_at(event, state):
        return False
    if state.first_frame is not None and event.frame < state.first_frame:
        return False  # the event is from before the transaction
    return _merge(event, state) != state.mark


def _is_at(event: Available, state: TransactionState) -> bool:
    """Whether a connector is that of a transaction; without a connector id, the EVSE decides."""
    if event.evse_id != state.evse_id or not state.evse_id:
        return False
    return event.connector_id == state.connector_id or not (event.connector_id and state.connector_id)


def _merge(event: StationEvent, state: TransactionState) -> Mark:
    """The mark after an event, the same in any order of events. `_set_grace` sets its grace period later."""
    time_us = event.time_us if isinstance(event, Available) else None
    mark = state.mark
    if mark is None:
        mark = Mark(frame=event.frame, since_us=event.receive_us, grace_us=0)
    elif event.frame > mark.frame:
        since_us = mark.since_us if state.hanging else event.receive_us
        mark = msgspec.structs.replace(mark, frame=event.frame, since_us=since_us, expired=False)
    if time_us is not None and event.frame > mark.time_frame:
        mark = msgspec.structs.replace(mark, time_frame=event.frame, time_us=time_us)
    return mark


def _apply(batch: BatchContext, tx: TrackedTransaction, event: StationEvent) -> None:
    state = tx.state
    if not _changes(event, state):
        return
    tx.changed = True
    if isinstance(event, Removal):
        state.closure = Closure(origin=ends.STATION_DELETED, request_us=event.receive_us)
        return
    state.mark = _merge(event, state)
    state.went_on = False
    if state.mark.precedes(state.last_frame, state.latest_us):
        batch.mark_for_rebuild(tx.name, tx.generation)  # one of its events may contradict the mark


def _latest_boots(events: Iterable[StationEvent]) -> Sequence[Boot]:
    boots = sorted((event for event in events if isinstance(event, Boot)), key=lambda boot: boot.frame)
    return list({boot.station: boot for boot in boots}.values())


def _station_row(boot: Boot, now_us: int) -> dict[str, Any]:
    tenant_id, station_id = boot.station
    attempts = boot.message_attempts
    return {
        "tenant_id": tenant_id,
        "station_id": station_id,
        "vendor_name": boot.vendor_name,
        "model": boot.model,
        "firmware_version": boot.firmware_version,
        "message_attempts": attempts.count if attempts else None,
        "message_attempt_interval_s": attempts.interval_s if attempts else None,
        "boot_us": boot.receive_us,
        "epoch": boot.frame[0],
        "ordinal": boot.frame[1],
        "now_us": now_us,
    }
