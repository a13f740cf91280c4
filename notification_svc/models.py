"""The tables of notification_svc. Names are unqualified: the search path picks the service's schema.

Each tenant has a stream of its own, with cursors of its own. Columns that end in `_us` hold microseconds since 1970 in
UTC.
"""

import sqlalchemy as sa

from mesh.database.partitions import TimePartitions
from mesh.placements.tables import placement_tables

metadata = sa.MetaData()

# A replica that adds events to a stream holds its row until the commit, so that there is one writer at a time.
stream = sa.Table(
    "stream",
    metadata,
    sa.Column("tenant_id", sa.Text, nullable=False),
    sa.Column("last_cursor", sa.BigInteger, nullable=False),  # the largest that was given
    sa.Column("removed_cursor", sa.BigInteger, nullable=False),  # the largest that retention has removed; 0: none
    # create_us of the event with last_cursor; 0 in rows that code before the column wrote.
    sa.Column("last_create_us", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.PrimaryKeyConstraint("tenant_id", name="stream_pkey"),
)

event = sa.Table(
    "event",
    metadata,
    sa.Column("tenant_id", sa.Text, nullable=False),
    sa.Column("cursor", sa.BigInteger, nullable=False),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("station_id", sa.Text, nullable=False),  # empty where none is concerned
    sa.Column("event_time_us", sa.BigInteger, nullable=False),
    sa.Column("create_us", sa.BigInteger, nullable=False),  # when it came here, never before a smaller cursor
    # google.protobuf.Struct as bytes, in base64: it is passed on as it came, and JSON would cost 15 µs each way.
    sa.Column("data", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "cursor", name="event_pkey"),
    sa.UniqueConstraint("tenant_id", "event_id", name="event_event_id"),
    sa.Index("event_by_station", "tenant_id", "station_id", "cursor"),
)

# On PostgreSQL the table is partitioned (docs/adr/0022). Cursors and ids are unique in each partition; store.py
# looks for an id in older ones.
PARTITIONS = TimePartitions(
    table=event.name,
    column=event.c.create_us.name,
    indexes={
        "cursor": "UNIQUE (tenant_id, cursor)",
        "event_id": "UNIQUE (tenant_id, event_id)",
        "station": "(tenant_id, station_id, cursor)",
    },
)

# Position up to which a stream has been published to the broker, and confirmed by it.
fanout = sa.Table(
    "fanout",
    metadata,
    sa.Column("tenant_id", sa.Text, nullable=False),
    sa.Column("cursor", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", name="fanout_pkey"),
)

# Where stations stand: a copy of station_svc's, some seconds behind (docs/SITES.md).
PLACEMENTS = placement_tables(metadata, key=sa.Text())
