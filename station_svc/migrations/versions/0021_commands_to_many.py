"""Rollouts of commands: each station's own answer, and rollouts that try again."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("rollout", _text("retry_of"))
    op.add_column("rollout_target", sa.Column("answer", sa.LargeBinary))
    for name in ("error_reason", "answer_status", "answer_reason"):
        op.add_column("rollout_target", _text(name))


def downgrade() -> None:
    for name in ("answer", "error_reason", "answer_status", "answer_reason"):
        op.drop_column("rollout_target", name)
    op.drop_column("rollout", "retry_of")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))
