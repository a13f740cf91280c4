"""The tables of auth_svc. Names are unqualified: the search path picks the service's schema.

Columns that end in `_key` hold a text folded by `texts.fold`, so that equality needs no function; they sort by code
point on both databases. Columns that end in `_us` hold microseconds since 1970 in UTC.
"""

import sqlalchemy as sa

from mesh.outbox import outbox_table

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
    sa.PrimaryKeyConstraint("tenant_id", "token_key", name="id_token_pkey"),
)

# A login names no tenant, so usernames are unique over all of them, as station ids are.
user_account = sa.Table(
    "user_account",
    metadata,
    sa.Column("tenant_id", sa.Text, nullable=False),
    sa.Column("username_key", FOLDED, nullable=False),
    sa.Column("username", sa.Text, nullable=False),  # as it was first written
    sa.Column("role", sa.Integer, nullable=False),  # mesh.operators.Role
    sa.Column("password_hash", sa.Text, nullable=False),  # argon2id, in its own notation
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "username_key", name="user_account_pkey"),
    sa.UniqueConstraint("username_key", name="user_account_username_key"),
)

# A refresh token is two secrets: one that stays with the session, one that each refresh replaces. Of both only the
# SHA-256 is kept, in hexadecimal. Who knows the first without the present second has used a spent token again.
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

# The one table without a tenant: the front door verifies everybody's access tokens with one key set. Two replicas that
# make the next key at the same time pick the same generation, and only one of the two keys is kept.
signing_key = sa.Table(
    "signing_key",
    metadata,
    sa.Column("generation", sa.Integer, nullable=False, autoincrement=False),
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("private_jwk", sa.Text, nullable=False),  # RFC 7517, with the private part
    sa.Column("create_us", sa.BigInteger, nullable=False),
    sa.Column("active_us", sa.BigInteger, nullable=False),  # signs from then on, until a newer one does
    sa.PrimaryKeyConstraint("generation", name="signing_key_pkey"),
    sa.UniqueConstraint("key_id", name="signing_key_key_id"),
)

outbox = outbox_table(metadata)
