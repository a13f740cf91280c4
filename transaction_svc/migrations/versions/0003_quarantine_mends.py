"""Mends of quarantined messages, and a bound for those of stations that are not accepted."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_UNACCEPTED = sa.text("reason = 'STATION_NOT_ACCEPTED' AND state = 'OPEN'")


def upgrade() -> None:
    op.add_column("quarantine", sa.Column("item_size", sa.Integer, nullable=False, server_default=sa.text("0")))
    op.create_index(
        "quarantine_unaccepted",
        "quarantine",
        ["station_id"],
        postgresql_where=_UNACCEPTED,
        sqlite_where=_UNACCEPTED,
    )
    op.create_table(
        "quarantine_mend",
        sa.Column("tenant_id", NAME, nullable=False),
        sa.Column("quarantine_id", NAME, nullable=False),
        sa.Column("mend_no", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("item", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("username", sa.Text, nullable=False),
        sa.Column("mend_us", sa.BigInteger, nullable=False),
        sa.Column("failure_reason", sa.Text, nullable=False),
        sa.Column("failure_message", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "quarantine_id", "mend_no", name="quarantine_mend_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "quarantine_id"],
            ["quarantine.tenant_id", "quarantine.quarantine_id"],
            name="quarantine_mend_of_item",
            ondelete="CASCADE",
        ),
    )


def downgrade() -> None:
    op.drop_table("quarantine_mend")
    op.drop_index("quarantine_unaccepted", "quarantine")
    op.drop_column("quarantine", "item_size")
