"""The tables of transaction_svc.

`tx` holds one row per transaction, a fold over the rows of `tx_event`, which are only ever added. Keys compare by
bytes: names are not words of a language, and comparing them so is faster on PostgreSQL.

No two indexes of a table begin alike but for those that operators' lists use (`…_newest`): while PostgreSQL knows
nothing of a young table it would take one for the other, and read all of a station or a tenant. So some stand on a hash
(`contents.name_hash`), whose meaning each query checks by the names beside it, and `tx`'s key begins with the station.
"""

import sqlalchemy as sa

from mesh.outbox import outbox_table

metadata = sa.MetaData()

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

tx = sa.Table(
    "tx",
    metadata,
    sa.Column("tenant_id", NAME, nullable=False),
    sa.Column("station_id", NAME, nullable=False),
    sa.Column("transaction_id", NAME, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False, autoincrement=False),
    sa.Column("fold", sa.Text, nullable=False),  # transaction_svc.fold.Fold; the columns below are drawn from it
    sa.Column("station_hash", sa.BigInteger, nullable=False),  # of tenant and station
    sa.Column("ended", sa.Boolean, nullable=False),  # not open: over, or waiting
    sa.Column("token_key", NAME, nullable=False),  # as mesh.id_tokens.match_key makes it
    sa.Column("evse_id", sa.Integer, nullable=False),
    sa.Column("evse_hash", sa.BigInteger, nullable=False),  # of tenant, station and evse_id
    sa.Column("begin_us", sa.BigInteger, nullable=False),
    sa.Column("start_us", sa.BigInteger),
    sa.Column("end_us", sa.BigInteger),
    sa.Column("energy_mwh", sa.BigInteger, nullable=False),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    # Whether its token holds it while it is open: not one that was refused.
    sa.Column("token_held", sa.Boolean, nullable=False, server_default=sa.true()),
    # No transaction (yet): values alone make none. Named by the station, its start has to come (2.x). Without a name
    # it holds a station's events that belong to no transaction (1.6), a generation for each piece.
    sa.Column("waiting", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("flags", sa.Text),  # contents.flags_text; NULL where code that did not know the column wrote the row
    sa.Column("hanging_due_us", sa.BigInteger),  # when it is to be ended; NULL where it is not hanging
    sa.PrimaryKeyConstraint("station_id", "transaction_id", "generation", "tenant_id", name="tx_pkey"),
    sa.Index("tx_newest", "tenant_id", "create_us"),
    sa.Index(
        "tx_waiting_newest",
        "tenant_id",
        "create_us",
        postgresql_where=sa.text("waiting"),
        sqlite_where=sa.text("waiting"),
    ),
    sa.Index(
        "tx_flagged_newest",
        "tenant_id",
        "create_us",
        postgresql_where=sa.text("flags <> ''"),
        sqlite_where=sa.text("flags <> ''"),
    ),
    sa.Index(
        "tx_without_flags",
        "create_us",
        postgresql_where=sa.text("flags IS NULL"),
        sqlite_where=sa.text("flags IS NULL"),
    ),
    sa.Index(
        "tx_hanging",
        "hanging_due_us",
        postgresql_where=sa.text("hanging_due_us IS NOT NULL"),
        sqlite_where=sa.text("hanging_due_us IS NOT NULL"),
    ),
    sa.Index("tx_evse", "evse_hash", "begin_us"),
    sa.Index(
        "tx_open_station",
        "station_hash",
        postgresql_where=sa.text("NOT ended"),
        sqlite_where=sa.text("NOT ended"),
    ),
    sa.Index(
        "tx_open_token",
        "token_key",
        postgresql_where=sa.text("NOT ended"),
        sqlite_where=sa.text("NOT ended"),
    ),
)

# What each station said when it booted last.
station = sa.Table(
    "station",
    metadata,
    sa.Column("tenant_id", NAME, nullable=False),
    sa.Column("station_id", NAME, nullable=False),
    sa.Column("vendor_name", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("firmware_version", sa.Text, nullable=False),  # empty where it did not say
    sa.Column("boot_us", sa.BigInteger, nullable=False),
    # Of the frame that told of the boot: an older one changes nothing.
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("ordinal", sa.BigInteger, nullable=False),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    # How often it repeats messages that fail (grace.py); NULL where that was not known.
    sa.Column("message_attempts", sa.Integer),
    sa.Column("message_attempt_interval_s", sa.Integer),
    sa.PrimaryKeyConstraint("tenant_id", "station_id", name="station_pkey"),
)

tx_event = sa.Table(
    "tx_event",
    metadata,
    sa.Column("tenant_id", NAME, nullable=False),
    sa.Column("station_id", NAME, nullable=False),
    sa.Column("content_key", NAME, nullable=False),  # transaction_svc.contents: what the station said, as a digest
    # Counts events that say the same but are not the same: those of stations without a clock.
    sa.Column("repeat_no", sa.Integer, nullable=False, autoincrement=False),
    sa.Column("transaction_id", NAME, nullable=False),  # the one it belongs to, not always the one it names
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("tx_hash", sa.BigInteger, nullable=False),  # of tenant, station and transaction_id
    sa.Column("fact", sa.Text, nullable=False),  # transaction_svc.facts.Fact
    sa.Column("event", sa.Text, nullable=False),  # csms.transaction.v1.TransactionEvent, serialized, in base64
    sa.Column("receive_us", sa.BigInteger, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("ordinal", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "station_id", "content_key", "repeat_no", name="tx_event_pkey"),
    sa.Index("tx_event_of_tx", "tx_hash"),
)

meter_values = sa.Table(
    "meter_values",
    metadata,
    sa.Column("tenant_id", NAME, nullable=False),
    sa.Column("station_id", NAME, nullable=False),
    sa.Column("content_key", NAME, nullable=False),
    sa.Column("item", sa.Text, nullable=False),  # csms.transaction.v1.MeterValuesItem, serialized, in base64
    sa.Column("receive_us", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "station_id", "content_key", name="meter_values_pkey"),
    sa.Index("meter_values_newest", "tenant_id", "station_id", "receive_us"),
)

quarantine = sa.Table(
    "quarantine",
    metadata,
    sa.Column("tenant_id", NAME, nullable=False),
    sa.Column("quarantine_id", NAME, nullable=False),  # a digest of station, kind and what was said
    sa.Column("station_id", NAME, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # the RPC's item: "TransactionEventItem", "MeterValuesItem"
    sa.Column("item", sa.Text, nullable=False),  # serialized, in base64
    sa.Column("state", sa.Text, nullable=False),  # csms.transaction.v1.QuarantineState: "OPEN", "RECORDED", "DISMISSED"
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("run_count", sa.Integer, nullable=False),
    sa.Column("transaction_id", NAME, nullable=False),  # empty unless it was recorded in one
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    sa.Column("item_size", sa.Integer, nullable=False, server_default=sa.text("0")),  # characters of `item`
    sa.PrimaryKeyConstraint("tenant_id", "quarantine_id", name="quarantine_pkey"),
    sa.Index("quarantine_newest", "tenant_id", "create_us"),
    sa.Index("quarantine_age", "update_us"),
    sa.Index(
        "quarantine_unaccepted",
        "station_id",
        postgresql_where=sa.text("reason = 'STATION_NOT_ACCEPTED' AND state = 'OPEN'"),
        sqlite_where=sa.text("reason = 'STATION_NOT_ACCEPTED' AND state = 'OPEN'"),
    ),
)

quarantine_mend = sa.Table(
    "quarantine_mend",
    metadata,
    sa.Column("tenant_id", NAME, nullable=False),
    sa.Column("quarantine_id", NAME, nullable=False),
    sa.Column("mend_no", sa.Integer, nullable=False, autoincrement=False),  # from 1
    sa.Column("kind", sa.Text, nullable=False),  # of `item`, as in `quarantine`
    sa.Column("item", sa.Text, nullable=False),  # what is recorded instead, without origin, serialized, in base64
    sa.Column("payload", sa.Text, nullable=False),  # OCPP JSON that `item` was translated from; empty where it was none
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("username", sa.Text, nullable=False),
    sa.Column("mend_us", sa.BigInteger, nullable=False),
    sa.Column("failure_reason", sa.Text, nullable=False),  # empty where it was recorded
    sa.Column("failure_message", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "quarantine_id", "mend_no", name="quarantine_mend_pkey"),
    sa.ForeignKeyConstraint(
        ["tenant_id", "quarantine_id"],
        ["quarantine.tenant_id", "quarantine.quarantine_id"],
        name="quarantine_mend_of_item",
        ondelete="CASCADE",
    ),
)

# At most a few thousand of each tenant, read as a whole.
meter_profile = sa.Table(
    "meter_profile",
    metadata,
    sa.Column("tenant_id", NAME, nullable=False),
    sa.Column("profile_id", NAME, nullable=False),  # a digest of what it applies to
    # What it applies to: empty is any. The keys are what is compared (`meter_profiles.fold_name`).
    sa.Column("station_id", NAME, nullable=False),
    sa.Column("vendor_name", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("firmware_version", sa.Text, nullable=False),
    sa.Column("vendor_key", NAME, nullable=False),
    sa.Column("model_key", NAME, nullable=False),
    sa.Column("firmware_key", NAME, nullable=False),
    sa.Column("evse_kind", sa.Integer, nullable=False),  # csms.transaction.v1.EvseKind
    sa.Column("max_power_w", sa.Integer, nullable=False),  # 0: as set for the kind
    sa.Column("begin_end_exponent", sa.Integer),  # NULL: found by comparing the readings
    sa.Column("sampled_exponent", sa.Integer),
    sa.Column("register_source", sa.Integer, nullable=False),  # csms.transaction.v1.RegisterSource
    sa.Column("register_location", sa.Integer),  # as in `facts.series_number`; NULL: the preferred one
    sa.Column("zero_begin", sa.Integer, nullable=False),  # csms.transaction.v1.ZeroBegin
    sa.Column("update_us", sa.BigInteger, nullable=False),
    sa.Column("updated_by", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "profile_id", name="meter_profile_pkey"),
)

# SQLite only: PostgreSQL has the sequence `tx_number` in its place.
tx_counter = sa.Table(
    "tx_counter",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
    info={"dialect": "sqlite"},
)

outbox = outbox_table(metadata)
