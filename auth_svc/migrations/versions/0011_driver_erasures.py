"""Erasures of drivers, and how far this service is with them; the quota of stored rows."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_KEY = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")
_RUNNING = sa.text("finish_us IS NULL")


def upgrade() -> None:
    op.add_column("tenant", sa.Column("max_stored_rows", sa.BigInteger, nullable=False, server_default=sa.text("0")))
    op.create_table(
        "driver_erasure",
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("erasure_id", _KEY, nullable=False),
        sa.Column("id_tokens", sa.Text, nullable=False),
        sa.Column("pseudonym", sa.Text, nullable=False),
        sa.Column("create_us", sa.BigInteger, nullable=False),
        sa.Column("finish_us", sa.BigInteger),
        sa.PrimaryKeyConstraint("tenant_id", "erasure_id", name="driver_erasure_pkey"),
    )
    op.create_index("driver_erasure_newest", "driver_erasure", ["tenant_id", "create_us", "erasure_id"])
    op.create_index(
        "driver_erasure_running", "driver_erasure", ["create_us"], postgresql_where=_RUNNING, sqlite_where=_RUNNING
    )
    op.create_table(
        "driver_erasure_report",
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("erasure_id", _KEY, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("removed_rows", "changed_rows", "waiting_rows")),
        sa.Column("finish_us", sa.BigInteger),
        sa.PrimaryKeyConstraint("tenant_id", "erasure_id", "service", name="driver_erasure_report_pkey"),
    )
    op.create_table(
        "driver_erasure_progress",
        sa.Column("tenant_id", _KEY, primary_key=True),
        sa.Column("erasure_id", _KEY, primary_key=True),
        sa.Column("table_name", sa.Text, nullable=False),
        sa.Column("position", sa.Text, nullable=False),
        sa.Column("removed_rows", sa.BigInteger, nullable=False),
        sa.Column("changed_rows", sa.BigInteger, nullable=False),
        sa.Column("waiting_rows", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("driver_erasure_progress")
    op.drop_table("driver_erasure_report")
    op.drop_table("driver_erasure")
    op.drop_column("tenant", "max_stored_rows")
