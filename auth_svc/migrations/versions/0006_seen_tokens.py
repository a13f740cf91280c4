"""Id tokens that stations asked for and that are not known."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_FOLDED = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "seen_token",
        sa.Column("tenant_id", sa.Text, nullable=False),
        sa.Column("token_key", _FOLDED, nullable=False),
        sa.Column("id_token", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("station_id", sa.Text, nullable=False),
        sa.Column("evse_id", sa.Integer, nullable=False),
        sa.Column("connector_id", sa.Integer, nullable=False),
        sa.Column("first_us", sa.BigInteger, nullable=False),
        sa.Column("last_us", sa.BigInteger, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "token_key", name="seen_token_pkey"),
    )
    op.create_index("seen_token_newest", "seen_token", ["tenant_id", "last_us"])


def downgrade() -> None:
    op.drop_table("seen_token")
