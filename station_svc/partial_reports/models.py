"""The table of reports in parts (rows.py)."""

import sqlalchemy as sa

from station_svc.core.columns import Key, integer, metadata, small, station_key, text

partial_report = sa.Table(
    "partial_report",
    metadata,
    *station_key(),
    sa.Column("kind", Key, primary_key=True),
    sa.Column("report_id", sa.BigInteger, primary_key=True, autoincrement=False),
    small("state"),
    text("ranges"),
    sa.Column("last_part", sa.BigInteger),
    integer("parts"),
    integer("doubled_parts"),
    small("is_whole"),
    small("station_made"),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("ordinal", sa.BigInteger, nullable=False),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    sa.Index("partial_report_age", "update_us"),
)
