"""The SQL that counts transactions in rollups. Functions run inside a transaction, as in `store.py`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, text

from mesh.database.rowset import RowStatement, columns_of, run_prepared
from mesh.runtime.times import DAY_US, SECOND_US
from transaction_svc import models, store
from transaction_svc.idempotency_keys import name_hash
from transaction_svc.packed_form import unpack
from transaction_svc.rollup_form import Amounts, Connector, decode_cells, encode_cells
from transaction_svc.store import Key

Day = tuple[str, str, Connector, int]
"""Tenant, station, connector and day of a row."""

LOCK = "rollups"
"""The key that is locked to change rollups: by one transaction at a time."""

TOTAL = ""
"""Stands for the station, in the rows of a tenant's sums."""

_KEY_NAMES = ("tenant_id", "station_id", "transaction_id", "generation")
_KEY_COLUMNS = columns_of(models.tx, *_KEY_NAMES)
_SAME_TX = """
    {0}.tenant_id || '' = rows.tenant_id AND {0}.station_id = rows.station_id
    AND {0}.transaction_id = rows.transaction_id AND {0}.generation = rows.generation
"""


_DUE = text(
    """
    SELECT tenant_id, station_id, transaction_id, generation FROM tx
    WHERE rollup_due IS NOT FALSE ORDER BY create_us DESC LIMIT :limit
    """
)
_COUNT_DUE = text(
    """
    SELECT count(*) FROM (
        SELECT 1 FROM tx WHERE rollup_due IS NOT FALSE LIMIT :limit
    ) AS found
    """
)
IS_DUE = sa.text("tx.rollup_due IS NOT FALSE")
"""The condition of transactions that have changed since they were counted."""

# The clocks of replicas differ: an event is taken for later than the count although it seems so much earlier.
_SLACK_US = 60 * SECOND_US
_OPEN = text(
    """
    SELECT t.tenant_id, t.station_id, t.transaction_id, t.generation
    FROM tx t LEFT JOIN tx_rollup r
      ON r.station_id = t.station_id AND r.transaction_id = t.transaction_id AND r.generation = t.generation
     AND r.tenant_id = t.tenant_id
    WHERE NOT t.ended AND t.create_us < :before_us
      AND (r.count_us IS NULL
           OR (r.count_us < :before_us AND t.update_us >= r.count_us - :slack_us
               AND :now_us - r.count_us >= (r.count_us - t.create_us) * :growth / 100))
    LIMIT :limit
    """
)
# By the condition of `tx_unthinned`, whose index has the latest ones.
_MISSED = text(
    """
    SELECT t.tenant_id, t.station_id, t.transaction_id, t.generation
    FROM tx t LEFT JOIN tx_rollup r
      ON r.station_id = t.station_id AND r.transaction_id = t.transaction_id AND r.generation = t.generation
     AND r.tenant_id = t.tenant_id
    WHERE t.ended AND NOT t.waiting AND NOT t.thinned AND t.create_us >= :since_us AND NOT t.rollup_due
      AND (r.count_us IS NULL OR NOT r.ended OR r.energy_mwh <> t.energy_mwh OR t.update_us > r.count_us)
    LIMIT :limit
    """
)
# As in `store.py`: each row is looked up by its key, whatever the statistics of a fast-growing table are.
_BY_KEY = RowStatement(f"SELECT {store.BY_KEY}")
_RECORDS = RowStatement(
    """
    SELECT e.tenant_id, e.station_id, e.transaction_id, e.generation, e.content_key, e.repeat_no, e.fact
    FROM {rows} JOIN tx_event e
      ON e.tx_hash = rows.tx_hash AND e.tenant_id || '' = rows.tenant_id AND e.station_id || '' = rows.station_id
     AND e.transaction_id = rows.transaction_id AND e.generation = rows.generation
    """,
    **_KEY_COLUMNS,
    tx_hash="bigint",
)
_PACKED = RowStatement(
    f"""
    SELECT p.tenant_id, p.station_id, p.transaction_id, p.generation, p.events
    FROM {{rows}} JOIN tx_packed p ON {_SAME_TX.format("p")}
    """,  # noqa: S608 - the project's own names
    **_KEY_COLUMNS,
)
_STATES = RowStatement(
    f"""
    SELECT t.tenant_id, t.station_id, t.transaction_id, t.generation, t.fold
    FROM {{rows}} JOIN tx t ON {_SAME_TX.format("t")}
    """,  # noqa: S608 - the project's own names
    **_KEY_COLUMNS,
)
_SHARES = RowStatement(
    f"""
    SELECT s.tenant_id, s.station_id, s.transaction_id, s.generation, s.share
    FROM {{rows}} JOIN tx_rollup s ON {_SAME_TX.format("s")}
    """,  # noqa: S608 - the project's own names
    **_KEY_COLUMNS,
)
_SET_SHARES = RowStatement(
    """
    INSERT INTO tx_rollup (tenant_id, station_id, transaction_id, generation, share, count_us, ended, energy_mwh)
    SELECT t.tenant_id, t.station_id, t.transaction_id, t.generation, rows.share, rows.count_us, t.ended, t.energy_mwh
    FROM {rows} JOIN tx t
      ON t.tenant_id || '' = rows.tenant_id AND t.station_id = rows.station_id
     AND t.transaction_id = rows.transaction_id AND t.generation = rows.generation
    WHERE true
    ON CONFLICT (station_id, transaction_id, generation, tenant_id)
    DO UPDATE SET share = excluded.share, count_us = excluded.count_us, ended = excluded.ended,
                  energy_mwh = excluded.energy_mwh
    """,
    **columns_of(models.tx_rollup, *_KEY_NAMES, "share", "count_us"),
)
_MARK_COUNTED = RowStatement(
    f"""
    UPDATE tx SET rollup_due = false FROM {{rows}}
    WHERE {_SAME_TX.format("tx")} AND tx.rollup_due IS NOT FALSE
    """,  # noqa: S608 - the project's own names
    **_KEY_COLUMNS,
)

_DAY_NAMES = ("tenant_id", "station_id", "evse_id", "connector_id", "day")
_DAY_COLUMNS = columns_of(models.rollup, *_DAY_NAMES)
_CONNECTOR_COLUMNS = columns_of(models.rollup, *_DAY_NAMES[:-1])
_SAME_DAY = """
    r.tenant_id = rows.tenant_id AND r.station_id = rows.station_id AND r.evse_id = rows.evse_id
    AND r.connector_id = rows.connector_id AND r.day = rows.day
"""
_DAYS = RowStatement(
    f"""
    SELECT r.tenant_id, r.station_id, r.evse_id, r.connector_id, r.day, r.cells
    FROM {{rows}} JOIN rollup r ON {_SAME_DAY}
    """,  # noqa: S608 - the project's own names
    **_DAY_COLUMNS,
)
_SET_DAYS = RowStatement(
    """
    INSERT INTO rollup (tenant_id, station_id, evse_id, connector_id, day, cells)
    SELECT tenant_id, station_id, evse_id, connector_id, day, cells FROM {rows} WHERE true
    ON CONFLICT (tenant_id, station_id, evse_id, connector_id, day) DO UPDATE SET cells = excluded.cells
    """,
    **columns_of(models.rollup),
)
_SET_CONNECTORS = RowStatement(
    """
    INSERT INTO rollup_connector (tenant_id, station_id, evse_id, connector_id, first_day)
    SELECT tenant_id, station_id, evse_id, connector_id, min(day) FROM {rows} WHERE true
    GROUP BY tenant_id, station_id, evse_id, connector_id
    ON CONFLICT (tenant_id, station_id, evse_id, connector_id) DO UPDATE SET first_day = excluded.first_day
    WHERE excluded.first_day < rollup_connector.first_day
    """,
    **_DAY_COLUMNS,
)
_REMOVE_DAYS = RowStatement(
    """
    DELETE FROM rollup
    WHERE day < :day AND (tenant_id, station_id, evse_id, connector_id) IN (
        SELECT tenant_id, station_id, evse_id, connector_id FROM {rows}
    )
    """,
    **_CONNECTOR_COLUMNS,
)
_SET_FIRST_DAYS = RowStatement(
    """
    UPDATE rollup_connector SET first_day = :day
    WHERE (tenant_id, station_id, evse_id, connector_id) IN (
        SELECT tenant_id, station_id, evse_id, connector_id FROM {rows}
    )
    """,
    **_CONNECTOR_COLUMNS,
)


def find_due(connection: Connection, *, limit: int) -> Sequence[Key]:
    """Up to `limit` transactions that have changed since they were counted, the newest first."""
    return [tuple(row) for row in connection.execute(_DUE, {"limit": limit})]


def count_due(connection: Connection, *, limit: int) -> int:
    """Their number, `limit` at most."""
    count: int = connection.execute(_COUNT_DUE, {"limit": limit}).scalar_one()
    return count


def find_open(connection: Connection, *, now_us: int, before_us: int, growth: int, limit: int) -> Sequence[Key]:
    """Up to `limit` open transactions that were last counted, or began, before a moment, and had an event since.

    All events of one are read each time: it has to be longer by `growth` percent before it is counted again.
    """
    parameters = {"now_us": now_us, "before_us": before_us, "growth": growth, "limit": limit, "slack_us": _SLACK_US}
    return [tuple(row) for row in connection.execute(_OPEN, parameters)]


def find_missed(connection: Connection, *, since_us: int, limit: int) -> Sequence[Key]:
    """Up to `limit` ended transactions, recorded since a moment, that were changed and not marked as due."""
    return [tuple(row) for row in connection.execute(_MISSED, {"since_us": since_us, "limit": limit})]


def look_up(
    connection: Connection, statement: RowStatement, rows: Sequence[Mapping[str, Any]]
) -> Sequence[tuple[Any, ...]]:
    """Runs a statement that looks up each row by its key.

    The settings are sent together with it: a connection that only reads has no transaction for them to last in.
    """
    settings = ((_BY_KEY, ()),) if connection.dialect.name == "postgresql" else ()
    return run_prepared(connection, *settings, (statement, rows))


def read_records(connection: Connection, keys: Iterable[Key], *, packed: Iterable[Key]) -> Mapping[Key, Sequence[str]]:
    """The event records of transactions, encoded; also the packed ones, of those in `packed`."""
    records: dict[Key, dict[tuple[str, int], str]] = {key: {} for key in keys}
    asked = [{**row, "tx_hash": name_hash(*key[:3])} for key, row in zip(records, _rows(records), strict=True)]
    for *key, content_key, repeat_no, fact in look_up(connection, _RECORDS, asked):
        records[tuple(key)][content_key, repeat_no] = fact
    # After the rows, since events are packed meanwhile.
    if names := _rows(packed):
        for *key, events in look_up(connection, _PACKED, names):
            for event in unpack(bytes(events)):
                records[tuple(key)][event.content_key, event.repeat_no] = event.fact
    return {key: list(found.values()) for key, found in records.items()}


def read_states(connection: Connection, keys: Iterable[Key]) -> Mapping[Key, str]:
    """The states of transactions, encoded."""
    return {tuple(key): fold for *key, fold in look_up(connection, _STATES, _rows(keys))}


def read_shares(connection: Connection, keys: Iterable[Key]) -> Mapping[Key, str]:
    """The shares of transactions, encoded, as they are counted."""
    return {tuple(key): share for *key, share in look_up(connection, _SHARES, _rows(keys))}


def save_shares(connection: Connection, shares: Mapping[Key, str], *, now_us: int) -> None:
    """Saves the shares of transactions, which are counted now."""
    rows = _rows(shares)
    for row, share in zip(rows, shares.values(), strict=True):
        row.update(share=share, count_us=now_us)
    run_prepared(connection, (_SET_SHARES, rows), (_MARK_COUNTED, _rows(shares)))


def read_horizons(connection: Connection, tenants: Iterable[str]) -> Mapping[str, int]:
    """The first day of each tenant whose rollups are kept, where some were removed."""
    table = models.rollup_horizon
    query = sa.select(table.c.tenant_id, table.c.day).where(table.c.tenant_id.in_(sorted(tenants)))
    return {row.tenant_id: row.day for row in connection.execute(query)}


def add_changes(connection: Connection, changes: Mapping[Day, Mapping[int, Amounts]]) -> None:
    """Adds amounts to days, by quarter hour. Only one transaction at a time may do it."""
    asked = [_day_row(day) for day in sorted(changes)]
    days: dict[Day, dict[int, Amounts]] = {day: {} for day in changes}
    for tenant_id, station_id, evse_id, connector_id, number, cells in run_prepared(connection, (_DAYS, asked)):
        day = (tenant_id, station_id, (evse_id, connector_id), number)
        days[day] = decode_cells(cells, number)
    for day, added in changes.items():
        cells_of_day = days[day]
        for quarter, amounts in added.items():
            cells_of_day[quarter] = cells_of_day.get(quarter, Amounts()).plus(amounts)
    encoded = {day: encode_cells(days[day]) for day in sorted(changes)}
    kept = [{**_day_row(day), "cells": cells} for day, cells in encoded.items() if cells]
    if kept:
        run_prepared(connection, (_SET_DAYS, kept), (_SET_CONNECTORS, kept))
    for day in (day for day, cells in encoded.items() if not cells):
        of_day = [models.rollup.c[name] == value for name, value in _day_row(day).items()]
        connection.execute(sa.delete(models.rollup).where(*of_day))


def remove_old(connection: Connection, *, before_us: int, limit: int) -> int:
    """Removes days that ended before a moment, of up to `limit` connectors; returns the number of these.

    Nothing is counted before it any more.
    """
    store.lock_and_look_up(connection, [LOCK], ())
    table, day = models.rollup_connector, before_us // DAY_US
    columns = [table.c[name] for name in _CONNECTOR_COLUMNS]
    found = connection.execute(sa.select(*columns).where(table.c.first_day < day).limit(limit)).all()
    if not found:
        return 0
    tenants = {row.tenant_id for row in found}
    known = read_horizons(connection, tenants)
    for tenant_id in tenants:
        _set_horizon(connection, tenant_id, day=day, known=known.get(tenant_id))
    rows = [row._asdict() for row in found]
    _REMOVE_DAYS.run(connection, rows, day=day)
    _SET_FIRST_DAYS.run(connection, rows, day=day)
    return len(found)


def _set_horizon(connection: Connection, tenant_id: str, *, day: int, known: int | None) -> None:
    table = models.rollup_horizon
    if known is None:
        connection.execute(sa.insert(table), {"tenant_id": tenant_id, "day": day})
    elif known < day:
        connection.execute(sa.update(table).where(table.c.tenant_id == tenant_id).values(day=day))


def _rows(keys: Iterable[Key]) -> list[dict[str, Any]]:
    return [dict(zip(_KEY_NAMES, key, strict=True)) for key in keys]


def _day_row(day: Day) -> dict[str, Any]:
    tenant_id, station_id, connector, number = day
    return dict(zip(_DAY_NAMES, (tenant_id, station_id, *connector, number), strict=True))
