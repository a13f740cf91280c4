"""The table of vendors' own messages, a row per frame."""

import sqlalchemy as sa

from station_svc.core.columns import frame_key, metadata, small, station_key, text

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
