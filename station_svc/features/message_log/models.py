"""The table of what stations sent and were sent, a row per frame."""

import sqlalchemy as sa

from station_svc.core.columns import frame_key, metadata, small, station_key, text

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
