"""The time of a stream's last event, so that times rise with cursors: by them events are partitioned.

A constant default: no row is rewritten, and code that does not know the column goes on writing rows without.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("stream", sa.Column("last_create_us", sa.BigInteger, nullable=False, server_default=sa.text("0")))


def downgrade() -> None:
    op.drop_column("stream", "last_create_us")
