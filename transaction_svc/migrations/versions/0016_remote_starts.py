"""The number of the remote start that began a transaction, which lists can be filtered by.

The column is NULL in rows from before. The index is partial: it is made by one look at the table, and has no entry of
those rows.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_HAS_ONE = sa.text("remote_start_id IS NOT NULL")


def upgrade() -> None:
    op.add_column("tx", sa.Column("remote_start_id", sa.Integer))
    op.create_index("tx_remote_start", "tx", ["remote_start_id"], postgresql_where=_HAS_ONE, sqlite_where=_HAS_ONE)


def downgrade() -> None:
    op.drop_index("tx_remote_start", "tx")
    op.drop_column("tx", "remote_start_id")
