"""Where stations stand: a copy of station_svc's, by which lists are limited."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "station_placement",
        *_keys("tenant_id", "station_id"),
        sa.Column("site_id", _KEY, nullable=False),
        sa.Column("path", _KEY, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.create_index("station_placement_version", "station_placement", ["version"])
    op.create_table("station_group", *_keys("tenant_id", "label", "value", "station_id"))
    op.create_index("station_group_station", "station_group", ["tenant_id", "station_id"])


def downgrade() -> None:
    op.drop_table("station_group")
    op.drop_table("station_placement")


def _keys(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, _KEY, primary_key=True) for name in names]
