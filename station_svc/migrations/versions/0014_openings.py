"""Which handshake each connection is of, so that one whose opening had no answer can be closed."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_OPEN = sa.text("disconnect_us IS NULL AND opening_id <> ''")


def upgrade() -> None:
    op.add_column("connection", sa.Column("opening_id", sa.Text, nullable=False, server_default=sa.text("''")))
    op.create_index("connection_opening", "connection", ["opening_id"], postgresql_where=_OPEN, sqlite_where=_OPEN)


def downgrade() -> None:
    op.drop_index("connection_opening", "connection")
    op.drop_column("connection", "opening_id")
