"""The OCPP version that a station is pinned to, and why its boots are refused."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table, column in (("station", "pinned_ocpp_version"), ("condition", "reason")):
        op.add_column(table, sa.Column(column, sa.Text, nullable=False, server_default=sa.text("''")))


def downgrade() -> None:
    op.drop_column("condition", "reason")
    op.drop_column("station", "pinned_ocpp_version")
