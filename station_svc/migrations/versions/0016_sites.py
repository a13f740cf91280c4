"""Sites as a tree, labels, and where stations stand."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _sites()
    op.create_table(
        "station_placement",
        *_keys("tenant_id", "station_id"),
        sa.Column("site_id", _KEY, nullable=False),
        sa.Column("path", _KEY, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        _text("labels"),
    )
    op.create_index("station_placement_version", "station_placement", ["version"])
    op.create_table("station_group", *_keys("tenant_id", "label", "value", "station_id"))
    op.create_index("station_group_station", "station_group", ["tenant_id", "station_id"])
    op.create_table(
        "placement_history",
        *_keys("tenant_id", "station_id"),
        sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("site_id", _KEY, nullable=False),
        sa.Column("begin_us", sa.BigInteger, nullable=False),
        sa.Column("end_us", sa.BigInteger),
        _text("username"),
    )
    version = op.create_table(
        "placement_version",
        sa.Column("number", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(version, [{"number": 1, "version": 0}])


def _sites() -> None:
    op.create_table(
        "site",
        *_keys("tenant_id", "site_id"),
        sa.Column("parent_site_id", _KEY, nullable=False),
        sa.Column("path", _KEY, nullable=False),
        *map(_text, ("kind", "display_name", "time_zone")),
        sa.Column("latitude", sa.Double),
        sa.Column("longitude", sa.Double),
        *map(_text, ("address", "contact", "opening_periods")),
        sa.Column("create_us", sa.BigInteger, nullable=False),
        sa.Column("update_us", sa.BigInteger, nullable=False),
    )
    op.create_index("site_path", "site", ["tenant_id", "path"], unique=True)
    op.create_index("site_parent", "site", ["tenant_id", "parent_site_id"])
    op.create_table("site_label", *_keys("tenant_id", "site_id", "label"), sa.Column("value", _KEY, nullable=False))
    op.create_index("site_label_value", "site_label", ["tenant_id", "label", "value"])


def downgrade() -> None:
    for table in (
        "placement_version",
        "placement_history",
        "station_group",
        "station_placement",
        "site_label",
        "site",
    ):
        op.drop_table(table)


def _keys(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, _KEY, primary_key=True) for name in names]


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))
