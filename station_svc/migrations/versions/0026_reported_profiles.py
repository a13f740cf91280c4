"""Charging profiles that stations report, and limits from elsewhere."""

import sqlalchemy as sa
from alembic import op

from station_svc.core.columns import Key

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("charging_profile", _number("limit_source", sa.SmallInteger()))
    op.add_column("charging_profile", _number("report_id", sa.Integer()))
    op.add_column("charging_profile", sa.Column("report_us", sa.BigInteger))
    op.create_table(
        "charging_profile_report",
        sa.Column("tenant_id", Key, primary_key=True),
        sa.Column("station_id", Key, primary_key=True),
        sa.Column("report_id", sa.Integer, primary_key=True, autoincrement=False),
        _number("number", sa.BigInteger()),
        sa.Column("request", sa.LargeBinary, nullable=False),
        _number("part_count", sa.Integer()),
        sa.Column("due_us", sa.BigInteger, nullable=False),
    )
    op.create_index("charging_profile_report_due", "charging_profile_report", ["due_us"])
    op.create_table(
        "charging_limit",
        sa.Column("tenant_id", Key, primary_key=True),
        sa.Column("station_id", Key, primary_key=True),
        sa.Column("evse_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("limit_source", sa.SmallInteger, primary_key=True, autoincrement=False),
        _number("state", sa.SmallInteger()),
        _number("epoch", sa.BigInteger()),
        _number("ordinal", sa.BigInteger()),
        sa.Column("limit_pb", sa.LargeBinary, nullable=False),
        sa.Column("receive_us", sa.BigInteger, nullable=False),
        sa.Column("clear_us", sa.BigInteger),
    )
    cleared = sa.text("clear_us IS NOT NULL")
    op.create_index(
        "charging_limit_cleared", "charging_limit", ["clear_us"], postgresql_where=cleared, sqlite_where=cleared
    )


def downgrade() -> None:
    op.drop_table("charging_limit")
    op.drop_table("charging_profile_report")
    for name in ("report_us", "report_id", "limit_source"):
        op.drop_column("charging_profile", name)


def _number(name: str, kind: sa.types.TypeEngine[int]) -> sa.Column[int]:
    return sa.Column(name, kind, nullable=False, server_default=sa.text("0"))
