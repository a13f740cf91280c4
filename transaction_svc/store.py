"""The SQL of transactions and their events. Functions run inside a transaction that Database opens.

Each function is one statement for any number of rows. The SQL of operators' lists is in `reading_store.py`.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from mesh.contract.tenants import own_name
from mesh.database.rowset import Call, RowStatement, SetStatement, columns_of, run_later, run_prepared
from transaction_svc import models
from transaction_svc.idempotency_keys import name_hash
from transaction_svc.packed_form import unpack as unpack_events

Key = tuple[str, str, str, int]
"""Tenant, station, transaction id, generation."""


class TransactionRow(msgspec.Struct, frozen=True):
    """A transaction as stored; `fold` is its state, encoded."""

    tenant_id: str
    station_id: str
    transaction_id: str
    generation: int
    fold: str


class Lookup(msgspec.Struct, frozen=True):
    """A row that was found for the `n`-th event of a lookup; an event may have several.

    `repeat_no` None: `tx` is the latest generation of the event's transaction name. Otherwise an event with the same
    content is recorded, as number `repeat_no` of those, from the frame of this epoch and ordinal: `tx` is its
    transaction, and `fact` its event record, encoded.
    """

    n: int
    repeat_no: int | None
    epoch: int | None
    ordinal: int | None
    fact: str | None
    tx: TransactionRow


class EventRecordRow(msgspec.Struct, frozen=True):
    """The event record of a recorded event, encoded in `fact`, with the keys of event and transaction."""

    tenant_id: str
    station_id: str
    transaction_id: str
    generation: int
    content_key: str
    repeat_no: int
    fact: str


# Stations, and the tokens of starts, have one writer each: no state loses an update, and of two starts with one token
# the second reads the first. Advisory locks, since the rows may not exist yet. SQLite has one writer anyway.
#
# The same statement has the planner, in this transaction, join as written and look up each row by its key: by the
# statistics of a young or fast-growing table it would read whole tables, or all rows of a station. For the same reason
# each statement leaves one index to choose: a column that other indexes begin with is compared as `name || ''`, which
# no index serves. A plan is made once per connection, often while the tables are empty.
BY_KEY = """
    set_config('join_collapse_limit', '1', true), set_config('enable_hashjoin', 'off', true),
    set_config('enable_mergejoin', 'off', true), set_config('enable_bitmapscan', 'off', true),
    set_config('enable_seqscan', 'off', true)
    """
_LOCK = RowStatement(
    f"""
    SELECT count(CAST(pg_advisory_xact_lock(k) AS text)), {BY_KEY}
    FROM (SELECT DISTINCT hashtextextended('tx:' || key, 0) AS k FROM {{rows}} ORDER BY k) AS keys
    """,  # noqa: S608 - the project's own words
    key="text",
)

_LOOK_UP = RowStatement(
    """
    SELECT rows.n, e.repeat_no, e.epoch, e.ordinal, e.fact, t.tenant_id, t.station_id, t.transaction_id,
           t.generation, t.fold
    FROM {rows}
    JOIN tx_event e
      ON e.tenant_id = rows.tenant_id AND e.station_id = rows.station_id AND e.content_key = rows.content_key
    JOIN tx t
      ON t.tenant_id || '' = e.tenant_id AND t.station_id = e.station_id AND t.transaction_id = e.transaction_id
     AND t.generation = e.generation
    UNION ALL
    SELECT rows.n, NULL, NULL, NULL, NULL, t.tenant_id, t.station_id, t.transaction_id, t.generation, t.fold
    FROM {rows}
    JOIN tx t
      ON t.tenant_id || '' = rows.tenant_id AND t.station_id = rows.station_id
     AND t.transaction_id = rows.transaction_id
     AND t.generation = (SELECT m.generation FROM tx m
                         WHERE m.tenant_id || '' = rows.tenant_id AND m.station_id = rows.station_id
                           AND m.transaction_id = rows.transaction_id
                         ORDER BY m.generation DESC LIMIT 1)
    """,
    n="integer",
    **columns_of(models.tx_event, "tenant_id", "station_id", "content_key", "transaction_id"),
)

# For a single station the planner might read the open transactions of all, by the index of their tokens.
_OPEN = SetStatement(
    """
    SELECT t.tenant_id, t.station_id, t.transaction_id, t.generation, t.fold
    FROM {rows} JOIN tx t
      ON t.station_hash = rows.station_hash AND t.tenant_id || '' = rows.tenant_id
     AND t.station_id || '' = rows.station_id AND NOT t.ended
    """,
    **columns_of(models.tx, "tenant_id", "station_id", "station_hash"),
)

_EVENT_COLUMNS = columns_of(models.tx_event)
_EVENT_NAMES = ", ".join(_EVENT_COLUMNS)
_ADD_EVENTS = f"INSERT INTO tx_event ({_EVENT_NAMES}) SELECT {_EVENT_NAMES} FROM {{rows}}"  # noqa: S608 - the project's own names
_INSERT_EVENTS = RowStatement(_ADD_EVENTS, **_EVENT_COLUMNS)
# An event may have come again meanwhile.
_RESTORE_EVENTS = RowStatement(
    f"{_ADD_EVENTS} WHERE true ON CONFLICT (tenant_id, station_id, content_key, repeat_no) DO NOTHING",
    **_EVENT_COLUMNS,
)

_PACKED = RowStatement(
    """
    SELECT p.tenant_id, p.station_id, p.transaction_id, p.generation, p.first_key, p.events
    FROM {rows} JOIN tx_packed p
      ON p.tenant_id || '' = rows.tenant_id AND p.station_id = rows.station_id
     AND p.transaction_id = rows.transaction_id AND p.generation = rows.generation
    """,
    **columns_of(models.tx, "tenant_id", "station_id", "transaction_id", "generation"),
)

_EVENT_RECORDS = RowStatement(
    """
    SELECT e.tenant_id, e.station_id, e.transaction_id, e.generation, e.content_key, e.repeat_no, e.fact
    FROM {rows} JOIN tx_event e
      ON e.tx_hash = rows.tx_hash AND e.tenant_id || '' = rows.tenant_id AND e.station_id || '' = rows.station_id
     AND e.transaction_id = rows.transaction_id AND e.generation >= rows.generation
    """,
    **columns_of(models.tx_event, "tenant_id", "station_id", "transaction_id", "generation", "tx_hash"),
)

_GENERATIONS = RowStatement(
    """
    SELECT t.tenant_id, t.station_id, t.transaction_id, t.generation, t.fold
    FROM {rows} JOIN tx t
      ON t.tenant_id || '' = rows.tenant_id AND t.station_id = rows.station_id
     AND t.transaction_id = rows.transaction_id AND t.generation >= rows.generation
    """,
    **columns_of(models.tx, "tenant_id", "station_id", "transaction_id", "generation"),
)

_MOVE_EVENTS = RowStatement(
    """
    UPDATE tx_event SET transaction_id = rows.transaction_id, generation = rows.generation,
                        tx_hash = rows.tx_hash, fact = rows.fact
    FROM {rows}
    WHERE tx_event.tenant_id = rows.tenant_id AND tx_event.station_id = rows.station_id
      AND tx_event.content_key = rows.content_key AND tx_event.repeat_no = rows.repeat_no
    """,
    **columns_of(
        models.tx_event,
        "tenant_id",
        "station_id",
        "content_key",
        "repeat_no",
        "transaction_id",
        "generation",
        "tx_hash",
        "fact",
    ),
)

# Reads the index on (evse_hash, begin_us) from there to the first row that fits, for a history of any length.
_BESIDE = """
    SELECT t.begin_us FROM tx t
    WHERE t.evse_hash = rows.evse_hash AND t.begin_us {side} rows.begin_us
      AND t.tenant_id || '' = rows.tenant_id AND t.station_id || '' = rows.station_id AND t.evse_id = rows.evse_id
      AND (t.transaction_id || '' <> rows.transaction_id OR t.generation <> rows.generation)
    ORDER BY t.begin_us {order} LIMIT 1
"""
_AT = """
    SELECT b.tenant_id, b.station_id, b.transaction_id, b.generation, b.fold
    FROM {{rows}} JOIN tx b ON b.evse_hash = rows.evse_hash AND b.begin_us = ({beside})
     AND b.tenant_id || '' = rows.tenant_id AND b.station_id || '' = rows.station_id AND b.evse_id = rows.evse_id
"""
_ADJACENT = RowStatement(
    _AT.format(beside=_BESIDE.format(side="<=", order="DESC"))
    + "UNION ALL"
    + _AT.format(beside=_BESIDE.format(side=">", order="ASC")),
    **columns_of(
        models.tx, "tenant_id", "station_id", "transaction_id", "generation", "evse_id", "evse_hash", "begin_us"
    ),
)

_KEY_COLUMNS = ("tenant_id", "station_id", "transaction_id", "generation")
# All but that of thinning, which has a default.
_NEW_COLUMNS = {name: kind for name, kind in columns_of(models.tx).items() if name != "thinned"}
_TX_COLUMNS = {name: kind for name, kind in _NEW_COLUMNS.items() if name != "station_hash"}
_NAMES = ", ".join(_NEW_COLUMNS)
_INSERT_TXS = RowStatement(f"INSERT INTO tx ({_NAMES}) SELECT {_NAMES} FROM {{rows}}", **_NEW_COLUMNS)  # noqa: S608
# Columns that change with each event of an open transaction, and with its end. An update costs time for each index of a
# column that it names, even where the value stays the same.
_RUNNING_COLUMNS = {name: _TX_COLUMNS[name] for name in (*_KEY_COLUMNS, "fold", "energy_mwh", "update_us", "power_w")}
_ENDED_COLUMNS = {**_RUNNING_COLUMNS, **{name: _TX_COLUMNS[name] for name in ("ended", "end_us", "rollup_due")}}
# Only who counts it makes it false.
_SET = {"rollup_due": "rollup_due = tx.rollup_due OR rows.rollup_due"}


def _update_of(columns: Mapping[str, str]) -> RowStatement:
    settings = ", ".join(_SET.get(name, f"{name} = rows.{name}") for name in columns if name not in _KEY_COLUMNS)
    return RowStatement(
        f"""
        UPDATE tx SET {settings} FROM {{rows}}
        WHERE tx.tenant_id || '' = rows.tenant_id AND tx.station_id = rows.station_id
          AND tx.transaction_id = rows.transaction_id AND tx.generation = rows.generation
        """,  # noqa: S608 - the project's own column names
        **columns,
    )


_UPDATE_TXS = _update_of(_TX_COLUMNS)
_UPDATE_RUNNING = _update_of(_RUNNING_COLUMNS)
_UPDATE_ENDED = _update_of(_ENDED_COLUMNS)


def station_lock(tenant_id: str, station_id: str) -> str:
    """The key under which a station's transactions are locked."""
    return own_name(tenant_id, f"station:{station_id}")


def lock_and_look_up(
    connection: Connection, keys: Iterable[str], rows: Iterable[Mapping[str, Any]]
) -> Sequence[Lookup]:
    """Finds events and transactions by rows of n, tenant_id, station_id, content_key, transaction_id (may be empty).

    First locks `keys` until this transaction ends, in one order for all writers, so that there are no deadlocks. The
    rows are those that the writer before has committed.
    """
    looking = (_LOOK_UP, rows)
    locking = (_LOCK, [{"key": key} for key in keys])
    calls = (locking, looking) if connection.dialect.name == "postgresql" else (looking,)
    return _look_up(connection, *calls)


def look_up(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> Sequence[Lookup]:
    """The same in a transaction that has the locks already."""
    return _look_up(connection, (_LOOK_UP, rows))


def _look_up(connection: Connection, *calls: Call) -> Sequence[Lookup]:
    return [
        Lookup(n, repeat_no, epoch, ordinal, fact, TransactionRow(*tx_row))
        for n, repeat_no, epoch, ordinal, fact, *tx_row in run_prepared(connection, *calls)
    ]


def open_transactions(connection: Connection, stations: Iterable[tuple[str, str]]) -> Sequence[TransactionRow]:
    """The open transactions of stations, each (tenant_id, station_id)."""
    return [TransactionRow(*row) for row in run_prepared(connection, (_OPEN, _station_rows(stations)))]


def lock_open_transactions(connection: Connection, stations: Iterable[tuple[str, str]]) -> Sequence[TransactionRow]:
    """The same, after it has locked the stations until the transaction ends."""
    wanted = sorted(stations)
    lock_and_look_up(connection, itertools.starmap(station_lock, wanted), ())
    return open_transactions(connection, wanted)


def lock_transactions(connection: Connection, keys: Iterable[Key]) -> Sequence[TransactionRow]:
    """Transactions in any state, and later uses of their names, after it has locked their stations."""
    wanted = sorted(keys)
    lock_and_look_up(connection, sorted({station_lock(*key[:2]) for key in wanted}), ())
    return generations(connection, [dict(zip(_KEY_COLUMNS, key, strict=True)) for key in wanted])


def find_open_transactions(connection: Connection, stations: Iterable[tuple[str, str]]) -> Sequence[TransactionRow]:
    """The same without a lock. Not prepared: its plan, made without the settings of `_LOCK`, must not be kept."""
    return [TransactionRow(*row) for row in _OPEN.fetch(connection, _station_rows(stations))]


def write(
    connection: Connection,
    *,
    events: Sequence[Mapping[str, Any]] = (),
    fresh: Sequence[Mapping[str, Any]] = (),
    known: Sequence[Mapping[str, Any]] = (),
    running: Sequence[Mapping[str, Any]] = (),
    ended: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Inserts events (the primary key refuses those that exist), inserts and updates transactions.

    `running` and `ended` are rows with fewer columns, of open and of ended transactions without anomalies. A later
    statement, or the COMMIT, may raise the errors.
    """
    statements = (
        (_INSERT_EVENTS, events),
        (_INSERT_TXS, fresh),
        (_UPDATE_TXS, known),
        (_UPDATE_RUNNING, running),
        (_UPDATE_ENDED, ended),
    )
    if calls := [call for call in statements if call[1]]:
        run_later(connection, *calls)


def event_records(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> Sequence[EventRecordRow]:
    """The event records of names, from a generation on.

    Rows of tenant_id, station_id, transaction_id, generation, tx_hash.
    """
    return [EventRecordRow(*row) for row in run_prepared(connection, (_EVENT_RECORDS, rows))]


def unpack(connection: Connection, keys: Iterable[Key]) -> None:
    """Gives transactions back the rows of their packed events. Their stations must be locked."""
    asked = [dict(zip(_KEY_COLUMNS, key, strict=True)) for key in keys]
    for *key, first_key, packed in run_prepared(connection, (_PACKED, asked)):
        names = dict(zip(_KEY_COLUMNS, key, strict=True))
        tx_hash = name_hash(*key[:3])
        rows = [
            {**names, "tx_hash": tx_hash, **msgspec.structs.asdict(event)} for event in unpack_events(bytes(packed))
        ]
        _RESTORE_EVENTS.run(connection, rows)
        of_key = [models.tx_packed.c[name] == value for name, value in {**names, "first_key": first_key}.items()]
        connection.execute(sa.delete(models.tx_packed).where(*of_key))
        of_tx = [models.tx.c[name] == value for name, value in names.items()]
        connection.execute(sa.update(models.tx).where(*of_tx).values(thinned=False))


def generations(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> Sequence[TransactionRow]:
    """The transactions of names, from a generation on; rows as for `event_records`."""
    return [TransactionRow(*row) for row in run_prepared(connection, (_GENERATIONS, rows))]


def move_events(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Moves events to another transaction or generation; `fact` is their changed event record."""
    run_prepared(connection, (_MOVE_EVENTS, rows))


def adjacent_transactions(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> Sequence[TransactionRow]:
    """The transactions before and after EVSE positions, by their begin."""
    return [TransactionRow(*row) for row in run_prepared(connection, (_ADJACENT, rows))]


def _station_rows(stations: Iterable[tuple[str, str]]) -> Sequence[dict[str, Any]]:
    return [
        {"tenant_id": tenant, "station_id": station, "station_hash": name_hash(tenant, station)}
        for tenant, station in stations
    ]
