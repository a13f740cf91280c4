"""Conditions that persons have taken note of."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_KEY = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "condition_acknowledgement",
        sa.Column("tenant_id", _KEY, nullable=False),
        sa.Column("condition_id", _KEY, nullable=False),
        sa.Column("station_id", sa.Text, nullable=False),
        sa.Column("begin_us", sa.BigInteger, nullable=False),
        sa.Column("acknowledge_us", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "condition_id", name="condition_acknowledgement_pkey"),
    )
    op.create_index("condition_acknowledgement_by_time", "condition_acknowledgement", ["tenant_id", "acknowledge_us"])


def downgrade() -> None:
    op.drop_table("condition_acknowledgement")
