"""Hanging transactions, flags to filter by, and the boots of stations.

Columns without a default: no row is rewritten. Flags of older rows are filled in by the service, a few at a time.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("tx", sa.Column("flags", sa.Text))
    op.add_column("tx", sa.Column("hanging_due_us", sa.BigInteger))
    _create_index("tx_flagged_newest", ["tenant_id", "create_us"], "flags <> ''")
    _create_index("tx_without_flags", ["create_us"], "flags IS NULL")
    _create_index("tx_hanging", ["hanging_due_us"], "hanging_due_us IS NOT NULL")
    op.create_table(
        "station",
        sa.Column("tenant_id", _NAME, nullable=False),
        sa.Column("station_id", _NAME, nullable=False),
        sa.Column("vendor_name", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("firmware_version", sa.Text, nullable=False),
        sa.Column("boot_us", sa.BigInteger, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("ordinal", sa.BigInteger, nullable=False),
        sa.Column("create_us", sa.BigInteger, nullable=False),
        sa.Column("update_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "station_id", name="station_pkey"),
    )


def _create_index(name: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, "tx", columns, postgresql_where=condition, sqlite_where=condition)


def downgrade() -> None:
    op.drop_table("station")
    for name in ("tx_hanging", "tx_without_flags", "tx_flagged_newest"):
        op.drop_index(name, "tx")
    op.drop_column("tx", "hanging_due_us")
    op.drop_column("tx", "flags")
