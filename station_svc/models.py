"""The tables of station_svc. Times are microseconds since 1970 in UTC (`*_us`); enums hold the contract's numbers.

`tenant_id` leads every key but those of what no tenant owns: nodes, and connections, whose epochs are one number range
for all. There are no foreign keys: what is ingested is joined with `station` as it is written, which costs less.
"""

import sqlalchemy as sa

from mesh.outbox import outbox_table

metadata = sa.MetaData()

# Compared by code point on both databases: pages have one order, and PostgreSQL's indexes need no locale.
_Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_Identity = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))


def _small(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, nullable=False, server_default=sa.text("0"))


def _integer(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default=sa.text("0"))


def _big(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"))


def _station_key() -> tuple[sa.Column[str], sa.Column[str]]:
    return sa.Column("tenant_id", _Key, primary_key=True), sa.Column("station_id", _Key, primary_key=True)


def _frame_key() -> tuple[sa.Column[int], sa.Column[int]]:
    return (
        sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("ordinal", sa.BigInteger, primary_key=True, autoincrement=False),
    )


# One start of a gateway process. Alive until its lease runs out.
node = sa.Table(
    "node",
    metadata,
    sa.Column("node_id", _Key, primary_key=True),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("lease_end_us", sa.BigInteger, nullable=False),
)

station = sa.Table(
    "station",
    metadata,
    *_station_key(),
    _small("registration_status"),
    _text("display_name"),
    _small("security_profile"),
    # HMAC-SHA-256 of the credential under the salt, both hexadecimal; empty where it has none.
    _text("credential_salt"),
    _text("credential_digest"),
    # Those that were handed to the station and that it has not used yet, oldest first: "salt:digest salt:digest".
    _text("next_credentials"),
    # Its newest connection; 0 before the first.
    _big("latest_epoch"),
    _text("model"),
    _text("vendor_name"),
    _text("serial_number"),
    _text("firmware_version"),
    _text("iccid"),
    _text("imsi"),
    _text("meter_serial_number"),
    _text("meter_type"),
    _text("charge_box_serial_number"),
    # The boot that the above is from, and the version of it: only a later frame may change it.
    _big("boot_epoch"),
    _big("boot_ordinal"),
    _small("boot_reason"),
    # What it was answered at that boot.
    _small("boot_status"),
    sa.Column("boot_us", sa.BigInteger),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("station_id", name="station_id_unique"),
    # Room for new versions of a row on its own page (heap-only tuples): each connection and boot makes one.
    postgresql_with={"fillfactor": "80"},
)

connection = sa.Table(
    "connection",
    metadata,
    sa.Column("epoch", _Identity, primary_key=True, autoincrement=True),
    sa.Column("tenant_id", _Key, nullable=False),
    sa.Column("station_id", _Key, nullable=False),
    sa.Column("node_id", _Key, nullable=False),
    _text("ocpp_version"),
    _text("remote_address"),
    sa.Column("connect_us", sa.BigInteger, nullable=False),
    sa.Column("disconnect_us", sa.BigInteger),
    sa.Column("close_code", sa.Integer),
    sa.Index(
        "connection_open",
        "node_id",
        postgresql_where=sa.text("disconnect_us IS NULL"),
        sqlite_where=sa.text("disconnect_us IS NULL"),
    ),
    sa.Index(
        "connection_closed",
        "disconnect_us",
        postgresql_where=sa.text("disconnect_us IS NOT NULL"),
        sqlite_where=sa.text("disconnect_us IS NOT NULL"),
    ),
    sqlite_autoincrement=True,  # an epoch is never given twice, even when its row is gone
)

# Apart from `station`, since it changes every few seconds.
sighting = sa.Table(
    "sighting",
    metadata,
    *_station_key(),
    sa.Column("seen_us", sa.BigInteger, nullable=False),
    postgresql_with={"fillfactor": "50"},
)

quirk = sa.Table(
    "quirk",
    metadata,
    *_station_key(),
    sa.Column("name", _Key, primary_key=True),
    _big("count"),
)

# What is wrong with a station. A row whose size is 0 has ended; it stays, so that an older report does not revive it.
condition = sa.Table(
    "condition",
    metadata,
    *_station_key(),
    sa.Column("kind", sa.SmallInteger, primary_key=True, autoincrement=False),
    _big("size"),
    sa.Column("begin_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
)

# The current status of each connector; changed only by a later frame than the one it is from.
connector = sa.Table(
    "connector",
    metadata,
    *_station_key(),
    sa.Column("evse_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("connector_id", sa.Integer, primary_key=True, autoincrement=False),
    _small("status"),
    _text("reported_status"),
    _text("error_code"),
    sa.Column("status_us", sa.BigInteger, nullable=False),
    sa.Column("receive_us", sa.BigInteger, nullable=False),
    _big("epoch"),
    _big("ordinal"),
    # The frame at which the status last became another one.
    _big("changed_epoch"),
    _big("changed_ordinal"),
    postgresql_with={"fillfactor": "70"},
)

status_report = sa.Table(
    "status_report",
    metadata,
    *_station_key(),
    *_frame_key(),
    sa.Column("evse_id", sa.Integer, nullable=False),
    sa.Column("connector_id", sa.Integer, nullable=False),
    _small("status"),
    _text("reported_status"),
    _text("error_code"),
    _text("info"),
    _text("vendor_id"),
    _text("vendor_error_code"),
    sa.Column("status_us", sa.BigInteger),
    sa.Column("receive_us", sa.BigInteger, nullable=False),
    sa.Index("status_report_age", "receive_us"),
)

data_transfer = sa.Table(
    "data_transfer",
    metadata,
    *_station_key(),
    *_frame_key(),
    _text("vendor_id"),
    _text("message_id"),
    _text("data"),
    _small("status"),
    sa.Column("receive_us", sa.BigInteger, nullable=False),
    sa.Index("data_transfer_age", "receive_us"),
)

security_event = sa.Table(
    "security_event",
    metadata,
    *_station_key(),
    *_frame_key(),
    _text("type"),
    _text("tech_info"),
    _small("criticality"),
    sa.Column("event_us", sa.BigInteger),
    sa.Column("receive_us", sa.BigInteger, nullable=False),
    sa.Index("security_event_age", "receive_us"),
)

# What a station does over some time, asked to or not: a firmware update, an upload of a log. Times that the request
# gave have columns of their own; `epoch` and `ordinal` are of the latest frame that changed it.
task = sa.Table(
    "task",
    metadata,
    *_station_key(),
    sa.Column("kind", _Key, primary_key=True),
    sa.Column("task_id", sa.Integer, primary_key=True, autoincrement=False),
    _small("state"),
    _small("status"),
    _text("reported_status"),
    _small("answer"),
    _text("failure_reason"),
    sa.Column("station_made", sa.Boolean, nullable=False),
    _text("request_id"),
    _text("username"),
    _text("location"),
    _text("file_name"),
    _small("log_type"),
    sa.Column("is_signed", sa.Boolean, nullable=False),
    sa.Column("retrieve_us", sa.BigInteger),
    sa.Column("install_us", sa.BigInteger),
    sa.Column("oldest_us", sa.BigInteger),
    sa.Column("latest_us", sa.BigInteger),
    sa.Column("retries", sa.Integer),
    sa.Column("retry_interval_s", sa.Integer),
    _text("previous_version"),
    _text("installed_version"),
    _big("epoch"),
    _big("ordinal"),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    sa.Column("end_us", sa.BigInteger),
    # When whoever sent the command has given up at the latest: unanswered beyond this, it will stay so.
    _big("deadline_us"),
    sa.Index("task_age", "create_us"),
    sa.Index("task_list", "tenant_id", "kind", "create_us"),
)

# What stations reported of their tasks.
task_report = sa.Table(
    "task_report",
    metadata,
    *_station_key(),
    *_frame_key(),
    sa.Column("kind", _Key, nullable=False),
    sa.Column("task_id", sa.Integer, nullable=False),
    _small("status"),
    _text("reported_status"),
    sa.Column("named_id", sa.Integer),
    sa.Column("receive_us", sa.BigInteger, nullable=False),
    sa.Index("task_report_age", "receive_us"),
)

# What stations asked the certificate authority for. `csr` and `chain` are emptied when nobody needs them any more.
certificate_request = sa.Table(
    "certificate_request",
    metadata,
    *_station_key(),
    *_frame_key(),
    _small("certificate_type"),
    _text("csr_sha256"),
    _text("csr"),
    _text("chain"),
    _small("state"),
    _text("reason"),
    _text("serial_number"),
    sa.Column("expire_us", sa.BigInteger),
    sa.Column("receive_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    sa.Index("certificate_request_age", "receive_us"),
)

# The columns of the key stand in the order of lists.
installed_certificate = sa.Table(
    "installed_certificate",
    metadata,
    *_station_key(),
    sa.Column("certificate_type", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("hash_algorithm", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("issuer_name_hash", _Key, primary_key=True),
    sa.Column("issuer_key_hash", _Key, primary_key=True),
    sa.Column("serial_number", _Key, primary_key=True),
    sa.Column("update_us", sa.BigInteger, nullable=False),
)

# The message log.
message = sa.Table(
    "message",
    metadata,
    *_station_key(),
    *_frame_key(),
    _small("direction"),
    _small("message_type"),
    _text("message_id"),
    _text("action"),
    _text("payload"),
    sa.Column("message_us", sa.BigInteger, nullable=False),
    sa.Index("message_age", "message_us"),
)

# The columns of the key stand in the order of lists. EVSE 0, connector 0: the station as a whole.
variable = sa.Table(
    "variable",
    metadata,
    *_station_key(),
    sa.Column("component", _Key, primary_key=True),
    sa.Column("variable", _Key, primary_key=True),
    sa.Column("component_instance", _Key, primary_key=True),
    sa.Column("evse_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("connector_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("variable_instance", _Key, primary_key=True),
    sa.Column("attribute_type", _Key, primary_key=True),
    _text("value"),
    sa.Column("readonly", sa.Boolean),
    sa.Column("update_us", sa.BigInteger, nullable=False),
)

# Every command to a station, and what came of it. The request itself is not kept, since it may hold secrets; `digest`
# (HMAC-SHA-256 under the salt) tells whether another one is the same.
command = sa.Table(
    "command",
    metadata,
    sa.Column("tenant_id", _Key, primary_key=True),
    sa.Column("command_id", _Key, primary_key=True),
    sa.Column("request_id", _Key),  # the caller's; NULL where it gave none
    sa.Column("station_id", _Key, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("username", sa.Text, nullable=False),
    sa.Column("salt", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    _big("epoch"),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    # When whoever sent it has given up at the latest: unfinished beyond this, its outcome will stay unknown.
    sa.Column("deadline_us", sa.BigInteger, nullable=False),
    sa.Column("finish_us", sa.BigInteger),
    # The answer, or the google.rpc.Status of the error, serialized; both NULL while it is under way.
    sa.Column("answer", sa.LargeBinary),
    sa.Column("error", sa.LargeBinary),
    sa.Index("command_request", "tenant_id", "request_id", unique=True),
    sa.Index("command_station", "tenant_id", "station_id", "create_us"),
    sa.Index("command_age", "create_us"),
)

# What is to be done with stations in the background (jobs.py). `state`: see job_rows.JobState. `run_us`: when it is
# looked at next; of one that runs, the end of its owner's lease.
job = sa.Table(
    "job",
    metadata,
    sa.Column("tenant_id", _Key, primary_key=True),
    sa.Column("job_id", _Key, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("station_id", _Key, nullable=False),
    sa.Column("username", sa.Text, nullable=False),
    sa.Column("slot", _Key),  # NULL where it has none, or is over
    sa.Column("payload", sa.LargeBinary, nullable=False),
    _small("state"),
    sa.Column("run_us", sa.BigInteger, nullable=False),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("expire_us", sa.BigInteger, nullable=False),
    sa.Column("finish_us", sa.BigInteger),
    _text("owner"),
    sa.Column("attempt", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("failures", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("takeovers", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("turn", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("cancelling", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("error", sa.LargeBinary),  # google.rpc.Status of the last failure, serialized
    sa.Index("job_slot", "tenant_id", "slot", unique=True),
    sa.Index(
        "job_due",
        "run_us",
        postgresql_where=sa.text("state IN (1, 3)"),
        sqlite_where=sa.text("state IN (1, 3)"),
    ),
    sa.Index(
        "job_parked",
        "tenant_id",
        "station_id",
        postgresql_where=sa.text("state = 2"),
        sqlite_where=sa.text("state = 2"),
    ),
    sa.Index(
        "job_age",
        "finish_us",
        postgresql_where=sa.text("finish_us IS NOT NULL"),
        sqlite_where=sa.text("finish_us IS NOT NULL"),
    ),
)

# What is known of a station's local authorization list (local_list_store.py).
local_list = sa.Table(
    "local_list",
    metadata,
    *_station_key(),
    sa.Column("version", sa.Integer),  # as it last said or took; NULL where that is not known
    # What it holds in this version, packed by local_list.py; in any other it is not known.
    sa.Column("entries_version", sa.Integer),
    sa.Column("entries", sa.LargeBinary, nullable=False, server_default=sa.text("''")),
    sa.Column("entry_count", sa.Integer, nullable=False, server_default=sa.text("0")),
    _small("sync_state"),
    _text("request_id"),
    sa.Column("request_us", sa.BigInteger),
    sa.Column("plan_us", sa.BigInteger),  # request_us of the request that the present plan is for
    sa.Column("sync_us", sa.BigInteger),
    sa.Column("full", sa.Boolean, nullable=False, server_default=sa.false()),  # all is to be sent anew
    sa.Column("left_out", sa.Text, nullable=False, server_default=sa.text("'[]'")),  # JSON
    sa.Column("error", sa.LargeBinary),  # google.rpc.Status, serialized
)

# The latest number of each kind that a station was given (allocation_store.py).
allocation = sa.Table(
    "allocation",
    metadata,
    *_station_key(),
    sa.Column("kind", _Key, primary_key=True),
    sa.Column("latest", sa.BigInteger, nullable=False),
)

# Charging profiles that were sent to stations: charging_profile_rows.py. `due_us`: when the state changes by itself.
charging_profile = sa.Table(
    "charging_profile",
    metadata,
    *_station_key(),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    _integer("evse_id"),
    _integer("profile_id"),
    _integer("purpose"),
    _integer("stack_level"),
    _text("transaction_id"),
    _small("state"),
    _text("reason_code"),
    sa.Column("valid_to_us", sa.BigInteger),
    sa.Column("doubt_us", sa.BigInteger),
    sa.Column("due_us", sa.BigInteger),
    sa.Column("profile", sa.LargeBinary, nullable=False),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    sa.Index(
        "charging_profile_due",
        "due_us",
        postgresql_where=sa.text("due_us IS NOT NULL"),
        sqlite_where=sa.text("due_us IS NOT NULL"),
    ),
    sa.Index("charging_profile_age", "update_us"),
)

# Reservations: reservation_rows.py.
reservation = sa.Table(
    "reservation",
    metadata,
    *_station_key(),
    sa.Column("reservation_id", sa.BigInteger, primary_key=True, autoincrement=False),
    _integer("evse_id"),
    _text("id_token"),
    _text("id_token_type"),
    _text("group_id_token"),
    _text("group_id_token_type"),
    sa.Column("expire_us", sa.BigInteger, nullable=False),
    _small("state"),
    _small("reserve_status"),
    _text("reason_code"),
    sa.Column("doubt_us", sa.BigInteger),
    sa.Column("due_us", sa.BigInteger),
    sa.Column("use_us", sa.BigInteger),
    _integer("use_evse_id"),
    _text("transaction_id"),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    sa.Index(
        "reservation_due",
        "due_us",
        postgresql_where=sa.text("due_us IS NOT NULL"),
        sqlite_where=sa.text("due_us IS NOT NULL"),
    ),
    sa.Index("reservation_age", "update_us"),
)

# The same work at many stations (rollouts/). States: rollouts/rows.py.
rollout = sa.Table(
    "rollout",
    metadata,
    sa.Column("tenant_id", _Key, primary_key=True),
    sa.Column("rollout_id", _Key, primary_key=True),
    _text("display_name"),
    _text("filter"),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("work", sa.LargeBinary, nullable=False),  # the contract's message of that kind, serialized
    sa.Column("max_parallel", sa.Integer, nullable=False),
    sa.Column("stop_after_failures", sa.Integer, nullable=False),
    sa.Column("start_us", sa.BigInteger, nullable=False),
    sa.Column("expire_us", sa.BigInteger, nullable=False),
    _small("state"),
    _small("stop_reason"),
    sa.Column("username", sa.Text, nullable=False),
    sa.Column("request_id", _Key),  # the caller's; NULL where it gave none
    sa.Column("digest", sa.Text, nullable=False),
    _big("total"),
    _big("running"),
    _big("succeeded"),
    _big("failed"),
    _big("skipped"),
    _big("cancelled"),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    sa.Column("end_us", sa.BigInteger),
    sa.Index("rollout_request", "tenant_id", "request_id", unique=True),
    sa.Index("rollout_list", "tenant_id", "create_us", "rollout_id"),
)

# `queued`: it has a job. `held`: that waits for a place, not for the station.
rollout_target = sa.Table(
    "rollout_target",
    metadata,
    sa.Column("tenant_id", _Key, primary_key=True),
    sa.Column("rollout_id", _Key, primary_key=True),
    sa.Column("station_id", _Key, primary_key=True),
    _small("state"),
    sa.Column("queued", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("held", sa.Boolean, nullable=False, server_default=sa.false()),
    _text("progress"),  # the work's own
    sa.Column("reboot_required", sa.Boolean, nullable=False, server_default=sa.false()),
    _big("firmware_update_id"),
    sa.Column("error", sa.LargeBinary),  # google.rpc.Status, serialized
    sa.Column("start_us", sa.BigInteger),
    sa.Column("end_us", sa.BigInteger),
    sa.Index("rollout_target_state", "tenant_id", "rollout_id", "state", "held", "station_id"),
)

# Stations that were removed while their history is still being removed, up to and with an epoch.
removal = sa.Table(
    "removal",
    metadata,
    *_station_key(),
    _big("through_epoch"),
)

outbox = outbox_table(metadata)
