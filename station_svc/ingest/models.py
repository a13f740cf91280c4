"""The tables of what stations sent and were sent, a row per frame."""

import sqlalchemy as sa

from station_svc.columns import frame_key, metadata, small, station_key, text

status_report = sa.Table(
    "status_report",
    metadata,
    *station_key(),
    *frame_key(),
    sa.Column("evse_id", sa.Integer, nullable=False),
    sa.Column("connector_id", sa.Integer, nullable=False),
    small("status"),
    text("reported_status"),
    text("error_code"),
    text("info"),
    text("vendor_id"),
    text("vendor_error_code"),
    sa.Column("status_us", sa.BigInteger),
    sa.Column("receive_us", sa.BigInteger, nullable=False),
    sa.Index("status_report_age", "receive_us"),
)

data_transfer = sa.Table(
    "data_transfer",
    metadata,
    *station_key(),
    *frame_key(),
    text("vendor_id"),
    text("message_id"),
    text("data"),
    small("status"),
    sa.Column("receive_us", sa.BigInteger, nullable=False),
    sa.Index("data_transfer_age", "receive_us"),
)

# The message log.
message = sa.Table(
    "message",
    metadata,
    *station_key(),
    *frame_key(),
    small("direction"),
    small("message_type"),
    text("message_id"),
    text("action"),
    text("payload"),
    sa.Column("message_us", sa.BigInteger, nullable=False),
    sa.Index("message_age", "message_us"),
)
