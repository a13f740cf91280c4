"""Roles of a tenant, API keys, invitations, temporary passwords, and the changes of what callers may do."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_FOLDED = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")
_EMPTY = sa.text("''")


def upgrade() -> None:
    op.add_column("user_account", sa.Column("password_expire_us", sa.BigInteger))
    for name in ("user_agent", "address"):
        op.add_column("session", sa.Column(name, sa.Text, nullable=False, server_default=_EMPTY))
    _create_roles()
    _create_keys()
    _create_changes()


def _create_roles() -> None:
    op.create_table(
        "role",
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("role_id", _FOLDED, nullable=False),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("permissions", sa.Text, nullable=False),
        sa.Column("create_us", sa.BigInteger, nullable=False),
        sa.Column("update_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "role_id", name="role_pkey"),
    )
    op.create_table(
        "role_assignment",
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("subject", _FOLDED, nullable=False),
        sa.Column("role_id", _FOLDED, nullable=False),
        sa.Column("site_id", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "subject", "role_id", "site_id", name="role_assignment_pkey"),
    )
    op.create_index("role_assignment_by_role", "role_assignment", ["tenant_id", "role_id"])


def _create_keys() -> None:
    op.create_table(
        "api_key",
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("prefix", _FOLDED, nullable=False),
        sa.Column("secret_hash", sa.Text, nullable=False),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("permissions", sa.Text, nullable=False),
        sa.Column("site_id", sa.Text, nullable=False),
        sa.Column("creator", sa.Text, nullable=False),
        sa.Column("create_us", sa.BigInteger, nullable=False),
        sa.Column("expire_us", sa.BigInteger),
        sa.Column("last_use_us", sa.BigInteger),
        sa.PrimaryKeyConstraint("tenant_id", "prefix", name="api_key_pkey"),
        sa.UniqueConstraint("prefix", name="api_key_prefix"),
    )
    op.create_table(
        "invitation",
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("invitation_id", _FOLDED, nullable=False),
        sa.Column("secret_hash", sa.Text, nullable=False),
        sa.Column("username", sa.Text, nullable=False),
        sa.Column("role", sa.Integer, nullable=False),
        sa.Column("inviter", sa.Text, nullable=False),
        sa.Column("create_us", sa.BigInteger, nullable=False),
        sa.Column("expire_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "invitation_id", name="invitation_pkey"),
        sa.UniqueConstraint("invitation_id", name="invitation_invitation_id"),
    )
    op.create_index("invitation_by_end", "invitation", ["expire_us"])


def _create_changes() -> None:
    version = op.create_table(
        "caller_version",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="caller_version_pkey"),
    )
    op.bulk_insert(version, [{"id": 1, "version": 1}])
    op.create_table(
        "caller_change",
        sa.Column("version", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("change_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("version", name="caller_change_pkey"),
    )


def downgrade() -> None:
    for name in ("caller_change", "caller_version", "invitation", "api_key", "role_assignment", "role"):
        op.drop_table(name)
    for table, column in (("session", "address"), ("session", "user_agent"), ("user_account", "password_expire_us")):
        op.drop_column(table, column)
