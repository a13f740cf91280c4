"""Firmware updates and uploads of logs, and what stations report of them."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "task",
        *_station_key(),
        sa.Column("kind", _KEY, primary_key=True),
        sa.Column("task_id", sa.Integer, primary_key=True, autoincrement=False),
        _small("state"),
        _small("status"),
        _text("reported_status"),
        _small("answer"),
        _text("failure_reason"),
        sa.Column("station_made", sa.Boolean, nullable=False),
        _text("request_id"),
        _text("username"),
        _text("location"),
        _text("file_name"),
        _small("log_type"),
        sa.Column("is_signed", sa.Boolean, nullable=False),
        *(sa.Column(name, sa.BigInteger) for name in ("retrieve_us", "install_us", "oldest_us", "latest_us")),
        sa.Column("retries", sa.Integer),
        sa.Column("retry_interval_s", sa.Integer),
        _text("previous_version"),
        _text("installed_version"),
        _big("epoch"),
        _big("ordinal"),
        sa.Column("create_us", sa.BigInteger, nullable=False),
        sa.Column("update_us", sa.BigInteger, nullable=False),
        sa.Column("end_us", sa.BigInteger),
        _big("deadline_us"),
    )
    op.create_index("task_age", "task", ["create_us"])
    op.create_index("task_list", "task", ["tenant_id", "kind", "create_us"])
    op.create_table(
        "task_report",
        *_station_key(),
        sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("ordinal", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", _KEY, nullable=False),
        sa.Column("task_id", sa.Integer, nullable=False),
        _small("status"),
        _text("reported_status"),
        sa.Column("named_id", sa.Integer),
        sa.Column("receive_us", sa.BigInteger, nullable=False),
    )
    op.create_index("task_report_age", "task_report", ["receive_us"])


def downgrade() -> None:
    op.drop_table("task_report")
    op.drop_table("task")


def _station_key() -> tuple[sa.Column[str], sa.Column[str]]:
    return sa.Column("tenant_id", _KEY, primary_key=True), sa.Column("station_id", _KEY, primary_key=True)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))


def _small(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, nullable=False, server_default=sa.text("0"))


def _big(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, server_default=sa.text("0"))
