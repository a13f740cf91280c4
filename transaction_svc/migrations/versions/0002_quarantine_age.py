"""Messages in quarantine by age, for their retention."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("quarantine_age", "quarantine", ["update_us"])


def downgrade() -> None:
    op.drop_index("quarantine_age", "quarantine")
