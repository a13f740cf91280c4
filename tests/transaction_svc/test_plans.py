"""On PostgreSQL each statement finds its rows by the one index that fits, whatever is known of the tables."""

import itertools
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from mesh.database.rowset import RowStatement, run_prepared
from transaction_svc import rollup_reading_store, rollup_store, store, token_store

_INDEXES: dict[str, set[str]] = {
    "_LOOK_UP": {"tx_pkey", "tx_event_pkey"},
    "_OPEN": {"tx_open_station"},
    "_EVENT_RECORDS": {"tx_event_of_tx"},
    "_PACKED": {"tx_packed_pkey"},
    "_GENERATIONS": {"tx_pkey"},
    "_MOVE_EVENTS": {"tx_event_pkey"},
    "_ADJACENT": {"tx_evse"},
    "_UPDATE_TXS": {"tx_pkey"},
    "_UPDATE_RUNNING": {"tx_pkey"},
    "_UPDATE_ENDED": {"tx_pkey"},
    "_COUNT_OTHERS": {"tx_open_token"},
    "_UPDATE_EVENT_RECORDS": {"tx_event_pkey"},
}
_ROLLUP_INDEXES: dict[str, set[str]] = {
    "_RECORDS": {"tx_event_of_tx"},
    "_PACKED": {"tx_packed_pkey"},
    "_STATES": {"tx_pkey"},
    "_SHARES": {"tx_rollup_pkey"},
    "_SET_SHARES": {"tx_pkey"},
    "_MARK_COUNTED": {"tx_pkey"},
    "_DAYS": {"rollup_pkey"},
}
_HISTORY = """
    INSERT INTO tx
    SELECT 't', 'CP' || mod(n, 10), CAST(n AS text), 1, repeat('x', 300), mod(n, 10), n < 4000, 'tag', 1, mod(n, 10), n,
           1, 2, 3, 4, 5
    FROM generate_series(1, 5000) AS n;
    INSERT INTO tx_event
    SELECT 't', 'CP' || mod(n, 10), md5(CAST(n AS text)), 0, CAST(mod(n, 1000) AS text), 1, mod(n, 1000),
           repeat('x', 100), repeat('x', 300), 1, 2, 3
    FROM generate_series(1, 5000) AS n;
    INSERT INTO tx_packed
    SELECT 't', 'CP' || mod(n, 10), CAST(n AS text), 1, 'key', '' FROM generate_series(1, 5000) AS n;
    INSERT INTO tx_rollup
    SELECT 't', 'CP' || mod(n, 10), CAST(n AS text), 1, 'share', 1, true, 1 FROM generate_series(1, 5000) AS n;
    INSERT INTO rollup SELECT 't', 'CP' || mod(n, 10), 1, 1, n, 'cells' FROM generate_series(1, 5000) AS n
"""


def _plan(connection: Connection, statement: RowStatement, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    """The nodes of the plan that a prepared statement keeps for one row, or for any other number."""
    form, (values,) = statement.prepared(connection, rows)
    execute = form % values.getquoted().decode()
    connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
    (tree,) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {execute}").scalar_one()
    nodes, waiting = [], [tree["Plan"]]
    while waiting:
        node = waiting.pop()
        nodes.append(node)
        waiting.extend(node.get("Plans", ()))
    return nodes


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("known", ["empty", "young", "analyzed"])
def test_rows_are_found_by_key(engine: Engine, known: str) -> None:
    """No table is read whole, none by another index, none sorted: the history does not make recording slower."""
    if known != "empty":
        with engine.begin() as connection:
            connection.exec_driver_sql(_HISTORY)
            if known == "analyzed":
                connection.execute(sa.text("ANALYZE"))
    wanted = [
        *((getattr(store, name, None) or getattr(token_store, name), name, each) for name, each in _INDEXES.items()),
        *((getattr(rollup_store, name), name, each) for name, each in _ROLLUP_INDEXES.items()),
        (rollup_reading_store._CELLS, "_CELLS", {"rollup_pkey"}),
    ]
    for (statement, name, indexes), rows in itertools.product(wanted, ([], [{}])):
        with engine.begin() as connection:
            run_prepared(connection, (store._LOCK, [{"key": "a"}]))
            nodes = _plan(connection, statement, *rows)
        reading = [node for node in nodes if "Scan" in node["Node Type"] and "Relation Name" in node]
        assert {node.get("Index Name") for node in reading} == indexes, name
        assert all("Index Cond" in node for node in reading), name
        assert not {node["Node Type"] for node in nodes} & {"Sort", "Materialize", "Hash"}, name
