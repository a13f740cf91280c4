"""The tables of charging profiles (rows.py), of reports that stations are asked for, and of limits from elsewhere."""

import sqlalchemy as sa

from station_svc.core.columns import big, integer, metadata, partial_index, small, station_key, text

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
    small("limit_source"),
    integer("report_id"),
    sa.Column("report_us", sa.BigInteger),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    partial_index("charging_profile_due", "due_us", where="due_us IS NOT NULL"),
    sa.Index("charging_profile_age", "update_us"),
    sa.Index("charging_profile_list", "tenant_id", "create_us"),
)

# Reports that are not complete yet. `number`: profiles before it are expected in the report.
charging_profile_report = sa.Table(
    "charging_profile_report",
    metadata,
    *station_key(),
    sa.Column("report_id", sa.Integer, primary_key=True, autoincrement=False),
    big("number"),
    sa.Column("request", sa.LargeBinary, nullable=False),
    integer("part_count"),
    sa.Column("due_us", sa.BigInteger, nullable=False),
    sa.Index("charging_profile_report_due", "due_us"),
)

charging_limit = sa.Table(
    "charging_limit",
    metadata,
    *station_key(),
    sa.Column("evse_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("limit_source", sa.SmallInteger, primary_key=True, autoincrement=False),
    small("state"),
    big("epoch"),
    big("ordinal"),
    sa.Column("limit_pb", sa.LargeBinary, nullable=False),
    sa.Column("receive_us", sa.BigInteger, nullable=False),
    sa.Column("clear_us", sa.BigInteger),
    partial_index("charging_limit_cleared", "clear_us", where="clear_us IS NOT NULL"),
)

# The charging of a vehicle that negotiates with its station: the latest of each EVSE.
ev_charging = sa.Table(
    "ev_charging",
    metadata,
    *station_key(),
    sa.Column("evse_id", sa.Integer, primary_key=True, autoincrement=False),
    text("transaction_id"),
    small("state"),
    integer("profile_id"),
    sa.Column("needs", sa.LargeBinary, nullable=False),
    sa.Column("schedule", sa.LargeBinary),
    sa.Column("schedule_us", sa.BigInteger),
    sa.Column("exceeds", sa.Boolean, nullable=False, server_default=sa.false()),
    small("renegotiations"),
    big("epoch"),
    big("ordinal"),
    sa.Column("receive_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    sa.Index("ev_charging_age", "update_us"),
)
