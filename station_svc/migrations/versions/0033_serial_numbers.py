"""Serial numbers that certificates may name stations by."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"

_COLUMNS = ("expected_serial_number", "confirmed_serial_number")


def upgrade() -> None:
    for name in _COLUMNS:
        op.add_column("station", sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''")))


def downgrade() -> None:
    for name in reversed(_COLUMNS):
        op.drop_column("station", name)
