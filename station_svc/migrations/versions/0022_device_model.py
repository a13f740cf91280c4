"""Variables as reports of 2.x state them, and the changes of their values."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

_KEY = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    for column in _added():
        op.add_column("variable", column)
    op.create_table(
        "variable_change",
        sa.Column("tenant_id", _KEY, primary_key=True),
        sa.Column("station_id", _KEY, primary_key=True),
        sa.Column("change_us", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("component", _KEY, primary_key=True),
        sa.Column("variable", _KEY, primary_key=True),
        sa.Column("component_instance", _KEY, primary_key=True),
        sa.Column("evse_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("connector_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("variable_instance", _KEY, primary_key=True),
        sa.Column("attribute_type", _KEY, primary_key=True),
        _text("former_value"),
        _text("value"),
    )
    op.create_index("variable_change_age", "variable_change", ["change_us"])


def downgrade() -> None:
    op.drop_table("variable_change")
    for column in _added():
        op.drop_column("variable", column.name)


def _added() -> list[sa.Column[Any]]:
    return [
        _small("mutability"),
        sa.Column("persistent", sa.Boolean),
        sa.Column("constant", sa.Boolean),
        _text("unit"),
        _small("data_type"),
        sa.Column("min_limit", sa.Double),
        sa.Column("max_limit", sa.Double),
        _text("values_list"),
        sa.Column("supports_monitoring", sa.Boolean),
        sa.Column("reboot_us", sa.BigInteger),
    ]


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))


def _small(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, nullable=False, server_default=sa.text("0"))
