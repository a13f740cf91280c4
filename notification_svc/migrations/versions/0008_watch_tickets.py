"""Tickets for streams of events."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "watch_ticket",
        sa.Column("ticket_sha256", sa.Text, nullable=False),
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("credential", sa.Text, nullable=False),
        sa.Column("expire_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("ticket_sha256", name="watch_ticket_pkey"),
    )
    op.create_index("watch_ticket_by_expiry", "watch_ticket", ["expire_us"])


def downgrade() -> None:
    op.drop_table("watch_ticket")
