"""How many transactions an id token may hold at once."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    # NULL, "as the setting says", is right for every token that is there: no row is written.
    op.add_column("id_token", sa.Column("max_concurrent_transactions", sa.Integer))


def downgrade() -> None:
    op.drop_column("id_token", "max_concurrent_transactions")
