"""Security events that stations report."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "security_event",
        sa.Column("tenant_id", _KEY, primary_key=True),
        sa.Column("station_id", _KEY, primary_key=True),
        sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("ordinal", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("type", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("tech_info", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("criticality", sa.SmallInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("event_us", sa.BigInteger),
        sa.Column("receive_us", sa.BigInteger, nullable=False),
    )
    op.create_index("security_event_age", "security_event", ["receive_us"])


def downgrade() -> None:
    op.drop_table("security_event")
