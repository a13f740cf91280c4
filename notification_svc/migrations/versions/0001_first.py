"""Streams and their events."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "stream",
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("last_cursor", sa.BigInteger, nullable=False),
        sa.Column("removed_cursor", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="stream_pkey"),
    )
    op.create_table(
        "event",
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("cursor", sa.BigInteger, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("station_id", sa.Text, nullable=False),
        sa.Column("event_time_us", sa.BigInteger, nullable=False),
        sa.Column("create_us", sa.BigInteger, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "cursor", name="event_pkey"),
        sa.UniqueConstraint("tenant_id", "event_id", name="event_event_id"),
    )
    op.create_index("event_by_station", "event", ["tenant_id", "station_id", "cursor"])


def downgrade() -> None:
    for table in ("event", "stream"):
        op.drop_table(table)
