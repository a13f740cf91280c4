"""Reports of stations about drivers."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _customer_report()
    _customer_report_part()


def downgrade() -> None:
    for table in ("customer_report_part", "customer_report"):
        op.drop_table(table)


def _customer_report() -> None:
    op.create_table(
        "customer_report",
        *_keys("tenant_id", "station_id"),
        sa.Column("report_id", sa.BigInteger, primary_key=True, autoincrement=False),
        *map(_small, ("is_reported", "is_cleared")),
        *map(_text, ("customer_identifier", "id_token", "id_token_type")),
        _small("hash_algorithm"),
        *map(_text, ("issuer_name_hash", "issuer_key_hash", "serial_number")),
        _small("status"),
        sa.Column("create_us", sa.BigInteger, nullable=False),
    )
    op.create_index("customer_report_age", "customer_report", ["create_us"])


def _customer_report_part() -> None:
    op.create_table(
        "customer_report_part",
        *_keys("tenant_id", "station_id"),
        sa.Column("report_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("part", sa.BigInteger, primary_key=True, autoincrement=False),
        *map(_text, ("id_token", "data")),
        sa.Column("receive_us", sa.BigInteger, nullable=False),
    )
    op.create_index("customer_report_part_age", "customer_report_part", ["receive_us"])


def _keys(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, _KEY, primary_key=True) for name in names]


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))


def _small(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, nullable=False, server_default=sa.text("0"))
