"""When the present run of refused connections of a station began, and how many there had been before it."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("station", sa.Column("failed_credential_begin_us", sa.BigInteger))
    op.add_column(
        "station", sa.Column("failed_credentials_before", sa.BigInteger, nullable=False, server_default=sa.text("0"))
    )


def downgrade() -> None:
    op.drop_column("station", "failed_credentials_before")
    op.drop_column("station", "failed_credential_begin_us")
