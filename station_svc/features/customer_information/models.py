"""The tables of reports about drivers (rows.py)."""

import sqlalchemy as sa

from station_svc.core.columns import metadata, small, station_key, text

customer_report = sa.Table(
    "customer_report",
    metadata,
    *station_key(),
    sa.Column("report_id", sa.BigInteger, primary_key=True, autoincrement=False),
    small("is_reported"),
    small("is_cleared"),
    text("customer_identifier"),
    text("id_token"),
    text("id_token_type"),
    small("hash_algorithm"),
    text("issuer_name_hash"),
    text("issuer_key_hash"),
    text("serial_number"),
    small("status"),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Index("customer_report_age", "create_us"),
)

# `id_token` is that of the report, so that an erasure of the driver finds its parts.
customer_report_part = sa.Table(
    "customer_report_part",
    metadata,
    *station_key(),
    sa.Column("report_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("part", sa.BigInteger, primary_key=True, autoincrement=False),
    text("id_token"),
    text("data"),
    sa.Column("receive_us", sa.BigInteger, nullable=False),
    sa.Index("customer_report_part_age", "receive_us"),
)
