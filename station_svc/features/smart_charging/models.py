"""The table of charging profiles that were sent to stations (rows.py)."""

import sqlalchemy as sa

from station_svc.core.columns import integer, metadata, partial_index, small, station_key, text

# `due_us`: when the state changes by itself.
charging_profile = sa.Table(
    "charging_profile",
    metadata,
    *station_key(),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    integer("evse_id"),
    integer("profile_id"),
    integer("purpose"),
    integer("stack_level"),
    text("transaction_id"),
    small("state"),
    text("reason_code"),
    sa.Column("valid_to_us", sa.BigInteger),
    sa.Column("doubt_us", sa.BigInteger),
    sa.Column("due_us", sa.BigInteger),
    sa.Column("profile", sa.LargeBinary, nullable=False),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    partial_index("charging_profile_due", "due_us", where="due_us IS NOT NULL"),
    sa.Index("charging_profile_age", "update_us"),
    sa.Index("charging_profile_list", "tenant_id", "create_us"),
)
