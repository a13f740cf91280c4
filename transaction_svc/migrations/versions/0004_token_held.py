"""A column for transactions that their id token does not hold."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # With a constant default no row is written and no reader waits. The release before treats every row as held, also
    # those that it adds; so the default is true. The index on open transactions by token stays as it is.
    op.add_column("tx", sa.Column("token_held", sa.Boolean, nullable=False, server_default=sa.true()))


def downgrade() -> None:
    op.drop_column("tx", "token_held")
