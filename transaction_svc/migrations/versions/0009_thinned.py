"""Packed events, ended transactions that are to be thinned, by age, and the time of meter values outside of any.

Constant defaults: no row is rewritten, and code that does not know the column goes on writing rows without.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_UNTHINNED = sa.text("ended AND NOT waiting AND NOT thinned")


def upgrade() -> None:
    op.add_column("tx", sa.Column("thinned", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index("tx_unthinned", "tx", ["create_us"], postgresql_where=_UNTHINNED, sqlite_where=_UNTHINNED)
    op.add_column("meter_values", sa.Column("sample_us", sa.BigInteger, nullable=False, server_default=sa.text("0")))
    op.create_table(
        "tx_packed",
        sa.Column("tenant_id", _NAME, nullable=False),
        sa.Column("station_id", _NAME, nullable=False),
        sa.Column("transaction_id", _NAME, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("first_key", _NAME, nullable=False),
        sa.Column("events", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint(
            "station_id", "transaction_id", "generation", "first_key", "tenant_id", name="tx_packed_pkey"
        ),
    )


def downgrade() -> None:
    op.drop_table("tx_packed")
    op.drop_column("meter_values", "sample_us")
    op.drop_index("tx_unthinned", "tx")
    op.drop_column("tx", "thinned")
