"""Present power and begin of hanging of transactions, for summaries and conditions; open items of the quarantine.

The columns may be NULL, and are filled in with the next event of each transaction.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_OPEN = sa.text("state = 'OPEN'")


def upgrade() -> None:
    op.add_column("tx", sa.Column("power_w", sa.Integer))
    op.add_column("tx", sa.Column("hanging_us", sa.BigInteger))
    op.create_index(
        "quarantine_open",
        "quarantine",
        ["tenant_id", "station_id", "reason", "create_us"],
        postgresql_where=_OPEN,
        sqlite_where=_OPEN,
    )


def downgrade() -> None:
    op.drop_index("quarantine_open", "quarantine")
    op.drop_column("tx", "hanging_us")
    op.drop_column("tx", "power_w")
