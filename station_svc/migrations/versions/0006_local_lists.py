"""Local authorization lists: what each station holds, and where its sync stands."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "local_list",
        sa.Column("tenant_id", _KEY, primary_key=True),
        sa.Column("station_id", _KEY, primary_key=True),
        sa.Column("version", sa.Integer),
        sa.Column("entries_version", sa.Integer),
        sa.Column("entries", sa.LargeBinary, nullable=False, server_default=sa.text("''")),
        sa.Column("entry_count", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("sync_state", sa.SmallInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("request_id", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("request_us", sa.BigInteger),
        sa.Column("plan_us", sa.BigInteger),
        sa.Column("sync_us", sa.BigInteger),
        sa.Column("full", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("left_out", sa.Text, nullable=False, server_default=sa.text("'[]'")),
        sa.Column("error", sa.LargeBinary),
    )


def downgrade() -> None:
    op.drop_table("local_list")
