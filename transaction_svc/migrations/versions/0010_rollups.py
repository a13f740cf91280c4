"""Rollups of energy and sessions by connector and time, and the transactions that are to be counted in them.

A column without a default: no row is rewritten, and its NULL has each transaction counted in the background, those that
code before the column writes too.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_DUE = sa.text("rollup_due IS NOT FALSE")


def upgrade() -> None:
    op.add_column("tx", sa.Column("rollup_due", sa.Boolean))
    op.create_index("tx_rollup_due", "tx", ["create_us"], postgresql_where=_DUE, sqlite_where=_DUE)
    op.create_table(
        "tx_rollup",
        sa.Column("tenant_id", _NAME, nullable=False),
        sa.Column("station_id", _NAME, nullable=False),
        sa.Column("transaction_id", _NAME, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("share", sa.Text, nullable=False),
        sa.Column("count_us", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.Boolean, nullable=False),
        sa.Column("energy_mwh", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("station_id", "transaction_id", "generation", "tenant_id", name="tx_rollup_pkey"),
    )
    op.create_table(
        "rollup",
        *_connector(),
        sa.Column("day", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("cells", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "station_id", "evse_id", "connector_id", "day", name="rollup_pkey"),
    )
    op.create_table(
        "rollup_connector",
        *_connector(),
        sa.Column("first_day", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "station_id", "evse_id", "connector_id", name="rollup_connector_pkey"),
    )
    op.create_table(
        "rollup_horizon",
        sa.Column("tenant_id", _NAME, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="rollup_horizon_pkey"),
    )


def _connector() -> list[sa.Column[str] | sa.Column[int]]:
    return [
        sa.Column("tenant_id", _NAME, nullable=False),
        sa.Column("station_id", _NAME, nullable=False),
        sa.Column("evse_id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("connector_id", sa.Integer, nullable=False, autoincrement=False),
    ]


def downgrade() -> None:
    for table in ("rollup_horizon", "rollup_connector", "rollup", "tx_rollup"):
        op.drop_table(table)
    op.drop_index("tx_rollup_due", "tx")
    op.drop_column("tx", "rollup_due")
