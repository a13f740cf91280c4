"""The tables of auth_svc. Names are unqualified: the search path picks the service's schema.

Columns that end in `_key` hold a text folded by `normalization.fold`, so that equality needs no function; they sort by
code point on both databases. Columns that end in `_us` hold microseconds since 1970 in UTC.
"""

import sqlalchemy as sa

from mesh.audit.entries import audit_tables
from mesh.driver_tables import progress_table
from mesh.events.outbox import outbox_table

metadata = sa.MetaData()

FOLDED = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")

id_token = sa.Table(
    "id_token",
    metadata,
    sa.Column("tenant_id", sa.Text, nullable=False),
    sa.Column("token_key", FOLDED, nullable=False),
    sa.Column("id_token", sa.Text, nullable=False),  # as the operator wrote it
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("expire_us", sa.BigInteger),
    sa.Column("group_id_token", sa.Text, nullable=False),
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    sa.Column("max_concurrent_transactions", sa.Integer),  # 0: any number; NULL: the value of the setting
    # mesh.contract.id_tokens.match_key of the token. NULL where a build before this column wrote the row and
    # housekeeping has not adopted it yet, and in rows that are kept beside another only for such builds (merged_into).
    sa.Column("match_key", FOLDED),
    # Of a form that was stored beside another form of the same token: that one's token_key; else empty.
    sa.Column("merged_into", FOLDED, nullable=False, server_default=sa.text("''")),
    sa.Column("merged_status", sa.Text, nullable=False, server_default=sa.text("''")),  # that it had until then
    # How readers write it, where that is not id_token, and when that was noticed.
    sa.Column("reader_id_token", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("reader_us", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    # For the driver at the station's display: a language tag (RFC 5646), and a text. Empty: none.
    sa.Column("language", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("personal_message", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.PrimaryKeyConstraint("tenant_id", "token_key", name="id_token_pkey"),
    sa.Index("id_token_by_match", "tenant_id", "match_key", unique=True),
)

# Tokens that stations requested and that are not in `id_token`: station and time of the latest request.
seen_token = sa.Table(
    "seen_token",
    metadata,
    sa.Column("tenant_id", sa.Text, nullable=False),
    sa.Column("token_key", FOLDED, nullable=False),
    sa.Column("id_token", sa.Text, nullable=False),  # as the station sent it last
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("station_id", sa.Text, nullable=False),
    sa.Column("evse_id", sa.Integer, nullable=False),  # 0 where the station did not report it
    sa.Column("connector_id", sa.Integer, nullable=False),
    sa.Column("first_us", sa.BigInteger, nullable=False),
    sa.Column("last_us", sa.BigInteger, nullable=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "token_key", name="seen_token_pkey"),
    sa.Index("seen_token_newest", "tenant_id", "last_us"),
)

# Those that were removed stay, so that no other tenant gets the id. Values of quotas and settings are 0 where they are
# not set; enumerations have the numbers of csms.auth.v1.
tenant = sa.Table(
    "tenant",
    metadata,
    sa.Column("tenant_id", FOLDED, nullable=False),
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("state", sa.Integer, nullable=False),  # mesh.identity.tenants.TenantState
    sa.Column("host_name", FOLDED, nullable=False),  # in lower case; empty: none
    sa.Column("max_stations", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("max_messages_per_second", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("max_storage_days", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("max_stored_rows", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("onboarding", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("unknown_id_tokens", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("message_log_days", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("event_days", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", name="tenant_pkey"),
    sa.Index(
        "tenant_host_name",
        "host_name",
        unique=True,
        postgresql_where=sa.text("host_name <> ''"),
        sqlite_where=sa.text("host_name <> ''"),
    ),
)

# How far each service is with the erasure of a tenant.
tenant_erasure = sa.Table(
    "tenant_erasure",
    metadata,
    sa.Column("tenant_id", FOLDED, nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("erased_rows", sa.BigInteger, nullable=False),
    sa.Column("finish_us", sa.BigInteger),  # NULL until nothing was left
    sa.PrimaryKeyConstraint("tenant_id", "service", name="tenant_erasure_pkey"),
)

# Erasures of drivers. Id tokens and pseudonym are there while it runs, and nowhere after it.
driver_erasure = sa.Table(
    "driver_erasure",
    metadata,
    sa.Column("tenant_id", sa.Text, nullable=False),
    sa.Column("erasure_id", FOLDED, nullable=False),
    sa.Column("id_tokens", sa.Text, nullable=False),  # JSON: the token, and its group where it is of this driver alone
    sa.Column("pseudonym", sa.Text, nullable=False),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("finish_us", sa.BigInteger),  # NULL while it runs
    sa.PrimaryKeyConstraint("tenant_id", "erasure_id", name="driver_erasure_pkey"),
    sa.Index("driver_erasure_newest", "tenant_id", "create_us", "erasure_id"),
    sa.Index(
        "driver_erasure_running",
        "create_us",
        postgresql_where=sa.text("finish_us IS NULL"),
        sqlite_where=sa.text("finish_us IS NULL"),
    ),
)

# The work of each service on them.
driver_erasure_report = sa.Table(
    "driver_erasure_report",
    metadata,
    sa.Column("tenant_id", sa.Text, nullable=False),
    sa.Column("erasure_id", FOLDED, nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("removed_rows", sa.BigInteger, nullable=False),
    sa.Column("changed_rows", sa.BigInteger, nullable=False),
    sa.Column("waiting_rows", sa.BigInteger, nullable=False),
    sa.Column("finish_us", sa.BigInteger),
    sa.PrimaryKeyConstraint("tenant_id", "erasure_id", "service", name="driver_erasure_report_pkey"),
)

driver_erasure_progress = progress_table(metadata)

user_account = sa.Table(
    "user_account",
    metadata,
    sa.Column("tenant_id", sa.Text, nullable=False),
    sa.Column("username_key", FOLDED, nullable=False),
    sa.Column("username", sa.Text, nullable=False),  # as it was first written
    # mesh.identity.callers.Role: the built-in role in the whole tenant; 0 for none. All other roles: role_assignment.
    sa.Column("role", sa.Integer, nullable=False),
    sa.Column("password_hash", sa.Text, nullable=False),  # argon2id, in its own notation
    sa.Column("create_us", sa.BigInteger, nullable=False),
    # The same for names that look alike (usernames.skeleton); empty where it is not known yet, or another had it first.
    sa.Column("username_skeleton", FOLDED, nullable=False, server_default=sa.text("''")),
    sa.Column("password_expire_us", sa.BigInteger),  # of a temporary password; NULL: the user's own
    sa.PrimaryKeyConstraint("tenant_id", "username_key", name="user_account_pkey"),
    sa.Index(
        "user_account_look",
        "tenant_id",
        "username_skeleton",
        unique=True,
        postgresql_where=sa.text("username_skeleton <> ''"),
        sqlite_where=sa.text("username_skeleton <> ''"),
    ),
)

# A refresh token is two secrets: one that stays with the session, one that each refresh replaces. Of both only the
# SHA-256 is kept, in hexadecimal. A caller with the first secret but not the present second one has used a spent token
# again; or, where the present one replaced it a moment ago, has refreshed at the same time as another caller.
session = sa.Table(
    "session",
    metadata,
    sa.Column("tenant_id", sa.Text, nullable=False),
    sa.Column("session_id", sa.Text, nullable=False),
    sa.Column("username_key", FOLDED, nullable=False),
    sa.Column("family_hash", sa.Text, nullable=False),
    sa.Column("secret_hash", sa.Text, nullable=False),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("refresh_us", sa.BigInteger, nullable=False),
    sa.Column("expire_us", sa.BigInteger, nullable=False),
    sa.Column("previous_hash", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("user_agent", sa.Text, nullable=False, server_default=sa.text("''")),  # of the login, as it calls itself
    sa.Column("address", sa.Text, nullable=False, server_default=sa.text("''")),  # of the login; empty: not known
    sa.PrimaryKeyConstraint("tenant_id", "session_id", name="session_pkey"),
    sa.UniqueConstraint("family_hash", name="session_family_hash"),
    sa.ForeignKeyConstraint(
        ["tenant_id", "username_key"],
        ["user_account.tenant_id", "user_account.username_key"],
        name="session_user",
        ondelete="CASCADE",
    ),
    sa.Index("session_by_user", "tenant_id", "username_key"),
    sa.Index("session_by_expiry", "expire_us"),
)

# Roles that a tenant has made. The built-in ones are in the code.
role = sa.Table(
    "role",
    metadata,
    sa.Column("tenant_id", sa.Text, nullable=False),
    sa.Column("role_id", FOLDED, nullable=False),
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("permissions", sa.Text, nullable=False),  # names without PERMISSION_, by blanks
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("update_us", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "role_id", name="role_pkey"),
)

# A role that somebody has in a part of the tenant, or one that the tenant has made.
role_assignment = sa.Table(
    "role_assignment",
    metadata,
    sa.Column("tenant_id", sa.Text, nullable=False),
    sa.Column("subject", FOLDED, nullable=False),  # user:<username_key>, key:<prefix>, invitation:<invitation_id>
    sa.Column("role_id", FOLDED, nullable=False),
    sa.Column("site_id", sa.Text, nullable=False),  # empty: the whole tenant
    sa.PrimaryKeyConstraint("tenant_id", "subject", "role_id", "site_id", name="role_assignment_pkey"),
    sa.Index("role_assignment_by_role", "tenant_id", "role_id"),
)

# The prefix alone finds a key, so it is unique over all tenants. Of the key itself only the SHA-256 is kept: it has 256
# random bits.
api_key = sa.Table(
    "api_key",
    metadata,
    sa.Column("tenant_id", sa.Text, nullable=False),
    sa.Column("prefix", FOLDED, nullable=False),
    sa.Column("secret_hash", sa.Text, nullable=False),
    sa.Column("display_name", sa.Text, nullable=False),
    sa.Column("permissions", sa.Text, nullable=False),  # of its own, as in `role`
    sa.Column("site_id", sa.Text, nullable=False),  # of these permissions; empty: the whole tenant
    sa.Column("creator", sa.Text, nullable=False),  # user:<name> or key:<prefix>
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("expire_us", sa.BigInteger),
    sa.Column("last_use_us", sa.BigInteger),
    sa.PrimaryKeyConstraint("tenant_id", "prefix", name="api_key_pkey"),
    sa.UniqueConstraint("prefix", name="api_key_prefix"),
)

# A user to be. Other roles than the built-in one: role_assignment.
invitation = sa.Table(
    "invitation",
    metadata,
    sa.Column("tenant_id", sa.Text, nullable=False),
    sa.Column("invitation_id", FOLDED, nullable=False),
    sa.Column("secret_hash", sa.Text, nullable=False),  # SHA-256 of its token, in hexadecimal
    sa.Column("username", sa.Text, nullable=False),
    sa.Column("role", sa.Integer, nullable=False),  # as in user_account
    sa.Column("inviter", sa.Text, nullable=False),  # user:<name> or key:<prefix>
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("expire_us", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "invitation_id", name="invitation_pkey"),
    sa.UniqueConstraint("invitation_id", name="invitation_invitation_id"),
    sa.Index("invitation_by_end", "expire_us"),
)

# The number of the latest row of `caller_change`. Its one row is locked until a change is committed, so that changes
# become visible in their order.
caller_version = sa.Table(
    "caller_version",
    metadata,
    sa.Column("id", sa.Integer, nullable=False, autoincrement=False),  # 1
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("id", name="caller_version_pkey"),
)

# Changes of what callers may do, for the services that remember it. Kept for an hour.
caller_change = sa.Table(
    "caller_change",
    metadata,
    sa.Column("version", sa.BigInteger, nullable=False, autoincrement=False),
    sa.Column("tenant_id", sa.Text, nullable=False),  # empty: each of them
    sa.Column("subject", sa.Text, nullable=False),  # csms.auth.v1.CallerChange
    sa.Column("change_us", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("version", name="caller_change_pkey"),
)

# Networks (mesh.identity.sources) from which users have logged in: a login from there passes while others are delayed.
known_source = sa.Table(
    "known_source",
    metadata,
    sa.Column("tenant_id", sa.Text, nullable=False),
    sa.Column("username_key", FOLDED, nullable=False),
    sa.Column("network", sa.Text, nullable=False),
    sa.Column("first_us", sa.BigInteger, nullable=False),
    sa.Column("last_us", sa.BigInteger, nullable=False),  # to the day: it is not written with each login
    sa.PrimaryKeyConstraint("tenant_id", "username_key", "network", name="known_source_pkey"),
    sa.ForeignKeyConstraint(
        ["tenant_id", "username_key"],
        ["user_account.tenant_id", "user_account.username_key"],
        name="known_source_user",
        ondelete="CASCADE",
    ),
    sa.Index("known_source_by_time", "last_us"),
)

# The one table without a tenant: the front door verifies everybody's access tokens with one key set. Two replicas that
# make the next key at the same time pick the same generation, and only one of the two keys is kept.
signing_key = sa.Table(
    "signing_key",
    metadata,
    sa.Column("generation", sa.Integer, nullable=False, autoincrement=False),
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("private_jwk", sa.Text, nullable=False),  # RFC 7517, with the private part; encrypted likewise
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("active_us", sa.BigInteger, nullable=False),  # signs from then on, until a newer one does
    sa.PrimaryKeyConstraint("generation", name="signing_key_pkey"),
    sa.UniqueConstraint("key_id", name="signing_key_key_id"),
)

# Like the signing keys without a tenant: one root for all stations, trusted by the end of their TLS connections. Unused
# if an operator configures another authority.
certificate_authority = sa.Table(
    "certificate_authority",
    metadata,
    sa.Column("generation", sa.Integer, nullable=False, autoincrement=False),
    sa.Column("certificate", sa.Text, nullable=False),  # PEM
    sa.Column("private_key", sa.Text, nullable=False),  # PEM, PKCS#8; encrypted where there is a key for it
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("expire_us", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("generation", name="certificate_authority_pkey"),
)

# The same signing request is signed once, and once more when it is time to renew: `issue` counts.
issued_certificate = sa.Table(
    "issued_certificate",
    metadata,
    sa.Column("tenant_id", sa.Text, nullable=False),
    sa.Column("serial_number", FOLDED, nullable=False),  # hexadecimal, in capitals
    sa.Column("station_id", sa.Text, nullable=False),
    sa.Column("csr_digest", sa.Text, nullable=False),  # SHA-256 of the request (DER), hexadecimal
    sa.Column("issue", sa.Integer, nullable=False),
    sa.Column("certificate_type", sa.Integer, nullable=False),  # csms.common.v1.CertificateSigningUse
    sa.Column("common_name", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("issuer", sa.Text, nullable=False),
    sa.Column("sha256_fingerprint", sa.Text, nullable=False),
    sa.Column("authority_fingerprint", sa.Text, nullable=False),
    sa.Column("certificate", sa.Text, nullable=False),  # PEM
    sa.Column("start_us", sa.BigInteger, nullable=False),
    sa.Column("expire_us", sa.BigInteger, nullable=False),
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("revoke_us", sa.BigInteger),
    sa.Column("revoke_reason", sa.Integer, nullable=False, server_default=sa.text("0")),  # RFC 5280, 5.3.1
    sa.PrimaryKeyConstraint("tenant_id", "serial_number", name="issued_certificate_pkey"),
    sa.UniqueConstraint("tenant_id", "station_id", "csr_digest", "issue", name="issued_certificate_request"),
    sa.Index("issued_certificate_by_time", "tenant_id", "create_us", "serial_number"),
    sa.Index("issued_certificate_by_end", "expire_us"),
    sa.Index("issued_certificate_by_fingerprint", "sha256_fingerprint"),
    sa.Index(
        "issued_certificate_revoked",
        "revoke_us",
        postgresql_where=sa.text("revoke_us IS NOT NULL"),
        sqlite_where=sa.text("revoke_us IS NOT NULL"),
    ),
)

outbox = outbox_table(metadata)
audit_entry, audit_head = audit_tables(metadata)
