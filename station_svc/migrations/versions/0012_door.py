"""Stations' first credentials, and handshakes that did not prove who a station is."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_NAMES = (
    "hand_over",
    "hand_over_reason",
    "failed_credentials",
    "failed_credential_us",
    "failed_credential_address",
)


def upgrade() -> None:
    empty, none = sa.text("''"), sa.text("0")
    op.add_column("station", sa.Column("hand_over", sa.SmallInteger, nullable=False, server_default=none))
    op.add_column("station", sa.Column("hand_over_reason", sa.Text, nullable=False, server_default=empty))
    op.add_column("station", sa.Column("failed_credentials", sa.BigInteger, nullable=False, server_default=none))
    op.add_column("station", sa.Column("failed_credential_us", sa.BigInteger))
    op.add_column("station", sa.Column("failed_credential_address", sa.Text, nullable=False, server_default=empty))


def downgrade() -> None:
    for name in reversed(_NAMES):
        op.drop_column("station", name)
