"""The tables of stations as they are now, and of what they are connected to."""

import sqlalchemy as sa

from mesh.audit.entries import audit_tables
from mesh.driver_tables import progress_table
from mesh.events.outbox import outbox_table
from mesh.placements.tables import placement_tables
from station_svc.core.columns import Identity, Key, big, metadata, partial_index, small, station_key, text

# One start of a gateway process. Alive until its lease runs out.
node = sa.Table(
    "node",
    metadata,
    sa.Column("node_id", Key, primary_key=True),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("lease_end_us", sa.BigInteger, nullable=False),
)

station = sa.Table(
    "station",
    metadata,
    *station_key(),
    small("registration_status"),
    text("display_name"),
    small("security_profile"),
    # The profile that the station was sent and has not connected with yet; 0: none (features/credentials/security.py).
    small("next_security_profile"),
    # HMAC-SHA-256 of the credential under the salt, both hexadecimal; empty where it has none. For a given password:
    # a word for a salt, and a slow hash (station_svc.core.digests).
    text("credential_salt"),
    text("credential_digest"),
    # Credentials that were delivered to the station and that it has not used yet, oldest first: "salt:digest
    # salt:digest".
    text("next_credentials"),
    # How its first credential fares, HandOver of core/station_rows.py, and why it did not reach the station.
    small("hand_over"),
    text("hand_over_reason"),
    # Handshakes in its name that did not prove who it is: how many, when the last was, and where it came from.
    big("failed_credentials"),
    sa.Column("failed_credential_us", sa.BigInteger),
    text("failed_credential_address"),
    text("failed_credential_reason"),
    # The first handshake of the present run of them, which a day without any ends, and the number before it. NULL: the
    # run is of a build before the column.
    sa.Column("failed_credential_begin_us", sa.BigInteger),
    big("failed_credentials_before"),
    # Its newest connection; 0 before the first.
    big("latest_epoch"),
    text("model"),
    text("vendor_name"),
    text("serial_number"),
    text("firmware_version"),
    text("iccid"),
    text("imsi"),
    text("meter_serial_number"),
    text("meter_type"),
    text("charge_box_serial_number"),
    # The boot that the above is from, and the version of it: only a later frame may change it.
    big("boot_epoch"),
    big("boot_ordinal"),
    small("boot_reason"),
    # What it was answered at that boot.
    small("boot_status"),
    # The only version that is spoken with it; empty: any that it offers.
    text("pinned_ocpp_version"),
    # Its serial number by an operator's word, and the one that it reported first while it was accepted: the names that
    # it may have in certificates beside its identity (core/serial_numbers.py).
    text("expected_serial_number"),
    text("confirmed_serial_number"),
    # A certificate that was signed here before this proves the station no more (core/own_certificates.py).
    big("certificates_from_us"),
    sa.Column("boot_us", sa.BigInteger),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    # Room for new versions of a row on its own page (heap-only tuples): each connection and boot makes one.
    postgresql_with={"fillfactor": "80"},
)

station_connection = sa.Table(
    "connection",
    metadata,
    sa.Column("epoch", Identity, primary_key=True, autoincrement=True),
    sa.Column("tenant_id", Key, nullable=False),
    sa.Column("station_id", Key, nullable=False),
    sa.Column("node_id", Key, nullable=False),
    text("ocpp_version"),
    text("remote_address"),
    sa.Column("connect_us", sa.BigInteger, nullable=False),
    sa.Column("disconnect_us", sa.BigInteger),
    sa.Column("close_code", sa.Integer),
    text("opening_id"),  # the gateway's name for the handshake
    # Its TLS, a number of core.station_rows.TlsEnd, and the certificate that the station showed; all empty without.
    small("tls"),
    text("tls_version"),
    text("cipher_suite"),
    text("certificate_common_name"),
    text("certificate_serial_number"),
    text("certificate_fingerprint"),
    text("certificate_issuer"),
    sa.Column("certificate_expire_us", sa.BigInteger),
    sa.Column("certificate_issue_us", sa.BigInteger),  # when auth_svc signed it; NULL: another party's authority did
    partial_index("connection_opening", "opening_id", where="disconnect_us IS NULL AND opening_id <> ''"),
    partial_index("connection_open", "node_id", where="disconnect_us IS NULL"),
    partial_index("connection_closed", "disconnect_us", where="disconnect_us IS NOT NULL"),
    sqlite_autoincrement=True,  # an epoch is never given twice, even when its row was removed
)

# Apart from `station`, since it changes every few seconds.
sighting = sa.Table(
    "sighting",
    metadata,
    *station_key(),
    sa.Column("seen_us", sa.BigInteger, nullable=False),
    postgresql_with={"fillfactor": "50"},
)

quirk = sa.Table(
    "quirk",
    metadata,
    *station_key(),
    sa.Column("name", Key, primary_key=True),
    big("count"),
)

# What is wrong with a station. A row whose size is 0 has ended; it stays, so that an older report does not revive it.
condition = sa.Table(
    "condition",
    metadata,
    *station_key(),
    sa.Column("kind", sa.SmallInteger, primary_key=True, autoincrement=False),
    big("size"),
    sa.Column("begin_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    text("reason"),
)

# The current status of each connector; changed only by a later frame than the one it is from.
connector = sa.Table(
    "connector",
    metadata,
    *station_key(),
    sa.Column("evse_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("connector_id", sa.Integer, primary_key=True, autoincrement=False),
    small("status"),
    text("reported_status"),
    text("error_code"),
    sa.Column("status_us", sa.BigInteger, nullable=False),
    sa.Column("receive_us", sa.BigInteger, nullable=False),
    big("epoch"),
    big("ordinal"),
    # The frame at which the status last became another one.
    big("changed_epoch"),
    big("changed_ordinal"),
    postgresql_with={"fillfactor": "70"},
)

# The columns of the key are in the order of lists. EVSE 0, connector 0: the station as a whole.
variable = sa.Table(
    "variable",
    metadata,
    *station_key(),
    sa.Column("component", Key, primary_key=True),
    sa.Column("variable", Key, primary_key=True),
    sa.Column("component_instance", Key, primary_key=True),
    sa.Column("evse_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("connector_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("variable_instance", Key, primary_key=True),
    sa.Column("attribute_type", Key, primary_key=True),
    text("value"),
    sa.Column("readonly", sa.Boolean),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    # As a report of 2.x states them. The characteristics are those of the variable, and the same in each of its
    # attributes; a data type of 0: none were reported.
    small("mutability"),
    sa.Column("persistent", sa.Boolean),
    sa.Column("constant", sa.Boolean),
    text("unit"),
    small("data_type"),
    sa.Column("min_limit", sa.Double),
    sa.Column("max_limit", sa.Double),
    text("values_list"),
    sa.Column("supports_monitoring", sa.Boolean),
    # When it was last set to a value that takes effect after a restart.
    sa.Column("reboot_us", sa.BigInteger),
    # The value that it was last set to from here, which the station accepted; NULL: it never was.
    sa.Column("wished_value", sa.Text),
    partial_index("variable_wished", "tenant_id", "station_id", where="wished_value IS NOT NULL"),
)

# Each time that a variable's value became another one.
variable_change = sa.Table(
    "variable_change",
    metadata,
    *station_key(),
    sa.Column("change_us", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("component", Key, primary_key=True),
    sa.Column("variable", Key, primary_key=True),
    sa.Column("component_instance", Key, primary_key=True),
    sa.Column("evse_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("connector_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("variable_instance", Key, primary_key=True),
    sa.Column("attribute_type", Key, primary_key=True),
    text("former_value"),
    text("value"),
    sa.Index("variable_change_age", "change_us"),
)

# Stations that were removed while their history is still being removed, up to and with an epoch.
removal = sa.Table(
    "removal",
    metadata,
    *station_key(),
    big("through_epoch"),
)

# The latest number of each kind that a station was given (allocation_store.py).
allocation = sa.Table(
    "allocation",
    metadata,
    *station_key(),
    sa.Column("kind", Key, primary_key=True),
    sa.Column("latest", sa.BigInteger, nullable=False),
)

# Where stations stand (placement_store.py), with their own labels as JSON. A row outlives its station, so that the
# services that have a copy remove theirs.
PLACEMENTS = placement_tables(metadata, text("labels"))
station_placement, station_group = PLACEMENTS.placement, PLACEMENTS.group

# One row: the version of the latest change of a placement. Each transaction that changes placements holds it until it
# ends, so that versions are committed in their order.
placement_version = sa.Table(
    "placement_version",
    metadata,
    sa.Column("number", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("version", sa.BigInteger, nullable=False),
)

# The sites that a station has stood in; `end_us` is NULL in the row of the present one.
placement_history = sa.Table(
    "placement_history",
    metadata,
    *station_key(),
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("site_id", Key, nullable=False),
    sa.Column("begin_us", sa.BigInteger, nullable=False),
    sa.Column("end_us", sa.BigInteger),
    text("username"),
)

site = sa.Table(
    "site",
    metadata,
    sa.Column("tenant_id", Key, primary_key=True),
    sa.Column("site_id", Key, primary_key=True),
    sa.Column("parent_site_id", Key, nullable=False),  # empty: none
    # Ids from the outermost site down to this one, each between slashes: a subtree is a range of paths.
    sa.Column("path", Key, nullable=False),
    text("kind"),
    text("display_name"),
    text("time_zone"),
    sa.Column("latitude", sa.Double),
    sa.Column("longitude", sa.Double),
    # The contract's messages as JSON, which nothing here looks into; empty where there is none.
    text("address"),
    text("contact"),
    text("opening_periods"),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    sa.Index("site_path", "tenant_id", "path", unique=True),
    sa.Index("site_parent", "tenant_id", "parent_site_id"),
)

site_label = sa.Table(
    "site_label",
    metadata,
    sa.Column("tenant_id", Key, primary_key=True),
    sa.Column("site_id", Key, primary_key=True),
    sa.Column("label", Key, primary_key=True),
    sa.Column("value", Key, nullable=False),
    sa.Index("site_label_value", "tenant_id", "label", "value"),
)

driver_erasure_progress = progress_table(metadata)
outbox = outbox_table(metadata)
audit_entry, audit_head = audit_tables(metadata)
