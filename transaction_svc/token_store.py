"""The SQL of id tokens and the transactions that they hold. Functions run inside a transaction, as in `store.py`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from mesh.database.rowset import RowStatement, columns_of, run_prepared
from transaction_svc import models

MOST = 100
"""Counts end here: a tag that a whole network shares must not slow down each of its starts."""

_OPEN = """
        SELECT 1 FROM tx t
        WHERE t.tenant_id || '' = rows.tenant_id AND t.token_key = rows.token_key AND NOT t.ended
"""

_COUNT_OTHERS = RowStatement(
    f"""
    SELECT rows.n, (SELECT count(*) FROM ({_OPEN}
          AND t.token_held
          AND (t.tenant_id, t.station_id, t.transaction_id, t.generation)
              NOT IN (SELECT tenant_id, station_id, transaction_id, generation FROM {{rows}})
        LIMIT {MOST}) AS held)
    FROM {{rows}}
    """,  # noqa: S608 - the project's own words
    n="integer",
    tenant_id="text",
    token_key="text",  # noqa: S106 - a column's type
    station_id="text",
    transaction_id="text",
    generation="integer",
)

_COUNT_OPEN = RowStatement(
    f"""
    SELECT rows.n,
           (SELECT count(*) FROM ({_OPEN} AND t.token_held LIMIT {MOST}) AS held),
           EXISTS ({_OPEN} AND t.station_id || '' = rows.station_id
                   AND (t.token_held OR t.hanging_due_us IS NOT NULL) LIMIT 1)
    FROM {{rows}}
    """,  # noqa: S608 - the project's own words
    n="integer",
    tenant_id="text",
    token_key="text",  # noqa: S106 - a column's type
    station_id="text",
)

_UPDATE_EVENT_RECORDS = RowStatement(
    """
    UPDATE tx_event SET fact = rows.fact FROM {rows}
    WHERE tx_event.tenant_id = rows.tenant_id AND tx_event.station_id = rows.station_id
      AND tx_event.content_key = rows.content_key AND tx_event.repeat_no = rows.repeat_no
    """,
    **columns_of(models.tx_event, "tenant_id", "station_id", "content_key", "repeat_no", "fact"),
)


def count_others(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> Mapping[int, int]:
    """The number of open transactions, other than those of the rows, that each row's token holds; by `n`."""
    return {n: count for n, count in run_prepared(connection, (_COUNT_OTHERS, rows))}  # noqa: C416 - rows of any type


def count_open(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> Mapping[int, tuple[int, bool]]:
    """The number of open transactions that each row's token holds, and whether one is at the row's station; by `n`.

    For the latter a hanging transaction counts too: it may be ongoing, and the driver may intend to stop it.
    """
    return {n: (count, bool(at_station)) for n, count, at_station in _COUNT_OPEN.fetch(connection, rows)}


def update_event_records(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Replaces event records: rows of tenant_id, station_id, content_key, repeat_no, fact."""
    run_prepared(connection, (_UPDATE_EVENT_RECORDS, rows))
