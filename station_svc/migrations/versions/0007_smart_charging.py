"""Charging profiles and reservations, and the numbers that they are given."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "allocation",
        *_station_key(),
        sa.Column("kind", _KEY, primary_key=True),
        sa.Column("latest", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "charging_profile",
        *_station_key(),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        _integer("evse_id"),
        _integer("profile_id"),
        _integer("purpose"),
        _integer("stack_level"),
        _text("transaction_id"),
        _small("state"),
        _text("reason_code"),
        sa.Column("valid_to_us", sa.BigInteger),
        sa.Column("doubt_us", sa.BigInteger),
        sa.Column("due_us", sa.BigInteger),
        sa.Column("profile", sa.LargeBinary, nullable=False),
        *_moments(),
    )
    op.create_table(
        "reservation",
        *_station_key(),
        sa.Column("reservation_id", sa.BigInteger, primary_key=True, autoincrement=False),
        _integer("evse_id"),
        _text("id_token"),
        _text("id_token_type"),
        _text("group_id_token"),
        _text("group_id_token_type"),
        sa.Column("expire_us", sa.BigInteger, nullable=False),
        _small("state"),
        _small("reserve_status"),
        _text("reason_code"),
        sa.Column("doubt_us", sa.BigInteger),
        sa.Column("due_us", sa.BigInteger),
        sa.Column("use_us", sa.BigInteger),
        _integer("use_evse_id"),
        _text("transaction_id"),
        *_moments(),
    )
    for table in ("charging_profile", "reservation"):
        where = sa.text("due_us IS NOT NULL")
        op.create_index(f"{table}_due", table, ["due_us"], postgresql_where=where, sqlite_where=where)
        op.create_index(f"{table}_age", table, ["update_us"])


def downgrade() -> None:
    for table in ("reservation", "charging_profile", "allocation"):
        op.drop_table(table)


def _station_key() -> tuple[sa.Column[str], sa.Column[str]]:
    return sa.Column("tenant_id", _KEY, primary_key=True), sa.Column("station_id", _KEY, primary_key=True)


def _moments() -> tuple[sa.Column[int], sa.Column[int]]:
    return (
        sa.Column("create_us", sa.BigInteger, nullable=False),
        sa.Column("update_us", sa.BigInteger, nullable=False),
    )


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))


def _small(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, nullable=False, server_default=sa.text("0"))


def _integer(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default=sa.text("0"))
