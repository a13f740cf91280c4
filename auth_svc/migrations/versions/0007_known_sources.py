"""Networks from which users have logged in."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_FOLDED = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "known_source",
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("username_key", _FOLDED, nullable=False),
        sa.Column("network", sa.Text, nullable=False),
        sa.Column("first_us", sa.BigInteger, nullable=False),
        sa.Column("last_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "username_key", "network", name="known_source_pkey"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "username_key"],
            ["user_account.tenant_id", "user_account.username_key"],
            name="known_source_user",
            ondelete="CASCADE",
        ),
    )
    op.create_index("known_source_by_time", "known_source", ["last_us"])


def downgrade() -> None:
    op.drop_table("known_source")
