"""The table of messages on displays (rows.py)."""

import sqlalchemy as sa

from station_svc.core.columns import metadata, small, station_key, text

display_message = sa.Table(
    "display_message",
    metadata,
    *station_key(),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("message_id", sa.BigInteger, nullable=False),
    small("priority"),
    small("shown_state"),
    sa.Column("start_us", sa.BigInteger),
    sa.Column("end_us", sa.BigInteger),
    text("transaction_id"),
    text("display"),
    small("format"),
    text("language"),
    text("content"),
    small("state"),
    small("answer"),
    small("station_made"),
    sa.Column("report_id", sa.BigInteger),
    sa.Column("doubt_us", sa.BigInteger),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    sa.Index("display_message_age", "update_us"),
)
