"""Lists of transactions by their start."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("tx_begin_newest", "tx", ["tenant_id", "begin_us"])


def downgrade() -> None:
    op.drop_index("tx_begin_newest", "tx")
