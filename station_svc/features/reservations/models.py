"""The table of reservations (rows.py)."""

import sqlalchemy as sa

from station_svc.core.columns import integer, metadata, partial_index, small, station_key, text

# `due_us`: when the state changes by itself.
reservation = sa.Table(
    "reservation",
    metadata,
    *station_key(),
    sa.Column("reservation_id", sa.BigInteger, primary_key=True, autoincrement=False),
    integer("evse_id"),
    text("id_token"),
    text("id_token_type"),
    text("group_id_token"),
    text("group_id_token_type"),
    text("connector_type"),
    sa.Column("expire_us", sa.BigInteger, nullable=False),
    small("state"),
    small("reserve_status"),
    text("reason_code"),
    sa.Column("doubt_us", sa.BigInteger),
    sa.Column("due_us", sa.BigInteger),
    sa.Column("use_us", sa.BigInteger),
    integer("use_evse_id"),
    text("transaction_id"),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    text("token_key"),  # as mesh.contract.id_tokens.match_key makes it; empty in rows of builds before it
    partial_index("reservation_due", "due_us", where="due_us IS NOT NULL"),
    sa.Index("reservation_age", "update_us"),
    sa.Index("reservation_list", "tenant_id", "create_us"),
)
