"""The SQL of operators' lists. Functions run inside a transaction that Database opens."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from mesh.contract.id_tokens import match_key
from mesh.database import partitions
from mesh.database.filters import SEARCH, Field, moment, search, switch
from mesh.database.orders import Order, SortField, Term, read_order
from mesh.database.pages import Page
from mesh.placements.conditions import StationConditions
from transaction_svc import stored_form
from transaction_svc.idempotency_keys import events_hash, name_hash
from transaction_svc.models import PLACEMENTS, meter_values, tx, tx_event, tx_packed
from transaction_svc.packed_form import PackedEvent, unpack
from transaction_svc.transaction_columns import flags_text
from transaction_svc.transaction_state import FLAGS, TransactionState


@dataclass(frozen=True, kw_only=True)
class Transaction:
    """A transaction with its state."""

    station_id: str
    transaction_id: str
    generation: int
    state: TransactionState


@dataclass(frozen=True, kw_only=True)
class Event:
    """A recorded event; `event` is csms.transaction.v1.TransactionEvent, serialized, in base64."""

    key: tuple[int, int, int, int, str, int]  # position in the order of events
    event: str
    receive_us: int
    epoch: int
    ordinal: int
    refused_status: int  # csms.common.v1.AuthorizationStatus of a refused id token; 0 otherwise


@dataclass(frozen=True, kw_only=True)
class Unmatched:
    """An event that belongs to no transaction; `awaits_start`: a later start may make it part of one."""

    key: tuple[int, str, str, int, int, str, int]  # position in the list
    station_id: str
    event: str
    receive_us: int
    epoch: int
    ordinal: int
    refused_status: int
    awaits_start: bool


@dataclass(frozen=True, kw_only=True)
class MeterValues:
    """Meter values outside of transactions; `item` is a MeterValuesItem, serialized, in base64."""

    key: tuple[int, str]  # position in the list
    item: str
    receive_us: int


_STATES = {"ACTIVE": False, "ENDED": True}


def _ended(word: str) -> bool:
    state = _STATES.get(word.upper().removeprefix("TRANSACTION_STATE_"))
    if state is None:
        raise ValueError("one of ACTIVE, ENDED is needed")
    return state


def _mwh(text: str) -> int | float:
    """Reads watt-hours as milliwatt-hours, an integer if they are whole."""
    try:
        mwh = Decimal(text) * 1000
    except ArithmeticError as error:
        raise ValueError("a number of watt-hours is needed") from error
    if not mwh.is_finite() or abs(mwh) >= 2**63:
        raise ValueError("a number of watt-hours is needed")
    return int(mwh) if mwh == mwh.to_integral_value() else float(mwh)


def _flag(text: str) -> str:
    if text not in FLAGS:
        raise ValueError(f"one of {', '.join(FLAGS)} is needed")
    return text


def _has_flag(flag: str) -> ColumnElement[bool]:
    # The first part is the condition of the index of flagged transactions.
    return sa.and_(tx.c.flags != "", tx.c.flags.contains(flags_text([flag]), autoescape=True))


_FILTERS: Mapping[str, Field] = {
    SEARCH: search(tx.c.station_id, tx.c.transaction_id, tx.c.token_key),
    "station_id": Field(tx.c.station_id),
    "transaction_id": Field(tx.c.transaction_id),
    "state": Field(tx.c.ended, _ended),
    "id_token": Field(tx.c.token_key, match_key),
    "start_time": Field(tx.c.start_us, moment),
    "end_time": Field(tx.c.end_us, moment),
    "energy_wh": Field(tx.c.energy_mwh, _mwh),
    "flags": Field(tx.c.flags, _flag, has=_has_flag),
    "remote_start_id": Field(tx.c.remote_start_id, int),
    "hanging": Field(sa.and_(tx.c.hanging_due_us.is_not(None), sa.not_(tx.c.ended)), switch),
}


def conditions(tenant_id: str) -> StationConditions:
    """Conditions on transactions by where their stations stand."""
    return StationConditions(PLACEMENTS, tenant_id=tenant_id, station_id=tx.c.station_id)


def filters(tenant_id: str) -> Mapping[str, Field]:
    """Fields of filters of transactions."""
    return {**_FILTERS, **conditions(tenant_id).fields()}


def unmatched_filters(tenant_id: str) -> Mapping[str, Field]:
    """Fields of filters of events that belong to no transaction."""
    return {"station_id": _FILTERS["station_id"], **conditions(tenant_id).fields()}


_NEWEST_FIRST = (tx.c.create_us, tx.c.station_id, tx.c.transaction_id, tx.c.generation)


def get_transaction(
    connection: Connection, tenant_id: str, station_id: str, transaction_id: str, generation: int
) -> Transaction | None:
    """A generation of a name, the latest for 0; None where there is none, or its start has not come yet."""
    named = (tx.c.tenant_id == tenant_id, tx.c.station_id == station_id, tx.c.transaction_id == transaction_id)
    query = _SELECT.where(*named, ~tx.c.waiting).order_by(tx.c.generation.desc()).limit(1)
    if generation:
        query = query.where(tx.c.generation == generation)
    row = connection.execute(query).first()
    return None if row is None else _transaction(row)


def has_transaction(connection: Connection, tenant_id: str, station_id: str, transaction_id: str) -> bool:
    """Whether a transaction of this name is recorded."""
    named = (tx.c.tenant_id == tenant_id, tx.c.station_id == station_id, tx.c.transaction_id == transaction_id)
    query = sa.select(tx.c.generation).where(*named)
    return connection.execute(query.limit(1)).first() is not None


_KEY_FIELDS = {
    "create_time": SortField(tx.c.create_us, int),
    "station_id": SortField(tx.c.station_id),
    "transaction_id": SortField(tx.c.transaction_id),
    "generation": SortField(tx.c.generation, int),
}
_NEWEST = [Term(name=name, field=field, descending=True) for name, field in _KEY_FIELDS.items()]
_INDEXED = {"create_time", "start_time"}
_SORT_FIELDS = {
    "create_time": _KEY_FIELDS["create_time"],
    "start_time": SortField(tx.c.begin_us, int),
    "station_id": _KEY_FIELDS["station_id"],
    "energy_wh": SortField(tx.c.energy_mwh, int),
}


def transaction_order(text: str) -> Order:
    """The order that `order_by` asks for; newest first where it is empty. Raises MeshError INVALID_FIELD."""
    return read_order(text, _SORT_FIELDS, _NEWEST)


def list_transactions(
    connection: Connection, tenant_id: str, *, station_id: str, order: Order, page: Page
) -> Sequence[tuple[Transaction, tuple[Any, ...]]]:
    """Transactions, each with its place in the order; `page.after` is the place of the last one of the page before."""
    query = _SELECT.where(tx.c.tenant_id == tenant_id, ~tx.c.waiting)
    if station_id:
        query = query.where(tx.c.station_id == station_id)
    rows = connection.execute(order.paged(query, page))
    return [(_transaction(row[:_SELECTED]), order.place(row)) for row in rows]


def search_transactions(
    connection: Connection, tenant_id: str, *, order: Order, page: Page, rows: int
) -> tuple[Sequence[tuple[Transaction, tuple[Any, ...]]], tuple[Any, ...] | None]:
    """A page of a search among the next `rows` transactions, and the place behind these; None where fewer are left.

    In an order that no index has, which begins with the station or the energy, the search is among all.
    """
    window = None
    if order.terms[0].name in _INDEXED:
        window = order.window(connection, tx.c.tenant_id == tenant_id, after=page.after, rows=rows)
    if window is None:
        return list_transactions(connection, tenant_id, station_id="", order=order, page=page), None
    among = replace(page, condition=sa.and_(page.condition, window.condition))
    return list_transactions(connection, tenant_id, station_id="", order=order, page=among), window.end


def list_events(
    connection: Connection,
    tenant_id: str,
    station_id: str,
    transaction_id: str,
    generation: int,
    *,
    after: tuple[int, int, int, int, str, int] | None,
    most: int,
) -> Sequence[Event]:
    """Up to `most` events of a transaction, in the order of `EventRecord.key`.

    No index has this order: all keys are read, and then the events of the page alone.
    """
    of_tx = (
        tx_event.c.tx_hash == name_hash(tenant_id, station_id, transaction_id),
        tx_event.c.tenant_id == tenant_id,
        tx_event.c.station_id == station_id,
        tx_event.c.transaction_id == transaction_id,
        tx_event.c.generation == generation,
    )
    keyed = sa.select(tx_event.c.fact, tx_event.c.content_key, tx_event.c.repeat_no).where(*of_tx)
    records = {(content, repeat): record for record, content, repeat in connection.execute(keyed)}
    # After the rows, since events are packed meanwhile; and again where one of the page was.
    read_packed = partial(_packed_events, connection, tenant_id, station_id, transaction_id, generation)
    packed = read_packed()
    records.update((name, event.fact) for name, event in packed.items())
    keys = sorted((*stored_form.decode_record(record).key, *name) for name, record in records.items())
    page = [key for key in keys if after is None or key > after][:most]
    wanted = sa.tuple_(tx_event.c.content_key, tx_event.c.repeat_no).in_([key[4:] for key in page])
    columns = [tx_event.c[name] for name in PackedEvent.__struct_fields__]
    rows = [PackedEvent(*row) for row in connection.execute(sa.select(*columns).where(*of_tx, wanted))]
    found = packed | {(event.content_key, event.repeat_no): event for event in rows}
    if any(key[4:] not in found for key in page):
        found |= read_packed()
    return [_event(key, found[key[4:]]) for key in page if key[4:] in found]


def _event(key: tuple[int, int, int, int, str, int], event: PackedEvent) -> Event:
    return Event(
        key=key,
        event=event.event,
        receive_us=event.receive_us,
        epoch=event.epoch,
        ordinal=event.ordinal,
        refused_status=stored_form.decode_record(event.fact).refused_status,
    )


def _packed_events(
    connection: Connection, tenant_id: str, station_id: str, transaction_id: str, generation: int
) -> dict[tuple[str, int], PackedEvent]:
    """The packed events of a transaction by content key and number."""
    query = sa.select(tx_packed.c.events).where(
        tx_packed.c.tenant_id == tenant_id,
        tx_packed.c.station_id == station_id,
        tx_packed.c.transaction_id == transaction_id,
        tx_packed.c.generation == generation,
    )
    return {
        (event.content_key, event.repeat_no): event
        for packed in connection.scalars(query)
        for event in unpack(bytes(packed))
    }


def list_unmatched(
    connection: Connection,
    tenant_id: str,
    *,
    station_id: str,
    condition: ColumnElement[bool] | None,
    after: tuple[int, str, str, int, int, str, int] | None,
    most: int,
) -> Sequence[Unmatched]:
    """Up to `most` events that belong to no transaction, in their order; `after` is the key of the last one before."""
    query = sa.select(*_NEWEST_FIRST, tx.c.fold).where(tx.c.tenant_id == tenant_id, tx.c.waiting)
    if station_id:
        query = query.where(tx.c.station_id == station_id)
    if condition is not None:
        query = query.where(condition)
    if after is not None:
        query = query.where(sa.tuple_(*_NEWEST_FIRST) <= after[:4])
    groups: list[_Group] = []
    count = 0
    for create_us, *name, state in connection.execute(
        query.order_by(*(column.desc() for column in _NEWEST_FIRST)).limit(most + 1)
    ):
        groups.append((create_us, *name))
        if after is None or groups[-1] != after[:4]:  # the group of the last page may have no more events
            count += stored_form.decode_state(state).event_count
        if count >= most:
            break
    found = [event for event in _events_of_groups(connection, tenant_id, groups) if after is None or event.key < after]
    return sorted(found, key=lambda event: event.key, reverse=True)[:most]


_Group = tuple[int, str, str, int]
"""Events that wait together: when the first of them was recorded, station, transaction, generation."""


def _events_of_groups(connection: Connection, tenant_id: str, groups: Sequence[_Group]) -> Iterator[Unmatched]:
    by_hash = {events_hash(tenant_id, *group[1:]): group for group in groups}
    query = sa.select(tx_event).where(tx_event.c.tx_hash.in_(by_hash), tx_event.c.tenant_id == tenant_id)
    for row in connection.execute(query):
        group = by_hash[row.tx_hash]
        if (row.station_id, row.transaction_id, row.generation) != group[1:]:
            continue
        record = stored_form.decode_record(row.fact)
        yield Unmatched(
            key=(*group, row.receive_us, row.content_key, row.repeat_no),
            station_id=row.station_id,
            event=row.event,
            receive_us=row.receive_us,
            epoch=row.epoch,
            ordinal=row.ordinal,
            refused_status=record.refused_status,
            awaits_start=record.seq_no is not None or record.names_none,
        )


def list_meter_values(
    connection: Connection, tenant_id: str, station_id: str, *, after: tuple[int, str] | None, most: int
) -> Sequence[MeterValues]:
    """Up to `most` meter values outside of transactions, newest first: by the time of their first sample in partitions.

    Else by the time at which they came.
    """
    found = partitions.spans(connection, meter_values.name)
    time = meter_values.c.sample_us if found else meter_values.c.receive_us
    key = (time, meter_values.c.content_key)
    query = sa.select(meter_values).where(
        meter_values.c.tenant_id == tenant_id, meter_values.c.station_id == station_id
    )
    if found:
        rows = partitions.newest_rows(connection, found, query, key, after=after, limit=most)
    else:
        if after is not None:
            query = query.where(sa.tuple_(*key) < after)
        rows = connection.execute(query.order_by(*(column.desc() for column in key)).limit(most)).all()
    return [
        MeterValues(
            key=(row.sample_us if found else row.receive_us, row.content_key), item=row.item, receive_us=row.receive_us
        )
        for row in rows
    ]


_SELECT = sa.select(tx.c.station_id, tx.c.transaction_id, tx.c.generation, tx.c.fold)


_SELECTED = len(_SELECT.selected_columns)


def _transaction(row: Any) -> Transaction:
    station_id, transaction_id, generation, stored = row
    return Transaction(
        station_id=station_id,
        transaction_id=transaction_id,
        generation=generation,
        state=stored_form.decode_state(stored),
    )
