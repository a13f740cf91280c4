"""Rollouts: the same work at many stations."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_COUNTS = ("total", "running", "succeeded", "failed", "skipped", "cancelled")


def upgrade() -> None:
    op.create_table(
        "rollout",
        sa.Column("tenant_id", _KEY, primary_key=True),
        sa.Column("rollout_id", _KEY, primary_key=True),
        _text("display_name"),
        _text("filter"),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("work", sa.LargeBinary, nullable=False),
        sa.Column("max_parallel", sa.Integer, nullable=False),
        sa.Column("stop_after_failures", sa.Integer, nullable=False),
        sa.Column("start_us", sa.BigInteger, nullable=False),
        sa.Column("expire_us", sa.BigInteger, nullable=False),
        _small("state"),
        _small("stop_reason"),
        sa.Column("username", sa.Text, nullable=False),
        sa.Column("request_id", _KEY),
        sa.Column("digest", sa.Text, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0")) for name in _COUNTS),
        sa.Column("create_us", sa.BigInteger, nullable=False),
        sa.Column("update_us", sa.BigInteger, nullable=False),
        sa.Column("end_us", sa.BigInteger),
    )
    op.create_index("rollout_request", "rollout", ["tenant_id", "request_id"], unique=True)
    op.create_index("rollout_list", "rollout", ["tenant_id", "create_us", "rollout_id"])
    op.create_table(
        "rollout_target",
        sa.Column("tenant_id", _KEY, primary_key=True),
        sa.Column("rollout_id", _KEY, primary_key=True),
        sa.Column("station_id", _KEY, primary_key=True),
        _small("state"),
        _flag("queued"),
        _flag("held"),
        _text("progress"),
        _flag("reboot_required"),
        sa.Column("error", sa.LargeBinary),
        sa.Column("start_us", sa.BigInteger),
        sa.Column("end_us", sa.BigInteger),
    )
    columns = ["tenant_id", "rollout_id", "state", "held", "station_id"]
    op.create_index("rollout_target_state", "rollout_target", columns)


def downgrade() -> None:
    op.drop_table("rollout_target")
    op.drop_table("rollout")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))


def _small(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, nullable=False, server_default=sa.text("0"))


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false())
