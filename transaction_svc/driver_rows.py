"""The rows of transaction_svc that may name a driver, and what their erasure makes of them. Pure.

Transactions stay, with their energy and times. The id token is replaced in their state, in their events and in their
event records, so that a rebuild from the records makes the same state again. Content keys that were made of an id token
are replaced by random ones, since all else that they were made of is in the row.
"""

import secrets
from typing import Any

import msgspec
from csms.common.v1.meter_value_pb2 import MeterValue
from csms.transaction.v1.transaction_event_pb2 import TransactionEvent
from csms.transaction.v1.transaction_ingest_service_pb2 import MeterValuesItem, TransactionEventItem

from mesh.contract.drivers import Driver
from mesh.contract.id_tokens import match_key
from mesh.database.row_walk import Row
from mesh.driver_tables import REMOVE, WAIT, Decision, DriverTable, outbox_rows
from transaction_svc import driver_store, models, received_items, stored_form
from transaction_svc.idempotency_keys import event_key
from transaction_svc.item_types import EVENTS
from transaction_svc.packed_form import PackedEvent, pack, unpack

_OPEN = "OPEN"
_CONTENT_KEY_BYTES = 16
# A packed row has many events; a state is one.
_FEW = 20


def _transaction(row: Row, driver: Driver) -> Decision:
    if not driver.mentions(row["fold"]) and row["token_key"] not in {match_key(text) for text in driver.id_tokens}:
        return None
    state, is_changed = stored_form.decode_state(row["fold"]), False
    for name in ("id_token", "stop_token", "refused_token"):
        if driver.is_token(getattr(state, name)):
            setattr(state, name, driver.pseudonym)
            is_changed = True
    if state.closure is not None and driver.mentions(state.closure.reason):
        state.closure.reason = driver.without(state.closure.reason)
        is_changed = True
    if not is_changed:
        return None
    if not row["ended"]:
        return WAIT
    key = match_key(driver.pseudonym) if driver.is_token(row["token_key"]) else row["token_key"]
    return {"fold": stored_form.encode(state), "token_key": key}


def _event(row: Row, driver: Driver) -> Decision:
    return _changed_event(row["event"], row["fact"], row["content_key"], driver)


def _changed_event(stored_event: str, stored_record: str, key: str, driver: Driver) -> dict[str, Any] | None:
    """The columns of an event without the driver; None where it does not name the driver."""
    data = received_items.decode(stored_event)
    event, record = TransactionEvent.FromString(data), stored_form.decode_record(stored_record)
    # The key of most events with a sequence number is made of neither token nor meter values.
    keeps_key = record.seq_no is not None and key == event_key(event, record, data, plausible=True)
    has_token = event.HasField("id_token") and driver.is_token(event.id_token.id_token)
    if has_token:
        event.id_token.id_token = driver.pseudonym
    has_values = _without_driver(event.meter_values, driver)
    if driver.is_token(record.id_token):
        record.id_token, has_token = driver.pseudonym, True
    if not has_token and not has_values:
        return None
    changed = {
        "event": received_items.encode(event.SerializeToString(deterministic=True)),
        "fact": stored_form.encode(record),
    }
    if not keeps_key:
        changed["content_key"] = secrets.token_hex(_CONTENT_KEY_BYTES)
    return changed


def _without_driver(values: Any, driver: Driver) -> bool:
    """Takes the driver out of meter values; whether there was one. A proof that names the driver is left out whole."""
    found = False
    value: MeterValue
    for value in values:
        for sample in value.sampled_values:
            proof = sample.signed_meter_value
            if sample.HasField("signed_meter_value") and driver.is_in(proof):
                proof.signed_meter_data, found = "", True
            for name in ("value", "raw_words"):
                text = getattr(sample, name)
                if len(text) > _longest_number(name) and (driver.mentions(text) or driver.encodes(text)):
                    setattr(sample, name, "")
                    found = True
    return found


def _longest_number(name: str) -> int:
    """A value of few characters is a number, whatever an id token looks like."""
    return 24 if name == "value" else 0


def _packed(row: Row, driver: Driver) -> Decision:
    events = unpack(bytes(row["events"]))
    changed = [(event, _changed_event(event.event, event.fact, event.content_key, driver)) for event in events]
    if all(values is None for _event, values in changed):
        return None
    packed: list[PackedEvent] = [
        event if values is None else msgspec.structs.replace(event, **values) for event, values in changed
    ]
    return {"events": pack(packed)}


def _meter_values(row: Row, driver: Driver) -> Decision:
    item = MeterValuesItem.FromString(received_items.decode(row["item"]))
    if not _without_driver(item.meter_values, driver):
        return None
    text = received_items.encode(item.SerializeToString())
    return {"item": text, "content_key": secrets.token_hex(_CONTENT_KEY_BYTES)}


def _quarantined(row: Row, driver: Driver) -> Decision:
    """An item that an operator has decided about is not needed; another one may be a part of a bill."""
    if not _names(row, driver) and not driver.mentions(row["message"]):
        return None
    return WAIT if row["state"] == _OPEN else REMOVE


def _mend(row: Row, driver: Driver) -> Decision:
    changed: dict[str, Any] = {
        name: driver.without(row[name]) for name in ("reason", "failure_message") if driver.mentions(row[name])
    }
    if driver.mentions_payload(row["payload"]) or _names(row, driver):
        changed |= {"payload": "", "item": ""}
    return changed or None


def _names(row: Row, driver: Driver) -> bool:
    """Whether an item of the quarantine names the driver."""
    data = received_items.decode(row["item"])
    if row["kind"] != EVENTS.name:
        return driver.is_in(MeterValuesItem.FromString(data))
    item = TransactionEventItem.FromString(data)
    return driver.is_in(item) or driver.mentions_payload(item.raw.payload)


TABLES = (
    DriverTable(table=models.tx_event, decide=_event, hold=driver_store.hold_events),
    DriverTable(table=models.tx_packed, decide=_packed, hold=driver_store.lock_stations, page=_FEW),
    DriverTable(table=models.tx, decide=_transaction, hold=driver_store.lock_stations),
    DriverTable(
        table=models.meter_values,
        decide=_meter_values,
        order=models.METER_VALUES_ORDER,
        sqlite_order=("station_id", "content_key"),
    ),
    DriverTable(table=models.quarantine_mend, decide=_mend),
    DriverTable(table=models.quarantine, decide=_quarantined),
    outbox_rows(models.outbox),
)
"""In the order of the walk: events before the states that are made of them."""
