"""Needs and schedules of vehicles that negotiate with their stations."""

import sqlalchemy as sa
from alembic import op

from station_svc.core.columns import Key

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ev_charging",
        sa.Column("tenant_id", Key, primary_key=True),
        sa.Column("station_id", Key, primary_key=True),
        sa.Column("evse_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("transaction_id", sa.Text, nullable=False, server_default=sa.text("''")),
        _number("state", sa.SmallInteger()),
        _number("profile_id", sa.Integer()),
        sa.Column("needs", sa.LargeBinary, nullable=False),
        sa.Column("schedule", sa.LargeBinary),
        sa.Column("schedule_us", sa.BigInteger),
        sa.Column("exceeds", sa.Boolean, nullable=False, server_default=sa.false()),
        _number("renegotiations", sa.SmallInteger()),
        _number("epoch", sa.BigInteger()),
        _number("ordinal", sa.BigInteger()),
        sa.Column("receive_us", sa.BigInteger, nullable=False),
        sa.Column("update_us", sa.BigInteger, nullable=False),
    )
    op.create_index("ev_charging_age", "ev_charging", ["update_us"])


def downgrade() -> None:
    op.drop_table("ev_charging")


def _number(name: str, kind: sa.types.TypeEngine[int]) -> sa.Column[int]:
    return sa.Column(name, kind, nullable=False, server_default=sa.text("0"))
