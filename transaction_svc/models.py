"""The tables of transaction_svc.

`tx` is the table of transactions: one row each, with the state that is derived from its rows of `tx_event`. Those are
only added; those of old transactions are thinned (`thinning.py`). Keys compare by bytes: names are not words of a
language, and the comparison is faster on PostgreSQL.

No two indexes of a table begin with the same column, except those of operators' lists (`…_newest`) and of background
tasks: without statistics of a young table, PostgreSQL would choose the wrong one, and read all rows of a station or a
tenant. So some are on a hash (`idempotency_keys.name_hash`), beside which each query compares the names, and `tx`'s key
begins with the station.
"""

import sqlalchemy as sa

from mesh.audit.entries import audit_tables
from mesh.database.partitions import TimePartitions
from mesh.driver_tables import progress_table
from mesh.events.outbox import outbox_table
from mesh.placements.tables import placement_tables

metadata = sa.MetaData()

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

tx = sa.Table(
    "tx",
    metadata,
    sa.Column("tenant_id", NAME, nullable=False),
    sa.Column("station_id", NAME, nullable=False),
    sa.Column("transaction_id", NAME, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False, autoincrement=False),
    sa.Column("fold", sa.Text, nullable=False),  # TransactionState; the columns below are drawn from it
    sa.Column("station_hash", sa.BigInteger, nullable=False),  # of tenant and station
    sa.Column("ended", sa.Boolean, nullable=False),  # not open: ended, or waiting
    sa.Column("token_key", NAME, nullable=False),  # as mesh.contract.id_tokens.match_key makes it
    sa.Column("evse_id", sa.Integer, nullable=False),
    sa.Column("evse_hash", sa.BigInteger, nullable=False),  # of tenant, station, evse_id; minus: takes it not
    sa.Column("begin_us", sa.BigInteger, nullable=False),
    sa.Column("start_us", sa.BigInteger),
    sa.Column("end_us", sa.BigInteger),
    sa.Column("energy_mwh", sa.BigInteger, nullable=False),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    # Whether its token holds it while it is open; a refused token does not.
    sa.Column("token_held", sa.Boolean, nullable=False, server_default=sa.true()),
    # Not a transaction yet: values alone make none. With a name, its start has to come (2.x). Without a name it holds
    # unmatched events of a station (1.6), up to `batch_context.HOLDER_SIZE` in each generation.
    sa.Column("waiting", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("flags", sa.Text),  # transaction_columns.flags_text; NULL in rows that code before the column wrote
    # Of an open one: when its grace period ends, NULL where it is not hanging. Of an ended one: when its end is
    # published, NULL where it was.
    sa.Column("hanging_due_us", sa.BigInteger),
    sa.Column(
        "thinned", sa.Boolean, nullable=False, server_default=sa.false()
    ),  # whether its samples are (thinning.py)
    # Whether it has changed since it was counted in rollups (rollup_worker.py); NULL, in rows that code before the
    # column wrote, stands for true. Open ones are counted by their time.
    sa.Column("rollup_due", sa.Boolean),
    # Present power in watts (`TransactionState.power_w`). In no index: it changes with each event.
    sa.Column("power_w", sa.Integer),
    sa.Column("hanging_us", sa.BigInteger),  # since when it is hanging
    sa.Column("remote_start_id", sa.Integer),  # of the RequestStart command that began it (2.x)
    sa.PrimaryKeyConstraint("station_id", "transaction_id", "generation", "tenant_id", name="tx_pkey"),
    sa.Index("tx_newest", "tenant_id", "create_us"),
    # No index has the energy: that of an open one changes with each event, which would cost an entry in every index.
    sa.Index("tx_begin_newest", "tenant_id", "begin_us"),
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
        "tx_unthinned",
        "create_us",
        postgresql_where=sa.text("ended AND NOT waiting AND NOT thinned"),
        sqlite_where=sa.text("ended AND NOT waiting AND NOT thinned"),
    ),
    sa.Index(
        "tx_rollup_due",
        "create_us",
        postgresql_where=sa.text("rollup_due IS NOT FALSE"),
        sqlite_where=sa.text("rollup_due IS NOT FALSE"),
    ),
    sa.Index(
        "tx_hanging",
        "hanging_due_us",
        postgresql_where=sa.text("hanging_due_us IS NOT NULL"),
        sqlite_where=sa.text("hanging_due_us IS NOT NULL"),
    ),
    sa.Index(
        "tx_remote_start",
        "remote_start_id",
        postgresql_where=sa.text("remote_start_id IS NOT NULL"),
        sqlite_where=sa.text("remote_start_id IS NOT NULL"),
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

# The latest boot of each station.
station = sa.Table(
    "station",
    metadata,
    sa.Column("tenant_id", NAME, nullable=False),
    sa.Column("station_id", NAME, nullable=False),
    sa.Column("vendor_name", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("firmware_version", sa.Text, nullable=False),  # empty where it was not reported
    sa.Column("boot_us", sa.BigInteger, nullable=False),
    # Of the boot's frame: an older boot changes nothing.
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("ordinal", sa.BigInteger, nullable=False),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    # Attempts at messages that fail (grace.py); NULL where they are not known.
    sa.Column("message_attempts", sa.Integer),
    sa.Column("message_attempt_interval_s", sa.Integer),
    sa.PrimaryKeyConstraint("tenant_id", "station_id", name="station_pkey"),
)

tx_event = sa.Table(
    "tx_event",
    metadata,
    sa.Column("tenant_id", NAME, nullable=False),
    sa.Column("station_id", NAME, nullable=False),
    sa.Column("content_key", NAME, nullable=False),  # digest of the content: idempotency_keys.event_key
    # Counts different events with the same content, which stations without a clock send.
    sa.Column("repeat_no", sa.Integer, nullable=False, autoincrement=False),
    sa.Column("transaction_id", NAME, nullable=False),  # the transaction it belongs to, not always the one it names
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("tx_hash", sa.BigInteger, nullable=False),  # of tenant, station and transaction_id
    sa.Column("fact", sa.Text, nullable=False),  # event_record.EventRecord, encoded
    sa.Column("event", sa.Text, nullable=False),  # csms.transaction.v1.TransactionEvent, serialized, in base64
    sa.Column("receive_us", sa.BigInteger, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("ordinal", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "station_id", "content_key", "repeat_no", name="tx_event_pkey"),
    sa.Index("tx_event_of_tx", "tx_hash"),
)

# Events of old transactions, many in a row (`packed_form.py`), in the place of their rows in `tx_event`.
tx_packed = sa.Table(
    "tx_packed",
    metadata,
    sa.Column("tenant_id", NAME, nullable=False),
    sa.Column("station_id", NAME, nullable=False),
    sa.Column("transaction_id", NAME, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False, autoincrement=False),
    sa.Column("first_key", NAME, nullable=False),  # content key and repeat number of the first event
    sa.Column("events", sa.LargeBinary, nullable=False),
    sa.PrimaryKeyConstraint(
        "station_id", "transaction_id", "generation", "first_key", "tenant_id", name="tx_packed_pkey"
    ),
)

# The part of each transaction in `rollup`, so that a change of it can be counted as the difference.
tx_rollup = sa.Table(
    "tx_rollup",
    metadata,
    sa.Column("tenant_id", NAME, nullable=False),
    sa.Column("station_id", NAME, nullable=False),
    sa.Column("transaction_id", NAME, nullable=False),
    sa.Column("generation", sa.Integer, nullable=False, autoincrement=False),
    sa.Column("share", sa.Text, nullable=False),  # rollup_form.Share, encoded; empty where it has none
    sa.Column("count_us", sa.BigInteger, nullable=False),  # when its events were read for it
    # Of the transaction, then.
    sa.Column("ended", sa.Boolean, nullable=False),
    sa.Column("energy_mwh", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("station_id", "transaction_id", "generation", "tenant_id", name="tx_rollup_pkey"),
)

# Energy and sessions of each connector and UTC day, by quarter hours. The rows without a station have the sums of their
# tenant.
rollup = sa.Table(
    "rollup",
    metadata,
    sa.Column("tenant_id", NAME, nullable=False),
    sa.Column("station_id", NAME, nullable=False),
    sa.Column("evse_id", sa.Integer, nullable=False, autoincrement=False),
    sa.Column("connector_id", sa.Integer, nullable=False, autoincrement=False),
    sa.Column("day", sa.Integer, nullable=False, autoincrement=False),  # since 1970 (UTC)
    sa.Column("cells", sa.Text, nullable=False),  # rollup_form.Cells, encoded
    sa.PrimaryKeyConstraint("tenant_id", "station_id", "evse_id", "connector_id", "day", name="rollup_pkey"),
)

# The connectors in `rollup`, so that neither lists nor the retention need to read all its days to find them.
rollup_connector = sa.Table(
    "rollup_connector",
    metadata,
    sa.Column("tenant_id", NAME, nullable=False),
    sa.Column("station_id", NAME, nullable=False),
    sa.Column("evse_id", sa.Integer, nullable=False, autoincrement=False),
    sa.Column("connector_id", sa.Integer, nullable=False, autoincrement=False),
    sa.Column("first_day", sa.Integer, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "station_id", "evse_id", "connector_id", name="rollup_connector_pkey"),
)

# The first day of a tenant whose rollups were not removed (retention): nothing is counted before it any more.
rollup_horizon = sa.Table(
    "rollup_horizon",
    metadata,
    sa.Column("tenant_id", NAME, nullable=False),
    sa.Column("day", sa.Integer, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", name="rollup_horizon_pkey"),
)

meter_values = sa.Table(
    "meter_values",
    metadata,
    sa.Column("tenant_id", NAME, nullable=False),
    sa.Column("station_id", NAME, nullable=False),
    sa.Column("content_key", NAME, nullable=False),
    sa.Column("item", sa.Text, nullable=False),  # csms.transaction.v1.MeterValuesItem, serialized, in base64
    sa.Column("receive_us", sa.BigInteger, nullable=False),
    # The station's time of its first sample; 0 where it has none, and in rows that code before the column wrote. The
    # same content has the same time.
    sa.Column("sample_us", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.PrimaryKeyConstraint("tenant_id", "station_id", "content_key", name="meter_values_pkey"),
    sa.Index("meter_values_newest", "tenant_id", "station_id", "receive_us"),
)

# On PostgreSQL the table is partitioned (docs/adr/0022).
METER_VALUES_PARTITIONS = TimePartitions(
    table=meter_values.name,
    column=meter_values.c.sample_us.name,
    indexes={"key": "UNIQUE (tenant_id, station_id, sample_us, content_key)"},
)

# The order of the index that each partition has.
METER_VALUES_ORDER = ("station_id", "sample_us", "content_key")

quarantine = sa.Table(
    "quarantine",
    metadata,
    sa.Column("tenant_id", NAME, nullable=False),
    sa.Column("quarantine_id", NAME, nullable=False),  # digest of station, kind and content
    sa.Column("station_id", NAME, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # type of the item: "TransactionEventItem", "MeterValuesItem"
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
        "quarantine_open",
        "tenant_id",
        "station_id",
        "reason",
        "create_us",
        postgresql_where=sa.text("state = 'OPEN'"),
        sqlite_where=sa.text("state = 'OPEN'"),
    ),
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
    sa.Column("item", sa.Text, nullable=False),  # the replacement, without origin, serialized, in base64
    sa.Column("payload", sa.Text, nullable=False),  # OCPP JSON of `item`; empty where it was not translated
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
    sa.Column("profile_id", NAME, nullable=False),  # digest of the four names below
    # The stations that it applies to; empty: any. The keys are compared (`meter_profiles.normalize_name`).
    sa.Column("station_id", NAME, nullable=False),
    sa.Column("vendor_name", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("firmware_version", sa.Text, nullable=False),
    sa.Column("vendor_key", NAME, nullable=False),
    sa.Column("model_key", NAME, nullable=False),
    sa.Column("firmware_key", NAME, nullable=False),
    sa.Column("evse_kind", sa.Integer, nullable=False),  # csms.transaction.v1.EvseKind
    sa.Column("max_power_w", sa.Integer, nullable=False),  # 0: the setting for the kind of EVSE
    sa.Column("begin_end_exponent", sa.Integer),  # NULL: found by comparing the readings
    sa.Column("sampled_exponent", sa.Integer),
    sa.Column("register_source", sa.Integer, nullable=False),  # csms.transaction.v1.RegisterSource
    sa.Column("register_location", sa.Integer),  # as in `event_record.series_number`; NULL: the preferred one
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

# Where stations stand: a copy of station_svc's, some seconds behind (docs/SITES.md).
PLACEMENTS = placement_tables(metadata)
station_placement, station_group = PLACEMENTS.placement, PLACEMENTS.group

driver_erasure_progress = progress_table(metadata)
outbox = outbox_table(metadata)
audit_entry, audit_head = audit_tables(metadata)
