"""How far the erasures of drivers are in this service."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_KEY = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
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
