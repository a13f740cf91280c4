"""The language of an id token's driver, and a message for them."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_COLUMNS = ("language", "personal_message")


def upgrade() -> None:
    for name in _COLUMNS:
        op.add_column("id_token", sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''")))


def downgrade() -> None:
    for name in _COLUMNS:
        op.drop_column("id_token", name)
