"""Id tokens, users, sessions, signing keys, outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_FOLDED = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "id_token",
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("token_key", _FOLDED, nullable=False),
        sa.Column("id_token", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("expire_us", sa.BigInteger),
        sa.Column("group_id_token", sa.Text, nullable=False),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("create_us", sa.BigInteger, nullable=False),
        sa.Column("update_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "token_key", name="id_token_pkey"),
    )
    op.create_table(
        "user_account",
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("username_key", _FOLDED, nullable=False),
        sa.Column("username", sa.Text, nullable=False),
        sa.Column("role", sa.Integer, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("create_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "username_key", name="user_account_pkey"),
        sa.UniqueConstraint("username_key", name="user_account_username_key"),
    )
    _create_session()
    op.create_table(
        "signing_key",
        sa.Column("generation", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("private_jwk", sa.Text, nullable=False),
        sa.Column("create_us", sa.BigInteger, nullable=False),
        sa.Column("active_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("generation", name="signing_key_pkey"),
        sa.UniqueConstraint("key_id", name="signing_key_key_id"),
    )
    _create_outbox()


def _create_session() -> None:
    op.create_table(
        "session",
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("username_key", _FOLDED, nullable=False),
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
    )
    op.create_index("session_by_user", "session", ["tenant_id", "username_key"])
    op.create_index("session_by_expiry", "session", ["expire_us"])


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column(
            "outbox_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("event_id", sa.Text, nullable=False, unique=True),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("station_id", sa.Text, nullable=False),
        sa.Column("event_time_us", sa.BigInteger, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("published_us", sa.BigInteger),
    )
    op.create_index(
        "outbox_unpublished",
        "outbox",
        ["outbox_id"],
        postgresql_where=sa.text("published_us IS NULL"),
        sqlite_where=sa.text("published_us IS NULL"),
    )


def downgrade() -> None:
    for table in ("outbox", "signing_key", "session", "user_account", "id_token"):
        op.drop_table(table)
