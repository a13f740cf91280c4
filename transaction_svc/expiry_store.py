"""The SQL of the background tasks in `expiry.py`. Functions run inside a transaction, as in `store.py`."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from mesh.database.rowset import RowStatement, columns_of
from transaction_svc import models, stored_form
from transaction_svc.store import Key
from transaction_svc.transaction_columns import flags_text

_DUE = text(
    """
    SELECT tenant_id, station_id, transaction_id, generation FROM tx
    WHERE hanging_due_us <= :now_us
    ORDER BY hanging_due_us LIMIT :limit
    """
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
    **columns_of(models.tx, "tenant_id", "station_id", "transaction_id", "generation", "flags"),
)


def due_transactions(connection: Connection, *, now_us: int, limit: int) -> Sequence[Key]:
    """The keys of transactions whose grace period is over, or whose end is to be published; the longest due first."""
    return [tuple(row) for row in connection.execute(_DUE, {"now_us": now_us, "limit": limit})]


def fill_flags(connection: Connection, *, limit: int) -> int:
    """Fills the column `flags` of up to `limit` rows that older code has written; returns the number of rows."""
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
