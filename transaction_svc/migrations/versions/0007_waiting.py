"""Values alone make no transaction: what they made so far becomes what it is, events that wait."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_KEY = ("tenant_id", "station_id", "transaction_id", "generation")
_AT_ONCE = 1000
# Indexes of the fields in a state of version 1, which is an array.
_STARTED, _STOPPED, _ORPHAN = 6, 8, 22


def upgrade() -> None:
    op.add_column("tx", sa.Column("waiting", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index(
        "tx_waiting_newest",
        "tx",
        ["tenant_id", "create_us"],
        postgresql_where=sa.text("waiting"),
        sqlite_where=sa.text("waiting"),
    )
    _mark(op.get_bind())


def _mark(connection: sa.Connection) -> None:
    """Removes EVSE and token of rows without a start; those without an end too are marked as waiting."""
    tx = sa.table("tx", *(sa.column(name) for name in (*_KEY, "fold", "start_us")))
    key = [tx.c[name] for name in _KEY]
    last: tuple[Any, ...] | None = None
    while True:
        query = sa.select(*key, tx.c.fold).where(tx.c.start_us.is_(None)).order_by(*key).limit(_AT_ONCE)
        if last is not None:
            query = query.where(sa.tuple_(*key) > last)
        rows = connection.execute(query).all()
        if not rows:
            return
        last = tuple(rows[-1][:4])
        for row in rows:
            started, stopped, orphan = _started_stopped_orphan(row.fold)
            if started or (stopped and not orphan):
                continue
            connection.execute(
                sa.text(
                    "UPDATE tx SET waiting = :waiting, ended = :ended, token_key = '', evse_id = 0, evse_hash = 0"
                    " WHERE tenant_id = :tenant_id AND station_id = :station_id"
                    " AND transaction_id = :transaction_id AND generation = :generation"
                ),
                {"waiting": not stopped, "ended": True, **dict(zip(_KEY, row[:4], strict=True))},
            )


def _started_stopped_orphan(text: str) -> tuple[bool, bool, bool]:
    state = json.loads(text)
    if isinstance(state, list):
        return state[_STARTED], state[_STOPPED], state[_ORPHAN]
    return state.get("started", False), state.get("stopped", False), state.get("orphan", False)


def downgrade() -> None:
    op.drop_index("tx_waiting_newest", "tx")
    op.drop_column("tx", "waiting")
