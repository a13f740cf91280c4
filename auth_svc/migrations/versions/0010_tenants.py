"""Tenants; names of users are unique in their tenant."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_FOLDED = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")
_KNOWN, _NAMED = sa.text("username_skeleton <> ''"), sa.text("host_name <> ''")


def upgrade() -> None:
    op.create_table(
        "tenant",
        sa.Column("tenant_id", _FOLDED, nullable=False),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("state", sa.Integer, nullable=False),
        sa.Column("host_name", _FOLDED, nullable=False),
        *map(_number, ("max_stations", "max_messages_per_second", "max_storage_days")),
        *map(_number, ("onboarding", "unknown_id_tokens", "message_log_days", "event_days")),
        sa.Column("create_us", sa.BigInteger, nullable=False),
        sa.Column("update_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="tenant_pkey"),
    )
    op.create_index(
        "tenant_host_name", "tenant", ["host_name"], unique=True, postgresql_where=_NAMED, sqlite_where=_NAMED
    )
    op.create_table(
        "tenant_erasure",
        sa.Column("tenant_id", _FOLDED, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("erased_rows", sa.BigInteger, nullable=False),
        sa.Column("finish_us", sa.BigInteger),
        sa.PrimaryKeyConstraint("tenant_id", "service", name="tenant_erasure_pkey"),
    )
    with _kept_references(), op.batch_alter_table("user_account") as table:
        table.drop_constraint("user_account_username_key", type_="unique")
    op.drop_index("user_account_skeleton", "user_account")
    op.create_index(
        "user_account_look",
        "user_account",
        ["tenant_id", "username_skeleton"],
        unique=True,
        postgresql_where=_KNOWN,
        sqlite_where=_KNOWN,
    )


def downgrade() -> None:
    op.drop_index("user_account_look", "user_account")
    op.create_index(
        "user_account_skeleton",
        "user_account",
        ["username_skeleton"],
        unique=True,
        postgresql_where=_KNOWN,
        sqlite_where=_KNOWN,
    )
    with _kept_references(), op.batch_alter_table("user_account") as table:
        table.create_unique_constraint("user_account_username_key", ["username_key"])
    op.drop_table("tenant_erasure")
    op.drop_table("tenant")


@contextmanager
def _kept_references() -> Iterator[None]:
    """Keeps the rows that refer to users: SQLite makes a table anew, and removes them with the former one."""
    connection = op.get_bind()
    names: list[str] = []
    if connection.dialect.name == "sqlite":
        inspector = sa.inspect(connection)
        names = [
            name
            for name in inspector.get_table_names()
            if any(key["referred_table"] == "user_account" for key in inspector.get_foreign_keys(name))
        ]
    for name in names:
        op.execute(f"CREATE TEMP TABLE kept_{name} AS SELECT * FROM {name}")  # noqa: S608 - our own names
    yield
    for name in names:
        op.execute(f"INSERT INTO {name} SELECT * FROM kept_{name}")  # noqa: S608 - our own names
        op.execute(f"DROP TABLE kept_{name}")


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default=sa.text("0"))
