"""Reports of variables with their parts, and network profiles."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

_KEY = sa.Text(collation="C").with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    _create_reports()
    _create_parts()
    _create_profiles()


def _create_reports() -> None:
    op.create_table(
        "variable_report",
        *_station(),
        sa.Column("variable_report_id", sa.BigInteger, primary_key=True, autoincrement=False),
        _small("report_base"),
        _small("state"),
        _small("status"),
        _integer("received_parts"),
        _integer("part_rows"),
        sa.Column("last_part", sa.Integer),
        _integer("attribute_count"),
        _integer("skipped_count"),
        sa.Column("generate_us", sa.BigInteger),
        sa.Column("due_us", sa.BigInteger),
        sa.Column("create_us", sa.BigInteger, nullable=False),
        sa.Column("update_us", sa.BigInteger, nullable=False),
    )
    due = sa.text("due_us IS NOT NULL")
    op.create_index("variable_report_due", "variable_report", ["due_us"], postgresql_where=due, sqlite_where=due)
    op.create_index("variable_report_age", "variable_report", ["update_us"])


def _create_parts() -> None:
    op.create_table(
        "variable_report_part",
        *_station(),
        sa.Column("variable_report_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("seq_no", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("ordinal", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("is_last", sa.Boolean, nullable=False),
        _integer("attribute_count"),
        _integer("skipped_count"),
        sa.Column("receive_us", sa.BigInteger, nullable=False),
    )
    op.create_index("variable_report_part_age", "variable_report_part", ["receive_us"])


def _create_profiles() -> None:
    op.create_table(
        "network_profile",
        *_station(),
        sa.Column("configuration_slot", sa.Integer, primary_key=True, autoincrement=False),
        _text("profile"),
        _small("status"),
        _text("username"),
        sa.Column("update_us", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("network_profile")
    op.drop_table("variable_report_part")
    op.drop_table("variable_report")


def _station() -> tuple[sa.Column[str], sa.Column[str]]:
    return sa.Column("tenant_id", _KEY, primary_key=True), sa.Column("station_id", _KEY, primary_key=True)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))


def _small(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, nullable=False, server_default=sa.text("0"))


def _integer(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default=sa.text("0"))
