"""Which transactions count as held by their id token."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # With a constant default no row is written and no reader waits. True is what the code before took every row for,
    # and what it goes on to mean by the rows that it adds. The index on open transactions by token serves as it is.
    op.add_column("tx", sa.Column("token_held", sa.Boolean, nullable=False, server_default=sa.true()))


def downgrade() -> None:
    op.drop_column("tx", "token_held")
