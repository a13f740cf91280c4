"""The tables of reports of variables, their parts, and network profiles (rows.py)."""

import sqlalchemy as sa

from station_svc.core.columns import integer, metadata, partial_index, small, station_key, text

# `part_rows` are its rows in variable_report_part. `due_us`: when it counts as incomplete unless a part arrives.
variable_report = sa.Table(
    "variable_report",
    metadata,
    *station_key(),
    sa.Column("variable_report_id", sa.BigInteger, primary_key=True, autoincrement=False),
    small("report_base"),
    small("state"),
    small("status"),
    integer("received_parts"),
    integer("part_rows"),
    sa.Column("last_part", sa.Integer),
    integer("attribute_count"),
    integer("skipped_count"),
    sa.Column("generate_us", sa.BigInteger),
    sa.Column("due_us", sa.BigInteger),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    partial_index("variable_report_due", "due_us", where="due_us IS NOT NULL"),
    sa.Index("variable_report_age", "update_us"),
)

# A row for each frame: a part that a station sends twice has two.
variable_report_part = sa.Table(
    "variable_report_part",
    metadata,
    *station_key(),
    sa.Column("variable_report_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("seq_no", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("ordinal", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("is_last", sa.Boolean, nullable=False),
    integer("attribute_count"),
    integer("skipped_count"),
    sa.Column("receive_us", sa.BigInteger, nullable=False),
    sa.Index("variable_report_part_age", "receive_us"),
)

# `profile` is csms.station.v1.NetworkConnectionProfile as JSON, without its secrets.
network_profile = sa.Table(
    "network_profile",
    metadata,
    *station_key(),
    sa.Column("configuration_slot", sa.Integer, primary_key=True, autoincrement=False),
    text("profile"),
    small("status"),
    text("username"),
    sa.Column("update_us", sa.BigInteger, nullable=False),
)
