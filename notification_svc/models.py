"""The tables of notification_svc. Names are unqualified: the search path picks the service's schema.

Each tenant has a stream of its own, with cursors of its own. Columns that end in `_us` hold microseconds since 1970 in
UTC.
"""

import sqlalchemy as sa

from mesh.audit.entries import audit_tables
from mesh.database.partitions import TimePartitions
from mesh.driver_tables import progress_table
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
    sa.Column("actor", sa.Text),  # NULL: none, or the event is of a build before the column
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

# Tickets for streams of events that have not been used (docs/adr/0033). `credential` is JSON: tickets.py.
watch_ticket = sa.Table(
    "watch_ticket",
    metadata,
    sa.Column("ticket_sha256", sa.Text, nullable=False),  # in hexadecimal
    sa.Column("tenant_id", sa.Text, nullable=False),
    sa.Column("credential", sa.Text, nullable=False),
    sa.Column("expire_us", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("ticket_sha256", name="watch_ticket_pkey"),
    sa.Index("watch_ticket_by_expiry", "expire_us"),
)

driver_erasure_progress = progress_table(metadata)

# The audit of this service itself, as each service has it.
audit_entry, audit_head = audit_tables(metadata)

_KEY = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")

# The linked entries of all services, as they came. `content` is the text that was hashed; the columns beside it are
# those of its fields that lists are filtered by.
audit_record = sa.Table(
    "audit_record",
    metadata,
    sa.Column("tenant_id", _KEY, nullable=False),
    sa.Column("source", _KEY, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("time_us", sa.BigInteger, nullable=False),
    sa.Column("actor_kind", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("on_behalf_of", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("resource_type", sa.Text, nullable=False),
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("station_id", sa.Text, nullable=False),
    sa.Column("change", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("previous_hash", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "source", "sequence", name="audit_record_pkey"),
    sa.Index("audit_record_by_time", "tenant_id", "time_us", "source", "sequence"),
    sa.Index("audit_record_by_actor", "tenant_id", "actor", "time_us"),
    sa.Index("audit_record_by_station", "tenant_id", "station_id", "time_us"),
)

# Where a chain of `audit_record` begins: after the last entry that was removed because its time was over.
audit_record_start = sa.Table(
    "audit_record_start",
    metadata,
    sa.Column("tenant_id", _KEY, nullable=False),
    sa.Column("source", _KEY, nullable=False),
    sa.Column("removed_through", sa.BigInteger, nullable=False),
    sa.Column("removed_hash", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "source", name="audit_record_start_pkey"),
)

# Conditions that persons have taken note of. A row holds for as long as the condition lasts that it is about: one that
# begins after both times is another.
condition_acknowledgement = sa.Table(
    "condition_acknowledgement",
    metadata,
    sa.Column("tenant_id", _KEY, nullable=False),
    sa.Column("condition_id", _KEY, nullable=False),  # mesh.conditions.names.ConditionName, encoded
    sa.Column("station_id", sa.Text, nullable=False),
    sa.Column("begin_us", sa.BigInteger, nullable=False),  # of the condition
    sa.Column("acknowledge_us", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "condition_id", name="condition_acknowledgement_pkey"),
    sa.Index("condition_acknowledgement_by_time", "tenant_id", "acknowledge_us"),
)

# Where stations stand: a copy of station_svc's, some seconds behind (docs/SITES.md).
PLACEMENTS = placement_tables(metadata, key=sa.Text())
