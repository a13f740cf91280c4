"""Ended transactions whose samples are to be thinned, by age.

A constant default: no row is rewritten, and code that does not know the column goes on writing rows without.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_UNTHINNED = sa.text("ended AND NOT waiting AND NOT thinned")


def upgrade() -> None:
    op.add_column("tx", sa.Column("thinned", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index("tx_unthinned", "tx", ["create_us"], postgresql_where=_UNTHINNED, sqlite_where=_UNTHINNED)


def downgrade() -> None:
    op.drop_index("tx_unthinned", "tx")
    op.drop_column("tx", "thinned")
