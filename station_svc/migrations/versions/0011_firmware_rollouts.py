"""Rollouts of firmware: the number of the update at each station."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("firmware_update_id", sa.BigInteger, nullable=False, server_default=sa.text("0"))
    op.add_column("rollout_target", column)


def downgrade() -> None:
    op.drop_column("rollout_target", "firmware_update_id")
