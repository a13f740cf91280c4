"""The table of what stations sent and were sent, a row per frame. On PostgreSQL it is partitioned (docs/adr/0022)."""

import sqlalchemy as sa

from mesh.database.partitions import TimePartitions
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

# Partitions have this index alone: by it frames are unique, and listed by their time.
PARTITIONS = TimePartitions(
    table=message.name,
    column=message.c.message_us.name,
    indexes={"key": "UNIQUE (tenant_id, station_id, message_us, epoch, ordinal)"},
)

# The order of the index that each partition has.
ORDER = ("station_id", "message_us", "epoch", "ordinal")
