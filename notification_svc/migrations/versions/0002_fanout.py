"""How far each stream has been handed to the broker."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "fanout",
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("cursor", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="fanout_pkey"),
    )


def downgrade() -> None:
    op.drop_table("fanout")
