"""The certificates above one that a station reported."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.add_column(
        "installed_certificate", sa.Column("child_hash_data", sa.Text, nullable=False, server_default=sa.text("''"))
    )


def downgrade() -> None:
    op.drop_column("installed_certificate", "child_hash_data")
