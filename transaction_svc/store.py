"""All SQL of transaction_svc's recording. Functions run inside a transaction that mesh.database.Database opens.

Each is one statement whatever the number of rows. What operators read is in `reading_store.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, text

from mesh.rowset import Call, RowStatement, run_later, run_prepared
from transaction_svc import stored_form
from transaction_svc.grace import MessageAttempts
from transaction_svc.idempotency_keys import flags_text, name_hash
from transaction_svc.received_items import ReceivedMeterValues

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
    """Something known already about one event, the `n`-th that was asked for; there may be several of one.

    `repeat_no` None: `tx` is the latest generation of the name that the event has. Else the event is recorded, for the
    time after as many as that, as it came with this epoch and ordinal; `tx` is the transaction that it belongs to, and
    `fact` what it says, encoded.
    """

    n: int
    repeat_no: int | None
    epoch: int | None
    ordinal: int | None
    fact: str | None
    tx: TransactionRow


class EventRecordRow(msgspec.Struct, frozen=True):
    """What a recorded event says, encoded, and where it is recorded."""

    tenant_id: str
    station_id: str
    transaction_id: str
    generation: int
    content_key: str
    repeat_no: int
    fact: str


# Stations, and the tokens of starts, one writer each: folds never lose an update, and two starts with one token see
# each other. Advisory locks, since the rows they guard may not be there yet. SQLite has one writer anyway.
#
# The same statement tells the planner, for this transaction, to join as written, each row looked up by its key: what it
# knows of a young or fast-growing table makes it read whole tables, or all of a station, instead. For the same reason
# each statement leaves it one index to choose: a name that others begin with is compared as `name || ''`, which none
# serves. A plan is made once per connection, often when the tables are empty.
_LOCK = RowStatement(
    """
    SELECT count(CAST(pg_advisory_xact_lock(k) AS text)),
           set_config('join_collapse_limit', '1', true),
           set_config('enable_hashjoin', 'off', true),
           set_config('enable_mergejoin', 'off', true),
           set_config('enable_bitmapscan', 'off', true),
           set_config('enable_seqscan', 'off', true)
    FROM (SELECT DISTINCT hashtextextended('tx:' || key, 0) AS k FROM {rows} ORDER BY k) AS keys
    """,
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
    tenant_id="text",
    station_id="text",
    content_key="text",
    transaction_id="text",
)

_OPEN = RowStatement(
    """
    SELECT t.tenant_id, t.station_id, t.transaction_id, t.generation, t.fold
    FROM {rows} JOIN tx t
      ON t.station_hash = rows.station_hash AND t.tenant_id || '' = rows.tenant_id
     AND t.station_id || '' = rows.station_id AND NOT t.ended
    """,
    tenant_id="text",
    station_id="text",
    station_hash="bigint",
)

_INSERT_EVENTS = RowStatement(
    """
    INSERT INTO tx_event (tenant_id, station_id, content_key, repeat_no, transaction_id, generation, tx_hash,
                          fact, event, receive_us, epoch, ordinal)
    SELECT tenant_id, station_id, content_key, repeat_no, transaction_id, generation, tx_hash,
           fact, event, receive_us, epoch, ordinal
    FROM {rows}
    """,
    tenant_id="text",
    station_id="text",
    content_key="text",
    repeat_no="integer",
    transaction_id="text",
    generation="integer",
    tx_hash="bigint",
    fact="text",
    event="text",
    receive_us="bigint",
    epoch="bigint",
    ordinal="bigint",
)

_EVENT_RECORDS = RowStatement(
    """
    SELECT e.tenant_id, e.station_id, e.transaction_id, e.generation, e.content_key, e.repeat_no, e.fact
    FROM {rows} JOIN tx_event e
      ON e.tx_hash = rows.tx_hash AND e.tenant_id || '' = rows.tenant_id AND e.station_id || '' = rows.station_id
     AND e.transaction_id = rows.transaction_id AND e.generation >= rows.generation
    """,
    tenant_id="text",
    station_id="text",
    transaction_id="text",
    generation="integer",
    tx_hash="bigint",
)

_GENERATIONS = RowStatement(
    """
    SELECT t.tenant_id, t.station_id, t.transaction_id, t.generation, t.fold
    FROM {rows} JOIN tx t
      ON t.tenant_id || '' = rows.tenant_id AND t.station_id = rows.station_id
     AND t.transaction_id = rows.transaction_id AND t.generation >= rows.generation
    """,
    tenant_id="text",
    station_id="text",
    transaction_id="text",
    generation="integer",
)

_MOVE_EVENTS = RowStatement(
    """
    UPDATE tx_event SET transaction_id = rows.transaction_id, generation = rows.generation,
                        tx_hash = rows.tx_hash, fact = rows.fact
    FROM {rows}
    WHERE tx_event.tenant_id = rows.tenant_id AND tx_event.station_id = rows.station_id
      AND tx_event.content_key = rows.content_key AND tx_event.repeat_no = rows.repeat_no
    """,
    tenant_id="text",
    station_id="text",
    content_key="text",
    repeat_no="integer",
    transaction_id="text",
    generation="integer",
    tx_hash="bigint",
    fact="text",
)

# Read from the index on (evse_hash, begin_us), and from there to the first that fits, however long the history.
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
    tenant_id="text",
    station_id="text",
    transaction_id="text",
    generation="integer",
    evse_id="integer",
    evse_hash="bigint",
    begin_us="bigint",
)

_KEY_COLUMNS = ("tenant_id", "station_id", "transaction_id", "generation")
_TX_COLUMNS = {
    "tenant_id": "text",
    "station_id": "text",
    "transaction_id": "text",
    "generation": "integer",
    "fold": "text",
    "ended": "boolean",
    "token_key": "text",
    "evse_id": "integer",
    "evse_hash": "bigint",
    "waiting": "boolean",
    "begin_us": "bigint",
    "start_us": "bigint",
    "end_us": "bigint",
    "energy_mwh": "bigint",
    "create_us": "bigint",
    "update_us": "bigint",
    "token_held": "boolean",
    "flags": "text",
    "hanging_due_us": "bigint",
}
_NEW_COLUMNS = {**_TX_COLUMNS, "station_hash": "bigint"}
_NAMES = ", ".join(_NEW_COLUMNS)
_INSERT_TXS = RowStatement(f"INSERT INTO tx ({_NAMES}) SELECT {_NAMES} FROM {{rows}}", **_NEW_COLUMNS)  # noqa: S608
# Columns that change with each event of a transaction that goes on, and with its end. PostgreSQL pays for each index of
# a column that a statement names, changed or not.
_RUNNING_COLUMNS = {name: _TX_COLUMNS[name] for name in (*_KEY_COLUMNS, "fold", "energy_mwh", "update_us")}
_ENDED_COLUMNS = {**_RUNNING_COLUMNS, **{name: _TX_COLUMNS[name] for name in ("ended", "end_us")}}


def _update_of(columns: Mapping[str, str]) -> RowStatement:
    settings = ", ".join(f"{name} = rows.{name}" for name in columns if name not in _KEY_COLUMNS)
    return RowStatement(
        f"""
        UPDATE tx SET {settings} FROM {{rows}}
        WHERE tx.tenant_id || '' = rows.tenant_id AND tx.station_id = rows.station_id
          AND tx.transaction_id = rows.transaction_id AND tx.generation = rows.generation
        """,  # noqa: S608 - our own column names
        **columns,
    )


_UPDATE_TXS = _update_of(_TX_COLUMNS)
_UPDATE_RUNNING = _update_of(_RUNNING_COLUMNS)
_UPDATE_ENDED = _update_of(_ENDED_COLUMNS)

# Numbers are drawn ahead, which spares most batches a round trip. They are kept with the connection, and end with it:
# what was drawn and not given is a gap, as where a transaction is rolled back.
_AHEAD = 100
_RESERVE = "csms_tx_numbers"
_FIRST = "csms_first_tx_number"
_DRAW = RowStatement("SELECT nextval('tx_number') FROM {rows}", n="integer")

_DUE = text(
    """
    SELECT tenant_id, station_id, transaction_id, generation FROM tx
    WHERE hanging_due_us <= :now_us AND NOT ended
    ORDER BY hanging_due_us LIMIT :limit
    """
)

_UPSERT_STATIONS = RowStatement(
    """
    INSERT INTO station (tenant_id, station_id, vendor_name, model, firmware_version, boot_us, epoch, ordinal,
                         create_us, update_us, message_attempts, message_attempt_interval_s)
    SELECT tenant_id, station_id, vendor_name, model, firmware_version, boot_us, epoch, ordinal, now_us, now_us,
           message_attempts, message_attempt_interval_s
    FROM {rows} WHERE true
    ON CONFLICT (tenant_id, station_id) DO UPDATE SET
        vendor_name = excluded.vendor_name, model = excluded.model, firmware_version = excluded.firmware_version,
        boot_us = excluded.boot_us, epoch = excluded.epoch, ordinal = excluded.ordinal, update_us = excluded.update_us,
        message_attempts = excluded.message_attempts, message_attempt_interval_s = excluded.message_attempt_interval_s
    WHERE (station.epoch, station.ordinal) < (excluded.epoch, excluded.ordinal)
    """,
    tenant_id="text",
    station_id="text",
    vendor_name="text",
    model="text",
    firmware_version="text",
    boot_us="bigint",
    epoch="bigint",
    ordinal="bigint",
    now_us="bigint",
    message_attempts="integer",
    message_attempt_interval_s="integer",
)
_FIND_ATTEMPTS = RowStatement(
    """
    SELECT s.tenant_id, s.station_id, s.message_attempts, s.message_attempt_interval_s
    FROM {rows} JOIN station s ON s.tenant_id = rows.tenant_id AND s.station_id = rows.station_id
     AND s.message_attempts IS NOT NULL AND s.message_attempt_interval_s IS NOT NULL
    """,
    tenant_id="text",
    station_id="text",
)

_WITHOUT_FLAGS = text(
    """
    SELECT tenant_id, station_id, transaction_id, generation, fold FROM tx
    WHERE flags IS NULL ORDER BY create_us LIMIT :limit
    """
)
_FILL_FLAGS = RowStatement(
    """
    UPDATE tx SET flags = rows.flags FROM {rows}
    WHERE tx.tenant_id = rows.tenant_id AND tx.station_id = rows.station_id
      AND tx.transaction_id = rows.transaction_id AND tx.generation = rows.generation AND tx.flags IS NULL
    """,
    tenant_id="text",
    station_id="text",
    transaction_id="text",
    generation="integer",
    flags="text",
)

_INSERT_METER_VALUES = RowStatement(
    """
    INSERT INTO meter_values (tenant_id, station_id, content_key, item, receive_us)
    SELECT tenant_id, station_id, content_key, item, receive_us FROM {rows} WHERE true
    ON CONFLICT (tenant_id, station_id, content_key) DO NOTHING
    RETURNING tenant_id, station_id, content_key
    """,
    tenant_id="text",
    station_id="text",
    content_key="text",
    item="text",
    receive_us="bigint",
)


def station_lock(station_id: str) -> str:
    """The key under which a station's transactions are locked."""
    return f"station:{station_id}"


def lock_and_look_up(
    connection: Connection, keys: Iterable[str], rows: Iterable[Mapping[str, Any]]
) -> Sequence[Lookup]:
    """What is known of events: rows of n, tenant_id, station_id, content_key, transaction_id (may be empty).

    First of all, lets no other writer at what `keys` name until this transaction ends, in one order for all: no
    deadlocks. So what is read is what the writer before has left.
    """
    looking = (_LOOK_UP, rows)
    locking = (_LOCK, [{"key": key} for key in keys])
    calls = (locking, looking) if connection.dialect.name == "postgresql" else (looking,)
    return _look_up(connection, *calls)


def look_up(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> Sequence[Lookup]:
    """The same within a transaction that has its locks."""
    return _look_up(connection, (_LOOK_UP, rows))


def _look_up(connection: Connection, *calls: Call) -> Sequence[Lookup]:
    return [
        Lookup(n, repeat_no, epoch, ordinal, fact, TransactionRow(*tx_row))
        for n, repeat_no, epoch, ordinal, fact, *tx_row in run_prepared(connection, *calls)
    ]


def set_first_number(engine: Engine, first: int) -> None:
    """Numbers for 1.6 transactions are `first` or above on all connections that are taken from now on."""
    engine.update_execution_options(**{_FIRST: first})


def allocate_numbers(connection: Connection, count: int) -> Sequence[int]:
    """Numbers for 1.6 transactions, int32 and positive, never given before (until all have been)."""
    first = connection.get_execution_options().get(_FIRST, 1)
    numbers = _draw(connection, count)
    if min(numbers) < first:
        _go_on_from(connection, first)
        numbers = _draw(connection, count)
    return numbers


def _draw(connection: Connection, count: int) -> Sequence[int]:
    if connection.dialect.name == "postgresql":
        reserve: list[int] = connection.info.setdefault(_RESERVE, [])
        if len(reserve) < count:
            drawn = run_prepared(connection, (_DRAW, [{"n": n} for n in range(count + _AHEAD)]))
            reserve.extend(number for (number,) in drawn)
        taken, reserve[:count] = reserve[:count], []
        return taken
    last = connection.execute(
        text("UPDATE tx_counter SET value = value + :count WHERE name = 'tx_number' RETURNING value"), {"count": count}
    ).scalar_one()
    return [(number - 1) % (2**31 - 1) + 1 for number in range(last - count + 1, last + 1)]


def _go_on_from(connection: Connection, first: int) -> None:
    """The next number is `first`, unless it is above that already."""
    if connection.dialect.name == "postgresql":
        # One at a time: the sequence knows no transactions, and must not be set back to where others have drawn since.
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('tx_number', 0))"))
        connection.execute(
            text("SELECT setval('tx_number', :first, false) FROM tx_number WHERE last_value < :first"), {"first": first}
        )
        connection.info[_RESERVE] = []
        return
    connection.execute(
        text("UPDATE tx_counter SET value = :first - 1 WHERE name = 'tx_number' AND value < :first"), {"first": first}
    )


def open_transactions(connection: Connection, stations: Iterable[tuple[str, str]]) -> Sequence[TransactionRow]:
    """The open transactions of stations, each (tenant_id, station_id)."""
    return [TransactionRow(*row) for row in run_prepared(connection, (_OPEN, _station_rows(stations)))]


def lock_open_transactions(connection: Connection, stations: Iterable[tuple[str, str]]) -> Sequence[TransactionRow]:
    """The same, once no other writer is at these stations, until this transaction ends."""
    wanted = sorted(stations)
    lock_and_look_up(connection, (station_lock(station_id) for _tenant_id, station_id in wanted), ())
    return open_transactions(connection, wanted)


def find_open_transactions(connection: Connection, stations: Iterable[tuple[str, str]]) -> Sequence[TransactionRow]:
    """The same without a lock, as it stands just now. Planned anew: no plan of it is kept for those who write."""
    return [TransactionRow(*row) for row in _OPEN.fetch(connection, _station_rows(stations))]


def due_transactions(connection: Connection, *, now_us: int, limit: int) -> Sequence[Key]:
    """The names of hanging transactions that are to be ended, the longest due first."""
    return [tuple(row) for row in connection.execute(_DUE, {"now_us": now_us, "limit": limit})]


def write_stations(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Notes what stations said when they booted, one row each; an older boot than the one noted changes nothing."""
    _UPSERT_STATIONS.run(connection, sorted(rows, key=itemgetter("tenant_id", "station_id")))


def find_attempts(
    connection: Connection, stations: Iterable[tuple[str, str]]
) -> Mapping[tuple[str, str], MessageAttempts]:
    """How often stations repeat messages, each (tenant_id, station_id), where their last boot said that."""
    wanted = [{"tenant_id": tenant_id, "station_id": station_id} for tenant_id, station_id in stations]
    return {
        (row.tenant_id, row.station_id): MessageAttempts(
            count=row.message_attempts, interval_s=row.message_attempt_interval_s
        )
        for row in _FIND_ATTEMPTS.run(connection, wanted)
    }


def fill_flags(connection: Connection, *, limit: int) -> int:
    """Writes the flags of up to `limit` transactions into their column, where older code left it empty; how many."""
    found = list(connection.execute(_WITHOUT_FLAGS, {"limit": limit}))
    rows = [
        {
            "tenant_id": row.tenant_id,
            "station_id": row.station_id,
            "transaction_id": row.transaction_id,
            "generation": row.generation,
            "flags": flags_text(stored_form.decode_state(row.fold).flags),
        }
        for row in found
    ]
    if rows:
        _FILL_FLAGS.run(connection, rows)
    return len(rows)


def write(
    connection: Connection,
    *,
    events: Sequence[Mapping[str, Any]] = (),
    fresh: Sequence[Mapping[str, Any]] = (),
    known: Sequence[Mapping[str, Any]] = (),
    running: Sequence[Mapping[str, Any]] = (),
    ended: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Records events that are not recorded yet (the unique key refuses others), adds and updates transactions.

    `running` and `ended` are rows with less columns, of transactions that go on, or have ended, with nothing odd about
    them. A later statement, or the COMMIT, may raise what is refused.
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
    """What the events of names say, from a generation on.

    Rows of tenant_id, station_id, transaction_id, generation, tx_hash.
    """
    return [EventRecordRow(*row) for row in run_prepared(connection, (_EVENT_RECORDS, rows))]


def generations(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> Sequence[TransactionRow]:
    """The transactions of names, from a generation on; rows as for `facts`."""
    return [TransactionRow(*row) for row in run_prepared(connection, (_GENERATIONS, rows))]


def move_events(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Puts events into another transaction, or another generation of theirs; `fact` as it is there."""
    run_prepared(connection, (_MOVE_EVENTS, rows))


def adjacent_transactions(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> Sequence[TransactionRow]:
    """The transactions next before and next after others on the same EVSE, by their begin."""
    return [TransactionRow(*row) for row in run_prepared(connection, (_ADJACENT, rows))]


def insert_meter_values(
    connection: Connection, items: Iterable[ReceivedMeterValues]
) -> frozenset[tuple[str, str, str]]:
    """Adds meter values; returns the keys (tenant_id, station_id, content_key) of those that were not there."""
    rows = [
        {
            "tenant_id": item.tenant_id,
            "station_id": item.station_id,
            "content_key": item.content_key,
            "item": item.item,
            "receive_us": item.receive_us,
        }
        for item in sorted(items, key=lambda item: (item.tenant_id, item.station_id, item.content_key))
    ]
    added = run_prepared(connection, (_INSERT_METER_VALUES, rows))
    return frozenset((tenant, station, key) for tenant, station, key in added)


def _station_rows(stations: Iterable[tuple[str, str]]) -> Sequence[dict[str, Any]]:
    return [
        {"tenant_id": tenant, "station_id": station, "station_hash": name_hash(tenant, station)}
        for tenant, station in stations
    ]
