"""How often stations repeat messages that fail, as they were known at the last boot.

Columns without a default: no row is rewritten, and code that does not know them goes on writing rows without.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("station", sa.Column("message_attempts", sa.Integer))
    op.add_column("station", sa.Column("message_attempt_interval_s", sa.Integer))


def downgrade() -> None:
    op.drop_column("station", "message_attempt_interval_s")
    op.drop_column("station", "message_attempts")
